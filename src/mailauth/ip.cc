#include "mailauth/ip.h"

#include <algorithm>
#include <arpa/inet.h>
#include <cstring>
#include <vector>

namespace paquebot::mailauth {
namespace {

constexpr std::size_t kMaxIpText = 45;
constexpr std::string_view kHex = "0123456789abcdef";

/// The hexadecimal digits of an IPv6 address in their order.
std::string nibbles(const Ip& ip) {
  std::string digits;
  for (const auto octet : ip.octets) {
    digits += kHex[octet >> 4];
    digits += kHex[octet & 15];
  }
  return digits;
}

std::string joined(std::string_view digits) {
  std::string out;
  for (const char c : digits) {
    if (!out.empty()) out += '.';
    out += c;
  }
  return out;
}

} // namespace

std::optional<Ip> parse_ip(std::string_view text) {
  if (text.empty() || text.size() > kMaxIpText) return std::nullopt;
  const std::string copy(text);
  Ip ip;
  if (inet_pton(AF_INET, copy.c_str(), ip.octets.data()) == 1 && copy.size() == std::strlen(copy.c_str())) return ip;
  if (inet_pton(AF_INET6, copy.c_str(), ip.octets.data()) != 1) return std::nullopt;
  ip.v4 = false;
  constexpr std::array<std::uint8_t, 12> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (std::equal(mapped.begin(), mapped.end(), ip.octets.begin())) {
    Ip inner;
    std::copy_n(ip.octets.begin() + 12, 4, inner.octets.begin());
    return inner;
  }
  return ip;
}

bool in_network(const Ip& ip, const Ip& network, unsigned bits) {
  if (ip.v4 != network.v4 || bits > ip.bits()) return false;
  const unsigned whole = bits / 8;
  if (!std::equal(ip.octets.begin(), ip.octets.begin() + whole, network.octets.begin())) return false;
  const unsigned rest = bits % 8;
  return rest == 0 || (ip.octets[whole] ^ network.octets[whole]) >> (8 - rest) == 0;
}

std::string Ip::to_string() const {
  char text[INET6_ADDRSTRLEN] = {};
  inet_ntop(v4 ? AF_INET : AF_INET6, octets.data(), text, sizeof text);
  return text;
}

std::string Ip::dotted() const { return v4 ? to_string() : joined(nibbles(*this)); }

std::string Ip::reverse_name() const {
  if (!v4) {
    std::string digits = nibbles(*this);
    std::ranges::reverse(digits);
    return joined(digits) + ".ip6.arpa";
  }
  std::string name;
  for (std::size_t i = 4; i-- > 0;) name += std::to_string(octets[i]) + ".";
  return name + "in-addr.arpa";
}

} // namespace paquebot::mailauth
