#pragma once

#include "net/endpoint.h"

#include <sys/socket.h>

namespace paquebot::net {

/// The operating system's form of an Endpoint. For the .cc files of this folder.
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;

  sockaddr* raw() { return reinterpret_cast<sockaddr*>(&storage); }
  const sockaddr* raw() const { return reinterpret_cast<const sockaddr*>(&storage); }
  int family() const { return storage.ss_family; }
};

/// `invalid` when the address is neither a literal IP address nor a path of fewer than 108 octets.
Result<SocketAddress> to_socket_address(const Endpoint& endpoint);
/// IPv4 addresses mapped into IPv6 come back as IPv4. Empty for an unnamed local socket.
Endpoint from_socket_address(const SocketAddress& address);

/// An Error from errno: its kind and "what: text of the number".
Error errno_error(int number, const std::string& what);

} // namespace paquebot::net
