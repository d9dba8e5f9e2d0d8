#pragma once

#include "control/content.h"
#include "http/site.h"

#include <cstdint>
#include <string>
#include <string_view>

/// Parts of messages as files that a browser saves.
namespace paquebot::control {

/// A name that a message gives a file, as one that is harmless wherever it is saved: no folders, no control or turning
/// characters, no device of Windows, no leading dot; at most 200 octets, whose end stays. `number`: of the part, for
/// one that has no name.
std::string file_name(std::string_view name, std::string_view number);

/// The field Content-Disposition of a file with this name (RFC 6266, RFC 8187).
std::string attachment_field(std::string_view name);

/// What a browser is told that it is: the part's own type where nothing can happen by that, else octets.
std::string_view file_type(const mail::MimePart& part);

/// The octets of a part, decoded, however many they are: read and decoded piece by piece, so that one is in memory at a
/// time. Content that is gone meanwhile is an error.
class PartSource final : public http::ContentSource {
public:
  /// `content` must outlive it.
  PartSource(store::ContentStore& content, PartPlace place) : content_(content), place_(std::move(place)) {}

  Task<Result<std::string>> next() override;
  /// How many octets it will give, when that is known before.
  std::optional<std::uint64_t> length() const;

private:
  std::string decode(std::string piece, bool last);
  std::string decode_base64(std::string_view piece, bool last);
  std::string decode_quoted(std::string piece, bool last);

  store::ContentStore& content_;
  PartPlace place_;
  std::uint64_t at_ = 0; ///< octets that were read
  std::string rest_;     ///< read, and waiting for what follows
  bool padded_ = false;  ///< base 64 has come to its end
  bool finished_ = false;
};

} // namespace paquebot::control
