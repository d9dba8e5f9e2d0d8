#pragma once

#include "net/endpoint.h"

#include <string>
#include <vector>

namespace paquebot::net {

/// Whether an IP address is one of this machine: of its loopback, or of an interface of it as they are now. What leads
/// here through somebody's translation of addresses can't be known.
bool is_own_address(const std::string& address);

/// The addresses of all interfaces of this machine as they are now, in their order; some twice, perhaps.
std::vector<std::string> own_addresses();

/// Whether a connection to `target` reaches one of the sockets that listen at these endpoints: at its very address, or
/// at all addresses ("::", of IPv4 "0.0.0.0" too) when it is one of this machine. IPv4 mapped into IPv6 counts as IPv4.
bool leads_to(const Endpoint& target, const std::vector<Endpoint>& listeners);

} // namespace paquebot::net
