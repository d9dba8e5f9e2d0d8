#include "mail/encoded_word.h"

#include "base/encoding.h"
#include "base/text.h"

#include <algorithm>

namespace paquebot::mail {

std::string encode_words(std::string_view text) {
  // 45 octets are 60 in base 64; with "=?unknown-8bit?B?" and "?=" 79 would be too long, so 39.
  constexpr std::size_t kMost = 39;
  std::string clean(text);
  std::ranges::replace_if(clean, [](char c) { return c == '\r' || c == '\n' || c == '\0'; }, ' ');
  const bool utf8 = is_utf8(clean);
  std::string out;
  for (std::string_view rest = clean; !rest.empty();) {
    std::size_t length = std::min(kMost, rest.size());
    // Section 5: no character may be split over two words.
    if (utf8 && length < rest.size()) {
      while (length > 0 && (static_cast<unsigned char>(rest[length]) & 0xc0) == 0x80) --length;
    }
    if (!out.empty()) out += "\r\n ";
    out += utf8 ? "=?utf-8?B?" : "=?unknown-8bit?B?";
    out += base64_encode(rest.substr(0, length));
    out += "?=";
    rest.remove_prefix(length);
  }
  return out;
}

} // namespace paquebot::mail
