#include "base/encoding.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace paquebot {
namespace {

constexpr std::string_view kBase64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kUpperHex = "0123456789ABCDEF";
constexpr std::string_view kLowerHex = "0123456789abcdef";

/// The value of a character; kNoBase64 for one that has none.
constexpr std::uint8_t kNoBase64 = 0x80;
constexpr auto kBase64Values = [] {
  std::array<std::uint8_t, 256> values{};
  values.fill(kNoBase64);
  for (std::size_t i = 0; i < kBase64.size(); ++i) {
    values[static_cast<unsigned char>(kBase64[i])] = static_cast<std::uint8_t>(i);
  }
  return values;
}();

std::uint32_t octet(char c) { return static_cast<unsigned char>(c); }

/// 0 to 15, or -1.
int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

bool is_xchar(char c) { return c >= '!' && c <= '~' && c != '+' && c != '='; }

} // namespace

std::string base64_encode(std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (; bytes.size() >= 3; bytes.remove_prefix(3)) {
    const std::uint32_t v = octet(bytes[0]) << 16 | octet(bytes[1]) << 8 | octet(bytes[2]);
    for (const int shift : {18, 12, 6, 0}) out += kBase64[v >> shift & 63];
  }
  if (bytes.empty()) return out;
  const std::uint32_t v = octet(bytes[0]) << 16 | (bytes.size() > 1 ? octet(bytes[1]) << 8 : 0);
  out += kBase64[v >> 18 & 63];
  out += kBase64[v >> 12 & 63];
  out += bytes.size() > 1 ? kBase64[v >> 6 & 63] : '=';
  out += '=';
  return out;
}

std::optional<std::string> base64_decode(std::string_view text) {
  if (text.size() % 4 != 0) return {};
  std::size_t padding = 0;
  while (padding < 2 && !text.empty() && text.back() == '=') {
    text.remove_suffix(1);
    ++padding;
  }
  std::string out;
  out.reserve(text.size() / 4 * 3 + 2);
  for (; text.size() >= 4; text.remove_prefix(4)) {
    std::uint32_t bits = 0;
    std::uint32_t all = 0;
    for (std::size_t i = 0; i < 4; ++i) {
      const std::uint32_t value = kBase64Values[octet(text[i])];
      all |= value;
      bits = bits << 6 | (value & 63);
    }
    if ((all & kNoBase64) != 0) return {};
    const char octets[] = {static_cast<char>(bits >> 16), static_cast<char>(bits >> 8 & 0xFF),
                           static_cast<char>(bits & 0xFF)};
    out.append(octets, sizeof octets);
  }
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const std::uint32_t value = kBase64Values[octet(c)];
    if (value == kNoBase64) return {};
    bits = (bits << 6 | value) & 0xFFFFFF;
    count += 6;
    if (count >= 8) {
      count -= 8;
      out += static_cast<char>(bits >> count & 0xFF);
    }
  }
  // Bits that padding leaves over must be zero, or two texts would mean the same octets (RFC 4648 section 3.5).
  if ((bits & ((1U << count) - 1)) != 0) return {};
  return out;
}

std::string xtext_encode(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) {
    if (is_xchar(c)) {
      out += c;
    } else {
      out += '+';
      out += kUpperHex[octet(c) >> 4];
      out += kUpperHex[octet(c) & 15];
    }
  }
  return out;
}

std::optional<std::string> xtext_decode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (is_xchar(text[i])) {
      out += text[i];
      continue;
    }
    if (text[i] != '+' || text.size() - i < 3) return {};
    const int high = hex_value(text[i + 1]);
    const int low = hex_value(text[i + 2]);
    if (high < 0 || low < 0) return {};
    out += static_cast<char>(high << 4 | low);
    i += 2;
  }
  return out;
}

std::string hex_encode(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    out += kLowerHex[octet(c) >> 4];
    out += kLowerHex[octet(c) & 15];
  }
  return out;
}

bool equal_constant_time(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  volatile std::uint32_t difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i) difference = difference | (octet(a[i]) ^ octet(b[i]));
  return difference == 0;
}

} // namespace paquebot
