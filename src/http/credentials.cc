#include "http/credentials.h"

#include "base/encoding.h"
#include "base/text.h"
#include "http/grammar.h"

#include <algorithm>

namespace paquebot::http {

namespace {

/// cookie-octet of RFC 6265 section 4.1.1.
bool is_cookie_octet(char c) {
  const auto octet = static_cast<unsigned char>(c);
  return octet > 0x20 && octet < 0x7F && c != '"' && c != ',' && c != ';' && c != '\\';
}

/// token68 (RFC 9110 section 11.2).
bool is_token68(std::string_view text) {
  const auto end = text.find_last_not_of('=');
  if (end == std::string_view::npos) return false;
  return std::ranges::all_of(text.substr(0, end + 1), [](char c) {
    return is_alnum(c) || c == '-' || c == '.' || c == '_' || c == '~' || c == '+' || c == '/';
  });
}

/// What follows the scheme in the only Authorization field.
std::optional<std::string_view> credentials_of(const Request& request, std::string_view scheme) {
  if (count_fields(request.fields, "authorization") != 1) return {};
  const std::string_view value = *request.field("authorization");
  const auto space = value.find(' ');
  if (space == std::string_view::npos || !iequals(value.substr(0, space), scheme)) return {};
  const auto rest = trim(value.substr(space));
  if (!is_token68(rest)) return {};
  return rest;
}

bool is_plain_text(std::string_view text) {
  return is_utf8(text) &&
         std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

/// Takes an entity-tag from the front, with its W/; empty when there is none.
std::string_view take_tag(std::string_view& list) {
  const std::size_t quote = list.starts_with("W/") ? 2 : 0;
  if (list.size() <= quote || list[quote] != '"') return {};
  const auto end = list.find('"', quote + 1);
  if (end == std::string_view::npos) return {};
  const auto tag = list.substr(0, end + 1);
  list.remove_prefix(tag.size());
  return tag;
}

bool same_tag(std::string_view a, std::string_view b, TagMatch how) {
  if (how == TagMatch::strong && (a.starts_with("W/") || b.starts_with("W/"))) return false;
  if (a.starts_with("W/")) a.remove_prefix(2);
  if (b.starts_with("W/")) b.remove_prefix(2);
  return a == b;
}

} // namespace

std::optional<std::string_view> cookie(const Request& request, std::string_view name) {
  std::optional<std::string_view> found;
  for (const Field& field : request.fields) {
    if (field.name != "cookie") continue;
    for (const std::string_view part : split(field.value, ';')) {
      const auto pair = trim(part);
      const auto equals = pair.find('=');
      if (equals == std::string_view::npos || pair.substr(0, equals) != name) continue;
      if (found) return {};
      auto value = pair.substr(equals + 1);
      if (value.size() >= 2 && value.front() == '"' && value.back() == '"') value = value.substr(1, value.size() - 2);
      if (!std::ranges::all_of(value, is_cookie_octet)) return {};
      found = value;
    }
  }
  return found;
}

std::optional<std::string_view> bearer_token(const Request& request) { return credentials_of(request, "bearer"); }

std::optional<BasicLogin> basic_login(const Request& request) {
  const auto encoded = credentials_of(request, "basic");
  if (!encoded) return {};
  const auto decoded = base64_decode(*encoded);
  if (!decoded || !is_plain_text(*decoded)) return {};
  const auto colon = decoded->find(':');
  if (colon == std::string::npos) return {};
  return BasicLogin{decoded->substr(0, colon), decoded->substr(colon + 1)};
}

bool matches_tag(std::string_view list, std::string_view tag, TagMatch how) {
  if (tag.empty()) return false;
  list = trim(list);
  if (list == "*") return true;
  while (!list.empty()) {
    const auto one = take_tag(list);
    if (one.empty()) return false;
    if (same_tag(one, tag, how)) return true;
    list = trim(list);
    if (!list.starts_with(',')) return false;
    list = trim(list.substr(1));
  }
  return false;
}

} // namespace paquebot::http
