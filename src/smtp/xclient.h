#pragma once

#include "smtp/grammar.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace paquebot::smtp {

/// What a trusted filter or proxy in front of us told of the real client (XCLIENT: Postfix, XCLIENT_README). An empty
/// text or zero means that it doesn't know.
struct ToldPeer {
  std::string name;    ///< host name, at most 255 printable ASCII characters
  std::string address; ///< "192.0.2.1" or "2001:db8::1"
  std::uint16_t port = 0;
  std::string helo;             ///< wins over what the filter itself says in EHLO
  std::optional<bool> extended; ///< ESMTP or SMTP; wins likewise
  std::string dest_address;     ///< where the client connected to
  std::uint16_t dest_port = 0;
};

/// The attributes in the order of the EHLO keyword's line. LOGIN is not among them: a login is only what the session
/// itself has proved.
inline constexpr std::string_view kXclientKeyword = "XCLIENT NAME ADDR PORT PROTO HELO DESTADDR DESTPORT";

/// Reads what follows "XCLIENT " over what was told before: attributes that are not named keep their value. Each may
/// come once; values are xtext (RFC 3461 section 4), "[UNAVAILABLE]" or "[TEMPUNAVAIL]" where they are not known.
Parsed<ToldPeer> parse_xclient(std::string_view arguments, ToldPeer before);

} // namespace paquebot::smtp
