#pragma once

#include <string>
#include <vector>

namespace paquebot::sasl {

/// What ties a login to the TLS connection it is said over (RFC 5056).
struct ChannelBinding {
  std::string type; ///< "tls-exporter" (RFC 9266), "tls-unique" (RFC 5929)
  std::string data; ///< octets that both ends of one connection have, and nobody in between
};

/// What the mechanisms need to know of the connection. Nothing of it in clear.
struct Channel {
  std::vector<ChannelBinding> bindings; ///< the preferred one first
  /// The addresses in a client certificate that was checked; EXTERNAL is offered when there are any.
  std::vector<std::string> certificate_names;
  /// Client side: the server's certificate was checked, against its name too.
  bool verified = false;
};

} // namespace paquebot::sasl
