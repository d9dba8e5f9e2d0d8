#include "smtp/orcpt.h"

#include "base/encoding.h"
#include "base/text.h"

#include <algorithm>
#include <charconv>
#include <cstdint>

namespace paquebot::smtp {
namespace {

constexpr std::string_view kUtf8Type = "utf-8";

void append_utf8(std::string& out, std::uint32_t point) {
  const auto add = [&](std::uint32_t value) { out += static_cast<char>(value); };
  if (point < 0x80) {
    add(point);
  } else if (point < 0x800) {
    add(0xC0 | point >> 6);
    add(0x80 | (point & 0x3F));
  } else if (point < 0x10000) {
    add(0xE0 | point >> 12);
    add(0x80 | (point >> 6 & 0x3F));
    add(0x80 | (point & 0x3F));
  } else {
    add(0xF0 | point >> 18);
    add(0x80 | (point >> 12 & 0x3F));
    add(0x80 | (point >> 6 & 0x3F));
    add(0x80 | (point & 0x3F));
  }
}

/// The code point of the well-formed character that begins `text`.
std::uint32_t code_point(std::string_view character) {
  const auto at = [&](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(character[i])); };
  switch (character.size()) {
    case 1: return at(0);
    case 2: return (at(0) & 0x1F) << 6 | (at(1) & 0x3F);
    case 3: return (at(0) & 0x0F) << 12 | (at(1) & 0x3F) << 6 | (at(2) & 0x3F);
    default: return (at(0) & 0x07) << 18 | (at(1) & 0x3F) << 12 | (at(2) & 0x3F) << 6 | (at(3) & 0x3F);
  }
}

bool is_qchar(char c) { return c > ' ' && c <= '~' && c != '\\' && c != '+' && c != '='; }

/// "\x{HEX}" at the beginning of `text`; takes it.
bool take_embedded(std::string_view& text, std::string& out) {
  if (!text.starts_with("\\x{")) return false;
  const auto close = text.find('}');
  if (close == std::string_view::npos || close < 5 || close > 9) return false;
  std::uint32_t point = 0;
  const auto [end, error] = std::from_chars(text.data() + 3, text.data() + close, point, 16);
  if (error != std::errc() || end != text.data() + close || point > 0x10FFFF) return false;
  append_utf8(out, point);
  text.remove_prefix(close + 1);
  return true;
}

std::optional<std::string> unitext_decode(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    if (take_embedded(text, out)) continue;
    const std::size_t length = utf8_length(text);
    if (length == 0 || (length == 1 && !is_qchar(text.front()))) return {};
    out += text.substr(0, length);
    text.remove_prefix(length);
  }
  return out;
}

std::string unitext_encode(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t length = std::max<std::size_t>(utf8_length(text), 1);
    if (length == 1 && is_qchar(text.front())) {
      out += text.front();
    } else {
      char digits[8];
      const auto end = std::to_chars(digits, digits + sizeof digits, code_point(text.substr(0, length)), 16).ptr;
      out += "\\x{";
      if (end - digits < 2) out += '0';
      std::transform(digits, end, std::back_inserter(out), [](char c) { return c >= 'a' ? char(c - 32) : c; });
      out += '}';
    }
    text.remove_prefix(length);
  }
  return out;
}

bool all_printable(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = printable_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

bool is_type(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= '0' && c <= '9') || (to_lower(c) >= 'a' && to_lower(c) <= 'z') || c == '-' || c == '.' || c == '_';
  });
}

} // namespace

std::optional<std::string> decode_orcpt(std::string_view value) {
  const auto semicolon = value.find(';');
  if (value.size() > kMaxOrcpt || semicolon == std::string_view::npos) return {};
  const auto type = value.substr(0, semicolon);
  const auto encoded = value.substr(semicolon + 1);
  if (!is_type(type) || encoded.empty()) return {};
  const auto address = iequals(type, kUtf8Type) ? unitext_decode(encoded) : xtext_decode(encoded);
  if (!address || !all_printable(*address)) return {};
  return std::string(type) + ';' + *address;
}

std::string encode_orcpt(std::string_view decoded) {
  const auto semicolon = std::min(decoded.find(';'), decoded.size());
  const auto type = decoded.substr(0, semicolon);
  const auto address = decoded.substr(std::min(semicolon + 1, decoded.size()));
  std::string out(type);
  out += ';';
  out += iequals(type, kUtf8Type) ? unitext_encode(address) : xtext_encode(address);
  return out;
}

} // namespace paquebot::smtp
