#pragma once

#include "http/message.h"

/// What a request says of who asks, and of which state of a thing it knows.
namespace paquebot::http {

/// The value of the cookie of that name (RFC 6265 section 4.2), quotes around it taken off. Nothing when there is none,
/// and when there are several: whoever may set cookies for a neighbouring name or path could put his own in front.
std::optional<std::string_view> cookie(const Request& request, std::string_view name);

/// The token of `Authorization: Bearer` (RFC 6750 section 2.1); nothing with another scheme, several such fields, or
/// characters that are not a token's.
std::optional<std::string_view> bearer_token(const Request& request);

/// User name and password of `Authorization: Basic` (RFC 7617), UTF-8 without control characters. Nothing on anything
/// else.
struct BasicLogin {
  std::string user;
  std::string password;
};
std::optional<BasicLogin> basic_login(const Request& request);

/// How entity tags are compared (RFC 9110 section 8.8.3.2): strong for If-Match, weak for If-None-Match.
enum class TagMatch : std::uint8_t { strong, weak };
/// Whether the list of a field If-Match or If-None-Match holds `tag` (with its quotes, W/ before it if it is weak), or
/// is "*". A list that is malformed holds nothing from there on. `tag` empty: the thing does not exist, which even "*"
/// does not match.
bool matches_tag(std::string_view list, std::string_view tag, TagMatch how);

} // namespace paquebot::http
