#pragma once

#include "http/message.h"

/// The lexical rules of RFC 9110 section 5.6 and the lines of RFC 9112. All are given lines without their CRLF.
namespace paquebot::http {

bool is_token_char(char c);
/// 1*tchar (RFC 9110 section 5.6.2).
bool is_token(std::string_view text);
/// A field value (RFC 9110 section 5.5) as we take and send them: no control character but HTAB, none of CR, LF, NUL
/// and DEL; no white space around it. Octets beyond ASCII pass as they are.
bool is_field_value(std::string_view text);
/// The value of a hexadecimal digit, or -1.
int hex_value(char c);

/// name ":" OWS value OWS. White space before the colon, an empty name and a line that goes on from the one before
/// (obs-fold) are 400 (RFC 9112 sections 5.1 and 5.2).
Parsed<Field> parse_field(std::string_view line);

struct RequestLine {
  std::string_view method;
  std::string_view target;
  unsigned minor; ///< of HTTP/1
};
/// Exactly one space between the parts (RFC 9112 section 3). 505 for another major version than 1.
Parsed<RequestLine> parse_request_line(std::string_view line);

struct StatusLine {
  unsigned status; ///< 100 to 599
  unsigned minor;
};
/// RFC 9112 section 4; the reason phrase and the space before it may be missing. Errors have the status 502.
Parsed<StatusLine> parse_status_line(std::string_view line);

struct Authority {
  std::string host; ///< lower case, without a last dot; brackets of an IPv6 address stay
  std::optional<std::uint16_t> port;
};
/// uri-host [":" port] as Host and absolute targets have it: a name of letters, digits, "-", "_" and ".", or an
/// address. No user information (RFC 9110 section 4.2.4), no percent-encoding. The host may be empty, then without a
/// port.
std::optional<Authority> parse_authority(std::string_view text);

/// Framing of a message from its fields (RFC 9112 section 6.3, but for what follows from method and status): the length
/// with Framing::length. Refused are both Transfer-Encoding and Content-Length, several lengths that differ, a coding
/// in HTTP/1.0, chunked not once and last (400), codings besides it (501), and lengths beyond 63 bits (413).
struct Extent {
  Framing framing = Framing::none;
  std::uint64_t length = 0;
};
Parsed<Extent> extent_of(const Fields& fields, bool http10);
/// Whether the connection goes on after this message, by its version and its Connection field (RFC 9112 section 9.3).
bool keeps_alive(const Fields& fields, bool http10);

} // namespace paquebot::http
