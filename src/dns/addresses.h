#pragma once

#include "dns/resolver.h"

namespace paquebot::dns {

/// The addresses of a host, IPv4 before IPv6, for who only wants to connect there. `not_found`: it has none;
/// `temporary`: nobody could say. `resolver` must outlive it.
Task<Result<std::vector<std::string>>> addresses_of(Resolver& resolver, std::string host);

} // namespace paquebot::dns
