#include "net/public_address.h"

#include "net/network.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace paquebot::net {
namespace {

constexpr std::array<std::uint8_t, 12> kIpv4Mapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
constexpr std::array<std::uint8_t, 12> kTranslated = {0, 0x64, 0xFF, 0x9B}; // RFC 6052: 64:ff9b::/96

/// The registries of IANA for IPv4 and IPv6 (RFC 6890 and its updates), what they do not hold as global.
const Networks& special_networks() {
  static const Networks all =
      Networks::parse({"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
                       "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15",
                       "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4", "2001::/23", "2001:db8::/32",
                       "2002::/16", "3fff::/20"})
          .value();
  return all;
}

bool begins_with(const Networks::Octets& octets, const std::array<std::uint8_t, 12>& prefix) {
  return std::equal(prefix.begin(), prefix.end(), octets.begin());
}

} // namespace

bool is_public_address(std::string_view address) {
  const auto octets = Networks::octets_of(address);
  if (!octets) return false;
  if (begins_with(*octets, kTranslated))
    return is_public_address(fmt::format("{}.{}.{}.{}", (*octets)[12], (*octets)[13], (*octets)[14], (*octets)[15]));
  const bool global = begins_with(*octets, kIpv4Mapped) || ((*octets)[0] & 0xE0) == 0x20; // RFC 4291: 2000::/3
  return global && !special_networks().contains(address);
}

} // namespace paquebot::net
