#pragma once

#include "net/tls.h"

#include <openssl/ssl.h>

namespace paquebot::net {

/// Makes a server's context choose certificate and protocol for each handshake. For tls.cc. What it needs lives as long
/// as the context. False when that failed.
bool install_choice(SSL_CTX* context, std::shared_ptr<const Certificates> certificates, const ServerTls& how);

/// Protocols as ALPN has them on the wire (RFC 7301 section 3.1); empty when one of them has no such form.
std::string protocol_list(const std::vector<std::string>& protocols);

} // namespace paquebot::net
