#pragma once

#include "base/result.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace paquebot::net {

/// Some IP networks, as the keys `…_from` of the configuration list them. Immutable after parse().
class Networks {
public:
  Networks() = default;
  /// Each text is "10.0.0.0/8", "2001:db8::/32", or one address ("192.0.2.7", "::1"). `invalid` when one is malformed
  /// or has bits beyond its prefix ("10.0.0.1/8"): rather an error than a network that was not meant.
  static Result<Networks> parse(const std::vector<std::string>& texts);
  /// Is this address in one of them? IPv4 mapped into IPv6 counts as IPv4. False for what is no address, and so for the
  /// peers of local sockets.
  bool contains(std::string_view address) const;
  bool empty() const { return networks_.empty(); }
  /// As parse() takes them, each in its shortest form.
  std::vector<std::string> to_texts() const;

  using Octets = std::array<std::uint8_t, 16>;
  /// An address in 16 octets, IPv4 in its mapped form (::ffff:a.b.c.d); nothing when it is none.
  static std::optional<Octets> octets_of(std::string_view address);

private:
  struct Network {
    Octets octets{};   ///< IPv4 in its mapped form
    unsigned bits = 0; ///< of the 128 that count
    bool ipv4 = false; ///< "::/0" is not meant to hold all of IPv4
  };
  static bool read(std::string_view address, Octets& into, bool& ipv4);
  static Result<Network> parse_one(const std::string& text);

  std::vector<Network> networks_;
};

} // namespace paquebot::net
