#include "http/grammar.h"

#include "base/text.h"

#include <algorithm>
#include <limits>

namespace paquebot::http {

namespace {

constexpr std::size_t kMaxHost = 255;

bool is_plain_value_char(char c) {
  const auto octet = static_cast<unsigned char>(c);
  return octet == '\t' || (octet >= 0x20 && octet != 0x7F);
}

/// "HTTP/" DIGIT "." DIGIT, in this case (RFC 9112 section 2.3).
bool is_version(std::string_view text) {
  return text.size() == 8 && text.starts_with("HTTP/") && is_digit(text[5]) && text[6] == '.' && is_digit(text[7]);
}

bool is_host_name(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return is_alnum(c) || c == '-' || c == '.' || c == '_'; });
}

/// "[" an IPv6 address "]": whose octets are those of one; which it is matters to nobody here.
bool is_bracketed(std::string_view text) {
  if (text.size() < 4 || text.front() != '[' || text.back() != ']') return false;
  const auto inside = text.substr(1, text.size() - 2);
  return std::ranges::all_of(inside, [](char c) { return hex_value(c) >= 0 || c == ':' || c == '.'; }) &&
         inside.contains(':');
}

Parsed<Extent> coded_extent(const Fields& fields, bool http10) {
  if (find_field(fields, "content-length") != nullptr) {
    return fault(400, "both Transfer-Encoding and Content-Length");
  }
  if (http10) return fault(400, "Transfer-Encoding in HTTP/1.0");
  const auto codings = list_of(fields, "transfer-encoding");
  if (codings.empty() || !iequals(codings.back(), "chunked")) return fault(400, "chunked is not the last coding");
  const auto chunked = std::ranges::count_if(codings, [](std::string_view c) { return iequals(c, "chunked"); });
  if (chunked != 1) return fault(400, "chunked more than once");
  if (codings.size() != 1) return fault(501, "a transfer coding besides chunked");
  return Extent{Framing::chunked, 0};
}

} // namespace

bool is_token_char(char c) { return is_alnum(c) || (c != '\0' && std::string_view("!#$%&'*+-.^_`|~").contains(c)); }

bool is_token(std::string_view text) { return !text.empty() && std::ranges::all_of(text, is_token_char); }

bool is_field_value(std::string_view text) {
  if (!text.empty() && (is_wsp(text.front()) || is_wsp(text.back()))) return false;
  return std::ranges::all_of(text, is_plain_value_char);
}

int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  const char lower = to_lower(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

Parsed<Field> parse_field(std::string_view line) {
  if (line.empty() || is_wsp(line.front())) return fault(400, "a field that goes on from the line before");
  const auto colon = line.find(':');
  if (colon == std::string_view::npos) return fault(400, "a field without a colon");
  const auto name = line.substr(0, colon);
  if (!is_token(name)) return fault(400, "a field whose name is none");
  auto value = line.substr(colon + 1);
  while (!value.empty() && is_wsp(value.front())) value.remove_prefix(1);
  while (!value.empty() && is_wsp(value.back())) value.remove_suffix(1);
  if (!is_field_value(value)) return fault(400, "control characters in a field");
  return Field{to_lower(name), std::string(value)};
}

Parsed<RequestLine> parse_request_line(std::string_view line) {
  const auto first = line.find(' ');
  const auto last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return fault(400, "a request line needs three parts");
  const auto version = line.substr(last + 1);
  if (!is_version(version)) return fault(400, "a request line ends with the version");
  const RequestLine parts{line.substr(0, first), line.substr(first + 1, last - first - 1),
                          static_cast<unsigned>(version[7] - '0')};
  if (!is_token(parts.method)) return fault(400, "a method that is none");
  if (version[5] != '1') return fault(505, "this server speaks HTTP/1.1");
  if (parts.target.empty() || parts.target.contains(' ') || parts.target.contains('\t')) {
    return fault(400, "white space in the target");
  }
  return parts;
}

Parsed<StatusLine> parse_status_line(std::string_view line) {
  if (!is_version(line.substr(0, 8)) || line[5] != '1') return fault(502, "this is no answer in HTTP/1");
  const auto rest = line.substr(8);
  const bool digits = rest.size() >= 4 && rest[0] == ' ' && std::ranges::all_of(rest.substr(1, 3), is_digit);
  if (!digits || (rest.size() > 4 && rest[4] != ' ')) return fault(502, "an answer without a status");
  const auto status = static_cast<unsigned>(*parse_u64(rest.substr(1, 3)));
  if (status < 100 || status > 599) return fault(502, "a status that is none");
  if (!std::ranges::all_of(rest, is_plain_value_char)) return fault(502, "control characters in the status line");
  return StatusLine{status, static_cast<unsigned>(line[7] - '0')};
}

std::optional<Authority> parse_authority(std::string_view text) {
  Authority authority;
  const auto bracket = text.rfind(']');
  const auto colon = text.rfind(':');
  if (colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket)) {
    const auto digits = text.substr(colon + 1);
    const auto port = parse_u64(digits);
    if (colon == 0 || (!digits.empty() && (!port || *port > 65535 || digits.size() > 5))) return {};
    if (port) authority.port = static_cast<std::uint16_t>(*port);
    text = text.substr(0, colon);
  }
  if (text.size() > kMaxHost || (!is_host_name(text) && !is_bracketed(text))) return {};
  if (text.ends_with('.')) text.remove_suffix(1);
  if (text.starts_with('.') || text.ends_with('.') || text.contains("..")) return {};
  authority.host = to_lower(text);
  return authority;
}

Parsed<Extent> extent_of(const Fields& fields, bool http10) {
  if (find_field(fields, "transfer-encoding") != nullptr) return coded_extent(fields, http10);
  if (find_field(fields, "content-length") == nullptr) return Extent{};
  std::string_view first;
  for (const Field& field : fields) {
    if (field.name != "content-length") continue;
    for (const std::string_view part : split(field.value, ',')) {
      const auto digits = trim(part);
      if (digits.empty() || !std::ranges::all_of(digits, is_digit)) return fault(400, "a Content-Length that is none");
      if (first.empty()) first = digits;
      if (digits != first) return fault(400, "several Content-Lengths that differ");
    }
  }
  const auto length = parse_u64(first);
  if (!length || *length > std::numeric_limits<std::int64_t>::max()) return fault(413, "the content is too large");
  return Extent{Framing::length, *length};
}

bool keeps_alive(const Fields& fields, bool http10) {
  const auto options = list_of(fields, "connection");
  const auto says = [&](std::string_view word) {
    return std::ranges::any_of(options, [&](std::string_view option) { return iequals(option, word); });
  };
  if (says("close")) return false;
  return !http10 || says("keep-alive");
}

} // namespace paquebot::http
