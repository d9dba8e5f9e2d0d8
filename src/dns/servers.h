#pragma once

#include "dns/resolver.h"
#include "net/endpoint.h"

#include <string>
#include <string_view>
#include <vector>

namespace paquebot::dns {

/// Whom libunbound asks with these options.
struct Servers {
  std::vector<net::Endpoint> addresses; ///< at most 8
  /// They are resolvers; else libunbound walks down from the root by itself, and these are some servers of the root.
  bool resolvers = true;
};
Servers servers_of(const Options& options);

/// The addresses of resolv.conf(5), port 53.
std::vector<net::Endpoint> read_resolv_conf(std::string_view text);

bool is_loopback(const net::Endpoint& server);
/// An address that means another machine in another network: private (RFC 1918, RFC 4193), shared (RFC 6598),
/// link-local, loopback or none at all.
bool is_local_address(const net::Endpoint& server);

/// The names of the zones that a trust anchor is for, without the final dot ("." is the root); at most 8.
std::vector<std::string> anchored_zones(std::string_view trust_anchor);

} // namespace paquebot::dns
