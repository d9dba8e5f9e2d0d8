#pragma once

#include "http/grammar.h"

/// Request targets and what is in them (RFC 3986, RFC 9112 section 3.2).
namespace paquebot::http {

/// Undoes %HH; nothing on a % without two digits behind it. Says nothing about what comes out.
std::optional<std::string> percent_decode(std::string_view text);
/// The inverse for one segment of a path or one word of a query: all but the unreserved characters of RFC 3986 section
/// 2.3 as %HH.
std::string percent_encode(std::string_view text);

/// A path as the one name that a thing has: decoded once, dot segments (also encoded ones) resolved (RFC 3986 section
/// 5.2.4). Refused is what programs read differently: an encoded slash, a backslash, NUL and other control characters,
/// malformed UTF-8, empty segments but the last, and "..", where there is nothing above. `path` begins with "/".
std::optional<std::string> decode_path(std::string_view path);

struct Target {
  Form form = Form::origin;
  std::string_view scheme;            ///< of the absolute form: "http" or "https", in any case
  std::optional<Authority> authority; ///< of the absolute form
  std::string path;                   ///< decode_path()'s; empty for the asterisk form
  std::string query;                  ///< as it came, checked for its characters
};
/// The target of a request with this method. 400 for what is none of the three forms, for "*" with another method than
/// OPTIONS, user information, a fragment, other schemes, and what decode_path() refuses. OPTIONS with an absolute form
/// without path and query is "*" (RFC 9112 section 3.2.4).
Parsed<Target> parse_target(std::string_view method, std::string_view target);

} // namespace paquebot::http
