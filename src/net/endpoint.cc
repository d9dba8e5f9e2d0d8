#include "base/text.h"
#include "net/socket_address.h"

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <netinet/in.h>
#include <optional>
#include <sys/un.h>
#include <system_error>

namespace paquebot::net {

std::string Endpoint::to_string() const {
  if (is_local()) return address;
  const bool ipv6 = address.find(':') != std::string::npos;
  return (ipv6 ? "[" + address + "]" : address) + ":" + std::to_string(port);
}

namespace {

std::optional<SocketAddress> ip_address(const std::string& text, std::uint16_t port) {
  SocketAddress result;
  auto* v4 = reinterpret_cast<sockaddr_in*>(&result.storage);
  if (inet_pton(AF_INET, text.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    result.size = sizeof(sockaddr_in);
    return result;
  }
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&result.storage);
  if (inet_pton(AF_INET6, text.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    result.size = sizeof(sockaddr_in6);
    return result;
  }
  return std::nullopt;
}

} // namespace

bool is_ip_address(std::string_view text) {
  const std::string copy(text);
  return copy.find('\0') == std::string::npos && ip_address(copy, 0).has_value();
}

Result<Endpoint> parse_endpoint(std::string_view text) {
  const std::string shown = printable(text, 128);
  if (text.starts_with('/')) return Endpoint{std::string(text), 0};
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos)
    return fail(Errc::invalid,
                "\"" + shown + "\" has no port: write ADDRESS:PORT, for example 127.0.0.1:25 or [::1]:25");
  auto host = text.substr(0, colon);
  const auto port = parse_u64(text.substr(colon + 1));
  if (!port || *port > 65535)
    return fail(Errc::invalid, "\"" + shown + "\": the port must be a number from 0 to 65535");
  const bool bracketed = host.starts_with('[') && host.ends_with(']');
  if (bracketed) host = host.substr(1, host.size() - 2);
  const bool ipv6 = host.find(':') != std::string_view::npos;
  if (!is_ip_address(host) || bracketed != ipv6)
    return fail(Errc::invalid,
                "\"" + shown + "\" is not ADDRESS:PORT with an IPv4 address or an IPv6 address in brackets");
  return Endpoint{std::string(host), static_cast<std::uint16_t>(*port)};
}

Result<SocketAddress> to_socket_address(const Endpoint& endpoint) {
  if (!endpoint.is_local()) {
    if (endpoint.address.find('\0') == std::string::npos)
      if (auto ip = ip_address(endpoint.address, endpoint.port)) return *ip;
    return fail(Errc::invalid, "\"" + printable(endpoint.address, 128) + "\" is not an IP address");
  }
  SocketAddress result;
  auto* local = reinterpret_cast<sockaddr_un*>(&result.storage);
  if (endpoint.address.size() >= sizeof local->sun_path || endpoint.address.find('\0') != std::string::npos)
    return fail(Errc::invalid, "the path \"" + printable(endpoint.address, 128) + "\" is too long for a local socket");
  local->sun_family = AF_UNIX;
  std::ranges::copy(endpoint.address, local->sun_path);
  result.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + endpoint.address.size() + 1);
  return result;
}

Endpoint from_socket_address(const SocketAddress& address) {
  char text[INET6_ADDRSTRLEN] = {};
  if (address.family() == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(&address.storage);
    inet_ntop(AF_INET, &v4->sin_addr, text, sizeof text);
    return {text, ntohs(v4->sin_port)};
  }
  if (address.family() == AF_INET6) {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&address.storage);
    if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr))
      inet_ntop(AF_INET, &v6->sin6_addr.s6_addr[12], text, sizeof text);
    else
      inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof text);
    return {text, ntohs(v6->sin6_port)};
  }
  if (address.family() == AF_UNIX && address.size > offsetof(sockaddr_un, sun_path)) {
    const auto* local = reinterpret_cast<const sockaddr_un*>(&address.storage);
    const std::size_t room = address.size - offsetof(sockaddr_un, sun_path);
    return {std::string(local->sun_path, strnlen(local->sun_path, room)), 0};
  }
  return {};
}

Error errno_error(int number, const std::string& what) {
  Errc code = Errc::io;
  switch (number) {
    case ECONNREFUSED: code = Errc::refused; break;
    case ETIMEDOUT: code = Errc::timeout; break;
    case EPIPE:
    case ECONNRESET:
    case ECONNABORTED:
    case ENOTCONN:
    case EBADF: code = Errc::closed; break;
    case EACCES:
    case EPERM: code = Errc::permission; break;
    case EADDRINUSE: code = Errc::conflict; break;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
    case EAGAIN: code = Errc::temporary; break;
    case ENOENT: code = Errc::not_found; break;
    default: break;
  }
  return Error{code, what + ": " + std::generic_category().message(number)};
}

} // namespace paquebot::net
