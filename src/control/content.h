#pragma once

#include "control/call.h"
#include "mail/mime_structure.h"

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// A message as its owner reads it. Whose it is, the dispatcher has checked (Whose::content).
namespace paquebot::control {

struct Readable {
  std::string head;
  store::BodyRef body;
  std::unique_ptr<mail::MimePart> root; ///< its parts, whose offsets count from the beginning of the head
};

/// One that holds content, by its number as IMAP counts ("2.1"). Valid as long as its Readable.
struct LeafPart {
  std::string number;
  const mail::MimePart* part = nullptr;
  bool attached = false; ///< it is no text that people read first
};

/// What came into a mailbox of `own`, or waits that `own` sent or is to get; not_found when that is gone.
Task<Found<Readable>> open_readable(Context& context, store::Id own, Ulid id);
std::vector<LeafPart> leaves_of(const Readable& message);
/// The first text of this kind ("plain", "html") that is not attached, or null.
const LeafPart* text_of(const std::vector<LeafPart>& leaves, std::string_view subtype);

/// The one with this number, or null.
const LeafPart* find_leaf(const std::vector<LeafPart>& leaves, std::string_view number);
/// The name that it gives its file, as it is written.
std::string name_of_part(const mail::MimePart& part);

/// Where the content of a part is, and how it travelled.
struct PartPlace {
  store::BodyRef body;
  std::uint64_t offset = 0; ///< in the body
  std::uint64_t size = 0;
  std::string encoding; ///< lower case
};
PartPlace part_place(const Readable& message, const mail::MimePart& part);
/// Its octets, decoded; at most `most` as they travelled are read.
Task<Result<std::string>> read_part(Context& context, PartPlace place, std::size_t most);

/// A parameter of a part in UTF-8: as it is, in encoded words, or by RFC 2231.
std::string parameter_text(const std::vector<std::pair<std::string, std::string>>& parameters, std::string_view name);
/// HTML with each `cid:` reference replaced by what `url` says of it; what it has nothing for stays.
std::string replace_references(std::string_view html, const std::function<std::string(const std::string& id)>& url);

inline constexpr std::size_t kMostText = 1u << 20;     ///< octets of a text that are shown
inline constexpr std::size_t kMostPicture = 16u << 20; ///< of an embedded picture, as it travelled

} // namespace paquebot::control
