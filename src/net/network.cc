#include "net/network.h"

#include "base/text.h"

#include <algorithm>
#include <arpa/inet.h>

namespace paquebot::net {
namespace {

constexpr std::size_t kLongestAddress = INET6_ADDRSTRLEN;
constexpr std::array<std::uint8_t, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

bool same_bits(const std::array<std::uint8_t, 16>& a, const std::array<std::uint8_t, 16>& b, unsigned bits) {
  const unsigned whole = bits / 8, rest = bits % 8;
  if (!std::equal(a.begin(), a.begin() + whole, b.begin())) return false;
  return rest == 0 || (a[whole] ^ b[whole]) >> (8 - rest) == 0;
}

} // namespace

/// The address in 16 octets; false when it is none.
bool Networks::read(std::string_view address, Octets& into, bool& ipv4) {
  if (address.size() > kLongestAddress || address.find('\0') != std::string_view::npos) return false;
  const std::string text(address);
  if (inet_pton(AF_INET, text.c_str(), into.data() + kMapped.size()) == 1)
    std::ranges::copy(kMapped, into.begin());
  else if (inet_pton(AF_INET6, text.c_str(), into.data()) != 1)
    return false;
  ipv4 = std::equal(kMapped.begin(), kMapped.end(), into.begin());
  return true;
}

Result<Networks::Network> Networks::parse_one(const std::string& text) {
  const std::string shown = "\"" + printable(text, 80) + "\"";
  const auto slash = text.find('/');
  Network network;
  if (!read(std::string_view(text).substr(0, slash), network.octets, network.ipv4))
    return fail(Errc::invalid, shown + " is not a network such as \"10.0.0.0/8\" or \"2001:db8::/32\", nor an address");
  network.bits = 128;
  if (slash == std::string::npos) return network;
  const bool dotted = text.find(':') == std::string::npos;
  const unsigned most = dotted ? 32 : 128;
  const auto bits = parse_u64(std::string_view(text).substr(slash + 1));
  if (!bits || *bits > most)
    return fail(Errc::invalid, shown + ": the prefix must be a number from 0 to " + std::to_string(most));
  network.bits = static_cast<unsigned>(*bits) + (dotted ? 96 : 0);
  if (network.bits < 96) network.ipv4 = false;
  Octets masked = network.octets;
  for (unsigned bit = network.bits; bit < 128; ++bit)
    masked[bit / 8] = static_cast<std::uint8_t>(masked[bit / 8] & ~(0x80u >> (bit % 8)));
  if (masked != network.octets)
    return fail(Errc::invalid, shown + " has bits beyond its prefix; for one address leave the prefix out");
  return network;
}

std::optional<Networks::Octets> Networks::octets_of(std::string_view address) {
  Octets octets{};
  bool ipv4 = false;
  if (!read(address, octets, ipv4)) return std::nullopt;
  return octets;
}

Result<Networks> Networks::parse(const std::vector<std::string>& texts) {
  Networks all;
  for (const std::string& text : texts) {
    auto one = parse_one(text);
    if (!one) return std::unexpected(std::move(one.error()));
    all.networks_.push_back(*one);
  }
  return all;
}

std::vector<std::string> Networks::to_texts() const {
  std::vector<std::string> texts;
  for (const Network& network : networks_) {
    char text[kLongestAddress] = {};
    if (network.ipv4)
      inet_ntop(AF_INET, network.octets.data() + kMapped.size(), text, sizeof text);
    else
      inet_ntop(AF_INET6, network.octets.data(), text, sizeof text);
    const unsigned bits = network.ipv4 ? network.bits - 96 : network.bits;
    texts.push_back(network.bits == 128 ? text : text + ("/" + std::to_string(bits)));
  }
  return texts;
}

bool Networks::contains(std::string_view address) const {
  if (networks_.empty()) return false;
  Octets octets{};
  bool ipv4 = false;
  if (!read(address, octets, ipv4)) return false;
  return std::ranges::any_of(networks_, [&](const Network& network) {
    return network.ipv4 == ipv4 && same_bits(network.octets, octets, network.bits);
  });
}

} // namespace paquebot::net
