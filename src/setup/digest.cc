#include "setup/digest.h"

#include "base/encoding.h"

#include <array>
#include <cassert>
#include <openssl/evp.h>

namespace paquebot::setup {
namespace {

std::string digest_of(const EVP_MD* kind, std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> raw{};
  unsigned size = 0;
  [[maybe_unused]] const int done = EVP_Digest(text.data(), text.size(), raw.data(), &size, kind, nullptr);
  assert(done == 1);
  return std::string(reinterpret_cast<const char*>(raw.data()), size);
}

} // namespace

std::string uuid_of(std::string_view url) {
  // The name space of URLs, 6ba7b811-9dad-11d1-80b4-00c04fd430c8.
  std::string text("\x6b\xa7\xb8\x11\x9d\xad\x11\xd1\x80\xb4\x00\xc0\x4f\xd4\x30\xc8", 16);
  text += url;
  std::string raw = digest_of(EVP_sha1(), text).substr(0, 16);
  raw[6] = static_cast<char>((static_cast<unsigned char>(raw[6]) & 0x0f) | 0x50);
  raw[8] = static_cast<char>((static_cast<unsigned char>(raw[8]) & 0x3f) | 0x80);
  std::string out;
  for (const char c : hex_encode(raw)) {
    if (out.size() == 8 || out.size() == 13 || out.size() == 18 || out.size() == 23) out += '-';
    out += c >= 'a' ? static_cast<char>(c - 'a' + 'A') : c;
  }
  return out;
}

std::string short_digest(std::string_view text) { return hex_encode(digest_of(EVP_sha256(), text)).substr(0, 16); }

} // namespace paquebot::setup
