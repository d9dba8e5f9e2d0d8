#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace paquebot::queue {

enum class RouteTls : std::uint8_t {
  none,          ///< never
  opportunistic, ///< STARTTLS when offered, unverified; in clear when the handshake fails (RFC 7435)
  required,      ///< STARTTLS or no delivery; the certificate is checked
  implicit,      ///< TLS from the first byte; the certificate is checked
};

/// A configured way to a destination: a smarthost, or a fixed next hop.
struct Route {
  std::string name; ///< unique; names the destination "route:NAME"
  std::string to;   ///< "*" or a domain, or ".example.org" for a domain's sub-domains
  std::string host; ///< name or address, no MX lookup
  std::uint16_t port = 587;
  RouteTls tls = RouteTls::required;
  bool verify = true; ///< check the certificate (required and implicit)
  std::string ca_pem; ///< roots to check against; empty: the system's
  std::string user;
  std::string password;
  bool lmtp = false;
  bool operator==(const Route&) const = default;
};

/// Which configured route a domain takes, if any: the exact domain first, then the longest ".suffix", then "*".
/// Immutable.
class RouteTable {
public:
  RouteTable() = default;
  explicit RouteTable(std::vector<Route> routes);
  bool empty() const { return routes_.empty(); }
  const Route* find(std::string_view domain) const;
  const Route* by_name(std::string_view name) const;
  /// The other store that keeps the mailboxes of a domain of ours: its own route with LMTP, or null.
  const Route* store_of(std::string_view domain) const;
  /// The destination under which mail for `domain` waits: "route:NAME" or the domain itself.
  std::string destination(std::string_view domain) const;
  /// Destinations ("route:NAME") of routes that are new or other than in `before`: what waits for them may go now.
  std::vector<std::string> changed_since(const RouteTable& before) const;

private:
  std::vector<Route> routes_;
};

} // namespace paquebot::queue
