#include "pop3/login_text.h"

#include "base/text.h"

#include <algorithm>
#include <cstdint>

namespace paquebot::pop3 {
namespace {

struct Range {
  std::uint32_t first, last;
};

// RFC 3454 tables C.2.1, C.2.2, C.3, C.4, C.6, C.7, C.8 and C.9, which RFC 4013 section 2.3 names. C.1.2 (other spaces)
// is not here: section 2.1 maps those to the space. C.5 (surrogates) is no UTF-8.
constexpr Range kProhibited[] = {{0x0000, 0x001f},   {0x007f, 0x009f},   {0x0340, 0x0341},   {0x06dd, 0x06dd},
                                 {0x070f, 0x070f},   {0x180e, 0x180e},   {0x200c, 0x200f},   {0x2028, 0x202e},
                                 {0x2060, 0x2063},   {0x206a, 0x206f},   {0x2ff0, 0x2ffb},   {0xe000, 0xf8ff},
                                 {0xfdd0, 0xfdef},   {0xfeff, 0xfeff},   {0xfff9, 0xffff},   {0x1d173, 0x1d17a},
                                 {0xe0001, 0xe0001}, {0xe0020, 0xe007f}, {0xf0000, 0x10ffff}};

std::uint32_t code_point(std::string_view character) {
  const auto octet = [&](std::size_t n) {
    return static_cast<std::uint32_t>(static_cast<unsigned char>(character[n]));
  };
  switch (character.size()) {
    case 1: return octet(0);
    case 2: return (octet(0) & 0x1f) << 6 | (octet(1) & 0x3f);
    case 3: return (octet(0) & 0x0f) << 12 | (octet(1) & 0x3f) << 6 | (octet(2) & 0x3f);
    default: return (octet(0) & 0x07) << 18 | (octet(1) & 0x3f) << 12 | (octet(2) & 0x3f) << 6 | (octet(3) & 0x3f);
  }
}

bool prohibited(std::uint32_t code) {
  if ((code & 0xfffe) == 0xfffe) return true; // the last two of each plane are no characters (C.4)
  return std::ranges::any_of(kProhibited, [&](const Range& r) { return code >= r.first && code <= r.last; });
}

} // namespace

bool login_text_allowed(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    if (length == 0 || prohibited(code_point(text.substr(0, length)))) return false;
    text.remove_prefix(length);
  }
  return true;
}

} // namespace paquebot::pop3
