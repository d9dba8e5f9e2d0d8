#pragma once

#include <string>
#include <string_view>

namespace paquebot::mail {

/// A Content-Type field (RFC 2045 section 5.1), read tolerantly, and its parameters by RFC 2231: in pieces, and with a
/// charset.
struct ContentType {
  std::string type;        ///< lower case; "text" when the field is missing or malformed
  std::string subtype;     ///< lower case; "plain" likewise
  std::string boundary;    ///< of a multipart; empty when missing, or when programs may read different ones
  std::string report_type; ///< of multipart/report (RFC 6522), lower case
  std::string charset;     ///< lower case

  bool is(std::string_view t, std::string_view s) const { return type == t && subtype == s; }
};

/// Reads the (folded) value of a Content-Type field; never fails.
ContentType parse_content_type(std::string_view value);

/// The first token of a field such as Content-Transfer-Encoding, in lower case, without comments.
std::string first_token(std::string_view value);

} // namespace paquebot::mail
