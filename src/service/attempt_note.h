#pragma once

#include "net/stream.h"
#include "service/login.h"

#include <string>
#include <string_view>

namespace paquebot::service {

/// Writes down for its user what a program did that could not work.
void note_attempt(const LoginMeans& parts, const net::Stream& stream, const std::string& client,
                  std::string_view protocol, policy::Attempt::What what, const std::string& why);

/// Whether these octets are how TLS begins (RFC 8446 section 5.1: a handshake record).
inline bool begins_tls(std::string_view bytes) { return bytes.size() > 2 && bytes[0] == 0x16 && bytes[1] == 0x03; }

} // namespace paquebot::service
