#include "mail/status.h"

#include "base/text.h"

#include <algorithm>
#include <fmt/format.h>

namespace paquebot::mail {
namespace {

/// RFC 5321 section 4.5.3.1.5: a reply line with its code and CRLF.
constexpr std::size_t kMaxReplyLine = 512;

void append_number(std::string& out, unsigned value) {
  const fmt::format_int digits(value);
  out.append(digits.data(), digits.size());
}

void append_code(std::string& out, const EnhancedCode& code) {
  append_number(out, code.klass);
  out += '.';
  append_number(out, code.subject);
  out += '.';
  append_number(out, code.detail);
}

/// Reads 1 to 3 digits and drops them from `text` (RFC 3463 section 2).
std::optional<std::uint16_t> take_number(std::string_view& text) {
  std::size_t length = 0;
  while (length < text.size() && length < 3 && text[length] >= '0' && text[length] <= '9') ++length;
  const auto value = parse_u64(text.substr(0, length));
  if (!value) return {};
  text.remove_prefix(length);
  return static_cast<std::uint16_t>(*value);
}

bool take_dot(std::string_view& text) {
  if (text.empty() || text[0] != '.') return false;
  text.remove_prefix(1);
  return true;
}

/// Appends `text` with control characters and broken UTF-8 replaced, at most `room` octets.
void append_clean(std::string& out, std::string_view text, std::size_t room) {
  for (;;) {
    const std::size_t plain = std::min(plain_length(text), room);
    out += text.substr(0, plain);
    text.remove_prefix(plain);
    room -= plain;
    if (text.empty()) return;
    const std::size_t length = printable_length(text);
    const std::size_t taken = std::max<std::size_t>(length, 1);
    if (taken > room) return;
    if (length == 0) {
      out += text[0] == '\t' ? ' ' : '?';
    } else {
      out += text.substr(0, length);
    }
    room -= taken;
    text.remove_prefix(taken);
  }
}

} // namespace

std::string EnhancedCode::to_string() const {
  std::string out;
  append_code(out, *this);
  return out;
}

std::optional<EnhancedCode> EnhancedCode::parse(std::string_view text) {
  if (text.empty() || (text[0] != '2' && text[0] != '4' && text[0] != '5')) return {};
  EnhancedCode code;
  code.klass = static_cast<std::uint8_t>(text[0] - '0');
  text.remove_prefix(1);
  if (!take_dot(text)) return {};
  const auto subject = take_number(text);
  if (!subject || !take_dot(text)) return {};
  const auto detail = take_number(text);
  if (!detail) return {};
  if (!text.empty() && text[0] != ' ' && text[0] != '\t' && text[0] != '\r' && text[0] != '\n') return {};
  code.subject = *subject;
  code.detail = *detail;
  return code;
}

std::string Reply::to_string() const {
  std::string out;
  append_number(out, code);
  if (enhanced) {
    out += ' ';
    append_code(out, enhanced);
  }
  for (std::string_view rest = text; !rest.empty();) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    if (line.empty()) continue;
    out += ' ';
    append_clean(out, line, line.size());
  }
  return out;
}

void Reply::append_wire(std::string& out) const {
  std::string_view rest = text;
  for (bool last = false; !last;) {
    const std::size_t start = out.size();
    const std::size_t end = rest.find('\n');
    last = end == std::string_view::npos;
    append_number(out, code);
    out += last ? ' ' : '-';
    if (enhanced) {
      append_code(out, enhanced);
      out += ' ';
    }
    append_clean(out, rest.substr(0, end), kMaxReplyLine - 2 - (out.size() - start));
    out += "\r\n";
    if (!last) rest.remove_prefix(end + 1);
  }
}

} // namespace paquebot::mail
