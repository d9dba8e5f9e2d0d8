#include "base/text.h"

#include "base/visible.h"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace paquebot {
namespace {

constexpr unsigned char byte(char c) { return static_cast<unsigned char>(c); }

bool is_continuation(char c) { return (byte(c) & 0xC0) == 0x80; }

/// The range of the second octet for each lead octet (RFC 3629 section 4).
struct Lead {
  std::size_t length;
  unsigned char low, high;
};

Lead lead_of(unsigned char c) {
  if (c < 0x80) return {1, 0, 0};
  if (c >= 0xC2 && c <= 0xDF) return {2, 0x80, 0xBF};
  if (c == 0xE0) return {3, 0xA0, 0xBF};
  if (c == 0xED) return {3, 0x80, 0x9F};
  if (c >= 0xE1 && c <= 0xEF) return {3, 0x80, 0xBF};
  if (c == 0xF0) return {4, 0x90, 0xBF};
  if (c >= 0xF1 && c <= 0xF3) return {4, 0x80, 0xBF};
  if (c == 0xF4) return {4, 0x80, 0x8F};
  return {0, 0, 0};
}

} // namespace

std::string to_lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) { return to_lower(c); });
  return out;
}

bool iequals(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::ranges::equal(a, b, [](char x, char y) { return to_lower(x) == to_lower(y); });
}

bool istarts_with(std::string_view text, std::string_view prefix) {
  return text.size() >= prefix.size() && iequals(text.substr(0, prefix.size()), prefix);
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const auto at = text.find(separator);
    parts.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

std::optional<std::uint64_t> parse_u64(std::string_view text) {
  if (text.empty() || text.front() < '0' || text.front() > '9') return {};
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return {};
  return value;
}

std::size_t utf8_length(std::string_view text) {
  if (text.empty()) return 0;
  const Lead lead = lead_of(byte(text[0]));
  if (lead.length <= 1) return lead.length;
  if (text.size() < lead.length || byte(text[1]) < lead.low || byte(text[1]) > lead.high) return 0;
  for (std::size_t i = 2; i < lead.length; ++i) {
    if (!is_continuation(text[i])) return 0;
  }
  return lead.length;
}

std::size_t printable_length(std::string_view text) {
  if (text.empty() || byte(text[0]) < 0x20 || text[0] == 0x7F) return 0;
  if (text.size() > 1 && byte(text[0]) == 0xC2 && byte(text[1]) < 0xA0) return 0; // C1: U+0080 to U+009F
  return utf8_length(text);
}

std::size_t visible_length(std::string_view text) {
  const std::size_t length = printable_length(text);
  if (length == 2) return text.starts_with("\xD8\x9C") ? 0 : length; // U+061C
  if (length != 3 || text[0] != '\xE2') return length;
  const unsigned char last = byte(text[2]);
  const bool general = text[1] == '\x80' && (last == 0x8E || last == 0x8F || (last >= 0xA8 && last <= 0xAE));
  const bool isolates = text[1] == '\x81' && last >= 0xA6 && last <= 0xA9; // U+2066 to U+2069
  return general || isolates ? 0 : length;                                 // U+200E, U+200F, U+2028 to U+202E
}

std::size_t plain_length(std::string_view text) {
  std::size_t length = 0;
  while (length < text.size() && text[length] >= ' ' && text[length] < 0x7F) ++length;
  return length;
}

bool is_utf8(std::string_view text) {
  text.remove_prefix(plain_length(text));
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

bool is_ascii(std::string_view text) {
  // Many octets at a time: whole messages pass through here, and every address.
  constexpr std::uint64_t kHighBits = 0x8080808080808080;
  std::uint64_t any = 0;
  const auto word = [](const char* from, std::size_t octets) {
    std::uint64_t value = 0;
    std::memcpy(&value, from, octets);
    return value;
  };
  const char* at = text.data();
  std::size_t left = text.size();
  for (; left >= 64; at += 64, left -= 64)
    any |= (word(at, 8) | word(at + 8, 8)) | (word(at + 16, 8) | word(at + 24, 8)) |
           (word(at + 32, 8) | word(at + 40, 8)) | (word(at + 48, 8) | word(at + 56, 8));
  for (; left >= 8; at += 8, left -= 8) any |= word(at, 8);
  if (left > 0) any |= word(at, left);
  return (any & kHighBits) == 0;
}

std::string printable(std::string_view text, std::size_t most) {
  static constexpr char kHex[] = "0123456789abcdef";
  const auto plain = [](char c) { return c >= ' ' && c < 0x7F; };
  if (text.size() <= most && std::ranges::all_of(text, plain)) return std::string(text);
  std::string out;
  while (!text.empty()) {
    const std::size_t length = visible_length(text);
    if (out.size() + (length == 0 ? 4 : length) > most) return out + "…";
    if (length == 0) {
      out += "\\x";
      out += kHex[byte(text[0]) >> 4];
      out += kHex[byte(text[0]) & 15];
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return out;
}

} // namespace paquebot
