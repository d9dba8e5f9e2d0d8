#include "sasl/totp.h"

#include "base/encoding.h"
#include "base/text.h"
#include "sasl/scram.h"

#include <array>
#include <fmt/format.h>
#include <iterator>

namespace paquebot::sasl {
namespace {

constexpr std::size_t kCounter = 8; // octets (RFC 4226 section 5.1)

std::string in_uri(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = is_alnum(c) || c == '-' || c == '.' || c == '_' || c == '~' || c == '@';
    if (plain)
      out += c;
    else
      fmt::format_to(std::back_inserter(out), "%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

} // namespace

std::string totp_code(std::string_view secret, std::int64_t step, unsigned digits) {
  std::string counter(kCounter, '\0');
  auto rest = static_cast<std::uint64_t>(step);
  for (std::size_t i = kCounter; i-- > 0; rest >>= 8U) counter[i] = static_cast<char>(rest & 0xFFU);
  const std::string mac = hmac(ScramHash::sha1, secret, counter);
  const auto octet = [&](std::size_t at) { return static_cast<std::uint32_t>(static_cast<unsigned char>(mac[at])); };
  const std::size_t at = octet(mac.size() - 1) & 0x0FU; // RFC 4226 section 5.3
  std::uint32_t number = (octet(at) & 0x7FU) << 24U | octet(at + 1) << 16U | octet(at + 2) << 8U | octet(at + 3);
  std::uint32_t modulus = 1;
  for (unsigned i = 0; i < digits; ++i) modulus *= 10;
  number %= modulus;
  return fmt::format("{:0{}}", number, digits);
}

std::optional<std::int64_t> match_totp(std::string_view secret, std::string_view code, std::int64_t seconds,
                                       std::int64_t last) {
  const std::int64_t now = totp_step(seconds);
  std::optional<std::int64_t> found;
  for (const std::int64_t step : {now - 1, now, now + 1})
    if (equal_constant_time(totp_code(secret, step), code) && step > last && !found) found = step;
  return found;
}

std::string base32_encode(std::string_view octets) {
  constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  constexpr unsigned bits_a_letter = 5;
  std::string out;
  std::uint32_t waiting = 0;
  unsigned bits = 0;
  for (const char c : octets) {
    waiting = (waiting << 8U | static_cast<unsigned char>(c)) & 0xFFFFU;
    for (bits += 8; bits >= bits_a_letter; bits -= bits_a_letter)
      out += letters[waiting >> (bits - bits_a_letter) & 0x1FU];
  }
  if (bits > 0) out += letters[waiting << (bits_a_letter - bits) & 0x1FU];
  return out;
}

std::string totp_uri(std::string_view issuer, std::string_view login, std::string_view secret) {
  return fmt::format("otpauth://totp/{0}:{1}?secret={2}&issuer={0}&algorithm=SHA1&digits={3}&period={4}",
                     in_uri(issuer), in_uri(login), base32_encode(secret), kTotpDigits, kTotpSeconds);
}

} // namespace paquebot::sasl
