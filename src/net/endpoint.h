#pragma once

#include "base/result.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace paquebot::net {

/// An IP address and port as text and number. `address` has no brackets. A path for local sockets.
struct Endpoint {
  std::string address;
  std::uint16_t port = 0;
  /// "192.0.2.1:25", "[2001:db8::1]:25"; a path as it is.
  std::string to_string() const;
  bool is_local() const { return address.starts_with('/'); }
  bool operator==(const Endpoint&) const = default;
};

/// Reads "192.0.2.1:25" or "[2001:db8::1]:25" (a literal address, no name is resolved), or an absolute path.
Result<Endpoint> parse_endpoint(std::string_view text);

/// Whether the text is a literal IPv4 or IPv6 address.
bool is_ip_address(std::string_view text);

} // namespace paquebot::net
