#include "http/path.h"

#include "base/text.h"

#include <algorithm>

namespace paquebot::http {

namespace {

constexpr std::string_view kHexDigits = "0123456789ABCDEF";

bool is_unreserved(char c) { return is_alnum(c) || (c != '\0' && std::string_view("-._~").contains(c)); }

/// pchar and "/" (RFC 3986 section 3.3); whether a % has its digits shows when it is decoded.
bool is_path_char(char c) { return is_unreserved(c) || (c != '\0' && std::string_view("%!$&'()*+,;=:@/").contains(c)); }

/// The rules of RFC 3986 section 3.4, and what browsers leave as it is in a query.
bool is_query_char(char c) { return is_path_char(c) || (c != '\0' && std::string_view("?[]\\^`{|}").contains(c)); }

/// A decoded segment that has one meaning only.
bool is_clear(std::string_view segment) {
  const auto dark = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F || c == '/' || c == '\\'; };
  return is_utf8(segment) && std::ranges::none_of(segment, dark);
}

Parsed<Target> with_path(Target target, std::string_view rest) {
  const auto mark = rest.find('?');
  const auto path = rest.substr(0, mark);
  const auto query = mark == std::string_view::npos ? std::string_view() : rest.substr(mark + 1);
  if (!std::ranges::all_of(path, is_path_char)) return fault(400, "characters in the path that must be encoded");
  if (!std::ranges::all_of(query, is_query_char)) return fault(400, "characters in the query that must be encoded");
  auto decoded = decode_path(path);
  if (!decoded) return fault(400, "a path that can be read in several ways");
  target.path = std::move(*decoded);
  target.query = query;
  return target;
}

Parsed<Target> absolute_target(std::string_view method, std::string_view text) {
  Target target{.form = Form::absolute};
  const auto mark = text.find("://");
  target.scheme = text.substr(0, std::min(mark, text.size()));
  if (mark == std::string_view::npos || (!iequals(target.scheme, "http") && !iequals(target.scheme, "https"))) {
    return fault(400, "a target that is neither a path nor a URI of HTTP");
  }
  const auto rest = text.substr(mark + 3);
  const auto end = std::min(rest.find_first_of("/?#"), rest.size());
  target.authority = parse_authority(rest.substr(0, end));
  if (!target.authority || target.authority->host.empty()) return fault(400, "a host in the target that is none");
  if (end == rest.size() && method == "OPTIONS") {
    target.form = Form::asterisk;
    return target;
  }
  if (end < rest.size() && rest[end] == '/') return with_path(std::move(target), rest.substr(end));
  return with_path(std::move(target), "/" + std::string(rest.substr(end)));
}

} // namespace

std::optional<std::string> percent_decode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return {};
    const int high = hex_value(text[i + 1]), low = hex_value(text[i + 2]);
    if (high < 0 || low < 0) return {};
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

std::string percent_encode(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (is_unreserved(c)) {
      out += c;
      continue;
    }
    const auto octet = static_cast<unsigned char>(c);
    ((out += '%') += kHexDigits[octet >> 4]) += kHexDigits[octet & 15];
  }
  return out;
}

std::optional<std::string> decode_path(std::string_view path) {
  if (!path.starts_with('/')) return {};
  std::vector<std::string> kept;
  const auto segments = split(path.substr(1), '/');
  bool folder = false; // the path ends with a slash, or with a dot segment
  for (std::size_t i = 0; i < segments.size(); ++i) {
    auto segment = percent_decode(segments[i]);
    if (!segment || !is_clear(*segment)) return {};
    const bool last = i + 1 == segments.size();
    if (segment->empty() && !last) return {};
    if (*segment == ".." && kept.empty()) return {};
    if (*segment == "..") kept.pop_back();
    folder = segment->empty() || *segment == "." || *segment == "..";
    if (!folder) kept.push_back(std::move(*segment));
  }
  std::string out;
  for (const std::string& segment : kept) (out += '/') += segment;
  if (folder) out += '/';
  return out;
}

Parsed<Target> parse_target(std::string_view method, std::string_view target) {
  if (target == "*") {
    if (method != "OPTIONS") return fault(400, "* is a target of OPTIONS only");
    return Target{.form = Form::asterisk};
  }
  if (target.starts_with('/')) return with_path({}, target);
  return absolute_target(method, target);
}

} // namespace paquebot::http
