#pragma once

#include "sasl/server.h"

#include <memory>

/// The makers of the server's mechanisms, one a file. Only server.cc and these files include this.
namespace paquebot::sasl {

std::unique_ptr<ServerMechanism> make_scram_server(ScramHash hash, bool plus, const Offer& offer);
std::unique_ptr<ServerMechanism> make_oauthbearer_server();
std::unique_ptr<ServerMechanism> make_xoauth2_server();
std::unique_ptr<ServerMechanism> make_external_server();

/// A name as PLAIN, LOGIN, EXTERNAL and the token mechanisms give it: at most 255 octets (RFC 4616 section 2), UTF-8
/// without NUL. May be empty.
bool is_sasl_name(std::string_view text);
Failure malformed(std::string cause);

} // namespace paquebot::sasl
