// Section numbers are those of "The PROXY protocol, versions 1 & 2" (haproxy, doc/proxy-protocol.txt).

#include "net/proxy.h"

#include "base/text.h"

#include <algorithm>
#include <arpa/inet.h>
#include <optional>
#include <vector>

namespace paquebot::net {
namespace {

constexpr std::string_view kSignature("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr std::size_t kFixed = 16; ///< octets of a version 2 header before the addresses
constexpr std::string_view kLine = "PROXY ";
constexpr std::size_t kLongestLine = 107; ///< section 2.1, with CRLF

std::unexpected<Error> no_header(const char* why) {
  return fail(Errc::invalid, std::string("no valid PROXY header: ") + why);
}

/// Does one begin with the other, as far as both go?
bool may_become(std::string_view bytes, std::string_view whole) {
  const std::size_t size = std::min(bytes.size(), whole.size());
  return bytes.substr(0, size) == whole.substr(0, size);
}

/// Section 2.1: decimal, no zeroes in front.
std::optional<std::uint16_t> read_port(std::string_view text) {
  if (text.size() > 1 && text.front() == '0') return std::nullopt;
  const auto port = parse_u64(text);
  return port && *port <= 65535 ? std::optional(static_cast<std::uint16_t>(*port)) : std::nullopt;
}

/// The address in our own form. inet_pton takes no zeroes in front either, nor shortened IPv4 addresses.
std::optional<std::string> read_address(int family, std::string_view text) {
  const std::string copy(text);
  unsigned char octets[16];
  char written[INET6_ADDRSTRLEN];
  if (copy.find('\0') != std::string::npos || inet_pton(family, copy.c_str(), octets) != 1) return std::nullopt;
  return inet_ntop(family, octets, written, sizeof written);
}

std::string write_address(int family, std::string_view octets) {
  char written[INET6_ADDRSTRLEN];
  const std::string_view mapped("\0\0\0\0\0\0\0\0\0\0\xFF\xFF", 12);
  if (family == AF_INET6 && octets.starts_with(mapped)) { // as everywhere: see from_socket_address
    family = AF_INET;
    octets.remove_prefix(mapped.size());
  }
  return inet_ntop(family, octets.data(), written, sizeof written);
}

std::uint16_t read_u16(std::string_view octets) {
  return static_cast<std::uint16_t>(static_cast<unsigned char>(octets[0]) << 8 | static_cast<unsigned char>(octets[1]));
}

} // namespace

Result<> ProxyReader::feed(std::string_view octets) {
  bytes_ += octets;
  if (may_become(bytes_, kLine)) return look_at_line();
  if (may_become(bytes_, kSignature)) return look_at_block();
  return no_header("it begins with something else");
}

/// Version 1: a line. The end is at least two octets away, or one behind a CR.
Result<> ProxyReader::look_at_line() {
  if (bytes_.size() < 15) {
    wants_ = 15 - bytes_.size();
    return {};
  }
  if (!bytes_.ends_with("\r\n")) {
    wants_ = bytes_.ends_with('\r') ? 1 : 2;
    const std::size_t least = bytes_.size() + wants_;
    return least > kLongestLine ? no_header("the line does not end") : Result<>();
  }
  wants_ = 0;
  return read_line(std::string_view(bytes_).substr(0, bytes_.size() - 2));
}

Result<> ProxyReader::read_line(std::string_view line) {
  line.remove_prefix(kLine.size());
  if (line.find_first_of("\r\n") != std::string_view::npos) return no_header("a lone CR or LF");
  if (line == "UNKNOWN" || line.starts_with("UNKNOWN ")) return {}; // the rest of the line is ignored
  const auto words = split(line, ' ');
  if (words.size() != 5) return no_header("not five words behind PROXY");
  if (words[0] != "TCP4" && words[0] != "TCP6") return no_header("an unknown protocol");
  const int family = words[0] == "TCP4" ? AF_INET : AF_INET6;
  const auto from = read_address(family, words[1]), to = read_address(family, words[2]);
  const auto from_port = read_port(words[3]), to_port = read_port(words[4]);
  if (!from || !to) return no_header("a malformed address");
  if (!from_port || !to_port) return no_header("a malformed port");
  header_ = {true, {*from, *from_port}, {*to, *to_port}};
  return {};
}

/// Version 2: 16 octets that end in the length of the rest (section 2.2).
Result<> ProxyReader::look_at_block() {
  std::size_t whole = kFixed;
  if (bytes_.size() >= kFixed) whole += read_u16(std::string_view(bytes_).substr(14));
  if (whole > kMost) return no_header("it is too long");
  wants_ = whole - std::min(whole, bytes_.size());
  return wants_ == 0 ? read_block() : Result<>();
}

Result<> ProxyReader::read_block() {
  const auto version = static_cast<unsigned char>(bytes_[12]) >> 4, command = bytes_[12] & 0x0F;
  const auto family = static_cast<unsigned char>(bytes_[13]) >> 4, transport = bytes_[13] & 0x0F;
  if (version != 2) return no_header("an unknown version");
  if (command > 1) return no_header("an unknown command");
  if (command == 0) return {}; // LOCAL: whatever the rest says
  if (family > 3 || transport > 2) return no_header("an unknown address family or protocol");
  const std::string_view rest = std::string_view(bytes_).substr(kFixed);
  // Anything but TCP over IP falls back to UNSPEC: the real ends count. But what is announced must be there.
  const std::size_t needed = family == 1 ? 12 : family == 2 ? 36 : family == 3 ? 216 : 0;
  if (transport != 0 && rest.size() < needed) return no_header("the addresses are cut off");
  if ((family != 1 && family != 2) || transport != 1) return {};
  const int kind = family == 1 ? AF_INET : AF_INET6;
  const std::size_t size = family == 1 ? 4 : 16;
  header_.proxied = true;
  header_.source = {write_address(kind, rest.substr(0, size)), read_u16(rest.substr(2 * size))};
  header_.destination = {write_address(kind, rest.substr(size, size)), read_u16(rest.substr(2 * size + 2))};
  return {};
}

} // namespace paquebot::net
