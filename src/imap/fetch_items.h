#pragma once

#include "imap/lexer.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace paquebot::imap {

/// One thing that FETCH asks of a message.
struct FetchItem {
  enum class Kind : std::uint8_t {
    flags,
    uid,
    internal_date,
    size,
    modseq,    ///< RFC 7162
    save_date, ///< RFC 8514
    email_id,
    thread_id, ///< RFC 8474
    envelope,
    body,           ///< BODY without brackets
    body_structure, ///< with extension data
    section,        ///< BODY[…], and RFC822 in its forms
    binary,         ///< BINARY[…] (RFC 3516)
    binary_size,
    preview, ///< RFC 8970
  };
  /// What of a part, or of the message when there is no part number.
  enum class Text : std::uint8_t { whole, header, header_fields, header_fields_not, text, mime };

  Kind kind = Kind::flags;
  bool peek = false;
  std::vector<std::uint32_t> part; ///< numbers; empty: the message
  Text text = Text::whole;
  std::vector<std::string> fields; ///< names, for header_fields
  std::optional<std::uint64_t> offset;
  std::uint64_t most = 0; ///< with an offset
  std::string label;      ///< as the answer calls it: "BODY[HEADER]<0>"

  bool sets_seen() const { return (kind == Kind::section || kind == Kind::binary) && !peek; }
  bool needs_content() const { return kind >= Kind::envelope; }
  bool needs_structure() const {
    return kind == Kind::body || kind == Kind::body_structure || kind == Kind::binary || kind == Kind::binary_size ||
           kind == Kind::preview || !part.empty();
  }
};
inline constexpr std::size_t kMaxItems = 100;
inline constexpr std::size_t kMaxPartDepth = 40;
inline constexpr std::size_t kMaxFieldNames = 200;

/// "ALL", one item, or a list of them. Nothing when it is malformed or beyond the bounds.
std::optional<std::vector<FetchItem>> parse_fetch_items(Lexer& lexer);
/// One that is its name.
FetchItem simple_item(FetchItem::Kind kind, std::string_view label);

/// Behind the items, in parentheses (RFC 7162).
struct FetchModifiers {
  std::optional<std::int64_t> changed_since{};
  bool vanished = false;
};
/// To the end of the command; false when it is malformed.
bool parse_fetch_modifiers(Lexer& lexer, FetchModifiers& modifiers);
/// Of a header block the fields that the item names (or the others), and the empty line.
std::string chosen_fields(std::string_view head, const FetchItem& item);

} // namespace paquebot::imap
