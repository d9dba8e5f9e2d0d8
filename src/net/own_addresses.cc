#include "net/own_addresses.h"

#include "net/network.h"
#include "net/socket_address.h"

#include <algorithm>
#include <ifaddrs.h>
#include <memory>
#include <netinet/in.h>
#include <optional>

namespace paquebot::net {

namespace {

struct FreeInterfaces {
  void operator()(ifaddrs* list) const { freeifaddrs(list); }
};

/// Empty for what is no IP address.
std::string address_of_interface(const ifaddrs& one) {
  if (one.ifa_addr == nullptr) return {};
  SocketAddress address;
  switch (one.ifa_addr->sa_family) {
    case AF_INET: address.size = sizeof(sockaddr_in); break;
    case AF_INET6: address.size = sizeof(sockaddr_in6); break;
    default: return {};
  }
  std::copy_n(reinterpret_cast<const char*>(one.ifa_addr), address.size, reinterpret_cast<char*>(&address.storage));
  return from_socket_address(address).address;
}

/// The address of an interface as Networks compares them.
std::optional<Networks::Octets> octets_of_interface(const ifaddrs& one) {
  const std::string address = address_of_interface(one);
  return address.empty() ? std::nullopt : Networks::octets_of(address);
}

bool is_ipv4(const Networks::Octets& address) {
  static const auto mapped = Networks::octets_of("::ffff:0.0.0.0").value();
  return std::equal(mapped.begin(), mapped.begin() + 12, address.begin());
}

} // namespace

bool is_own_address(const std::string& address) {
  // To connect to "all addresses" reaches this machine.
  static const Networks loopback = Networks::parse({"127.0.0.0/8", "::1", "0.0.0.0", "::"}).value();
  if (loopback.contains(address)) return true;
  const auto wanted = Networks::octets_of(address);
  ifaddrs* found = nullptr;
  if (!wanted || getifaddrs(&found) != 0) return false;
  const std::unique_ptr<ifaddrs, FreeInterfaces> all(found);
  for (const ifaddrs* one = found; one != nullptr; one = one->ifa_next)
    if (octets_of_interface(*one) == wanted) return true;
  return false;
}

std::vector<std::string> own_addresses() {
  std::vector<std::string> texts;
  ifaddrs* found = nullptr;
  if (getifaddrs(&found) != 0) return texts;
  const std::unique_ptr<ifaddrs, FreeInterfaces> all(found);
  for (const ifaddrs* one = found; one != nullptr; one = one->ifa_next)
    if (auto text = address_of_interface(*one); !text.empty()) texts.push_back(std::move(text));
  return texts;
}

bool leads_to(const Endpoint& to, const std::vector<Endpoint>& listeners) {
  Endpoint target = to;
  if (to.address == "0.0.0.0") target.address = "127.0.0.1"; // so Linux takes it
  if (to.address == "::") target.address = "::1";
  const auto wanted = Networks::octets_of(target.address);
  if (!wanted) return false;
  return std::ranges::any_of(listeners, [&](const Endpoint& one) {
    if (one.port != target.port || one.is_local()) return false;
    const auto at = Networks::octets_of(one.address);
    if (at == wanted) return true;
    // "::" takes IPv4 as well (Listener::open).
    const bool everywhere = one.address == "::" || (one.address == "0.0.0.0" && is_ipv4(*wanted));
    return everywhere && is_own_address(target.address);
  });
}

} // namespace paquebot::net
