#include "imap/preview.h"

#include "base/text.h"
#include "mail/charset.h"
#include "mail/html.h"

#include <algorithm>

namespace paquebot::imap {
namespace {

const mail::MimePart* find_text(const mail::MimePart& part, std::string_view subtype) {
  if (iequals(part.disposition.token, "attachment")) return nullptr;
  if (part.type == "text" && part.subtype == subtype) return &part;
  if (!part.is_multipart()) return nullptr;
  for (const auto& one : part.parts)
    if (const mail::MimePart* found = find_text(*one, subtype)) return found;
  return nullptr;
}

/// Lines that quote what was answered tell nothing new.
std::string without_quotes(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
    if (!text.starts_with('>')) out += text.substr(0, end);
    text.remove_prefix(end);
  }
  return out;
}

bool is_control(std::string_view character) {
  if (character.size() == 1) return static_cast<unsigned char>(character[0]) < 0x20 || character[0] == 0x7F;
  return character.size() == 2 && character[0] == '\xC2' && static_cast<unsigned char>(character[1]) < 0xA0;
}

} // namespace

const mail::MimePart* find_readable(const mail::MimePart& message) {
  const mail::MimePart* plain = find_text(message, "plain");
  return plain != nullptr ? plain : find_text(message, "html");
}

std::string preview_of(const mail::MimePart& part, std::string_view octets) {
  const mail::MimeValue type{{}, part.parameters};
  std::string text = mail::to_utf8(octets, type.parameter("charset"));
  text = part.subtype == "html" ? mail::text_of_html(text) : without_quotes(text);
  std::string out;
  std::string_view left = text;
  for (std::size_t characters = 0; !left.empty() && characters < kPreviewCharacters;) {
    const std::size_t length = std::max<std::size_t>(utf8_length(left), 1);
    const std::string_view one = left.substr(0, length);
    left.remove_prefix(length);
    const bool blank = is_space(one[0]) || is_control(one);
    if (blank && (out.empty() || out.back() == ' ')) continue;
    out += blank ? std::string_view(" ") : one;
    ++characters;
  }
  return std::string(trim(out));
}

} // namespace paquebot::imap
