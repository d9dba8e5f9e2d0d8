#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace paquebot::mailauth {

/// An IP address as octets. IPv4 uses the first four; an IPv4 address mapped into IPv6 counts as IPv4 (RFC 7208
/// section 5).
struct Ip {
  std::array<std::uint8_t, 16> octets{};
  bool v4 = true;

  bool operator==(const Ip&) const = default;
  unsigned bits() const { return v4 ? 32 : 128; }
  /// The usual written form.
  std::string to_string() const;
  /// "192.0.2.1", or 32 hexadecimal digits separated by dots: the macro "i" of RFC 7208 section 7.3.
  std::string dotted() const;
  /// The name whose PTR records name the address: "1.2.0.192.in-addr.arpa".
  std::string reverse_name() const;
};

/// Reads a literal address, without brackets, zone or prefix.
std::optional<Ip> parse_ip(std::string_view text);
/// Whether the first `bits` bits are the same; false when one is IPv4 and the other IPv6.
bool in_network(const Ip& ip, const Ip& network, unsigned bits);

} // namespace paquebot::mailauth
