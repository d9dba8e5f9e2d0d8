#include "imap/utf7.h"

#include "base/text.h"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace paquebot::imap {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

void put_utf8(std::string& out, std::uint32_t c) {
  const auto tail = [&](unsigned shift) { out += static_cast<char>(0x80 | ((c >> shift) & 0x3F)); };
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xC0 | (c >> 6));
    tail(0);
  } else if (c < 0x10000) {
    out += static_cast<char>(0xE0 | (c >> 12));
    tail(6);
    tail(0);
  } else {
    out += static_cast<char>(0xF0 | (c >> 18));
    tail(12);
    tail(6);
    tail(0);
  }
}

std::uint32_t take_utf8(std::string_view& text) {
  const std::size_t length = std::max<std::size_t>(utf8_length(text), 1);
  auto c = static_cast<unsigned char>(text[0]);
  std::uint32_t value = length == 1 ? c : length == 2 ? c & 0x1Fu : length == 3 ? c & 0x0Fu : c & 0x07u;
  for (std::size_t i = 1; i < length; ++i) value = value << 6 | (static_cast<unsigned char>(text[i]) & 0x3Fu);
  text.remove_prefix(length);
  return value;
}

/// The units of UTF-16 between "&" and "-".
std::optional<std::vector<std::uint16_t>> units_of(std::string_view shifted) {
  std::vector<std::uint16_t> out;
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (const char c : shifted) {
    const auto value = kAlphabet.find(c);
    if (value == std::string_view::npos) return {};
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    count += 6;
    if (count < 16) continue;
    count -= 16;
    out.push_back(static_cast<std::uint16_t>(bits >> count));
    bits &= (1u << count) - 1;
  }
  if (bits != 0 || count >= 6 || out.empty()) return {};
  return out;
}

bool put_units(std::string& out, const std::vector<std::uint16_t>& units) {
  for (std::size_t i = 0; i < units.size(); ++i) {
    std::uint32_t c = units[i];
    if (c >= 0xD800 && c < 0xDC00) {
      if (i + 1 == units.size() || units[i + 1] < 0xDC00 || units[i + 1] > 0xDFFF) return false;
      c = 0x10000 + ((c - 0xD800) << 10) + (units[++i] - 0xDC00u);
    } else if (c >= 0xDC00 && c <= 0xDFFF) {
      return false;
    }
    put_utf8(out, c);
  }
  return true;
}

void put_shifted(std::string& out, const std::vector<std::uint16_t>& units) {
  out += '&';
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (const std::uint16_t unit : units) {
    bits = bits << 16 | unit;
    for (count += 16; count >= 6; bits &= (1u << count) - 1) {
      count -= 6;
      out += kAlphabet[bits >> count & 63];
    }
  }
  if (count > 0) out += kAlphabet[bits << (6 - count) & 63];
  out += '-';
}

} // namespace

std::optional<std::string> utf7_decode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7E) return {};
    if (c != '&') {
      out += c;
      continue;
    }
    const auto end = text.find('-', i);
    if (end == std::string_view::npos) return {};
    const std::string_view shifted = text.substr(i + 1, end - i - 1);
    i = end;
    if (shifted.empty()) {
      out += '&';
      continue;
    }
    const auto units = units_of(shifted);
    if (!units || !put_units(out, *units)) return {};
  }
  if (utf7_encode(out) != text) return {};
  return out;
}

std::string utf7_encode(std::string_view utf8) {
  std::string out;
  std::vector<std::uint16_t> units;
  const auto flush = [&] {
    if (!units.empty()) put_shifted(out, units);
    units.clear();
  };
  while (!utf8.empty()) {
    const std::uint32_t c = take_utf8(utf8);
    if (c >= 0x20 && c <= 0x7E) {
      flush();
      out += static_cast<char>(c);
      if (c == '&') out += '-';
    } else if (c >= 0x10000) {
      units.push_back(static_cast<std::uint16_t>(0xD800 + ((c - 0x10000) >> 10)));
      units.push_back(static_cast<std::uint16_t>(0xDC00 + ((c - 0x10000) & 0x3FF)));
    } else {
      units.push_back(static_cast<std::uint16_t>(c));
    }
  }
  flush();
  return out;
}

} // namespace paquebot::imap
