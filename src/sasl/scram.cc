#include "sasl/scram.h"

#include "base/encoding.h"
#include "base/random.h"
#include "base/text.h"
#include "sasl/secret.h"

#include <algorithm>
#include <array>
#include <memory>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdexcept>

namespace paquebot::sasl {
namespace {

constexpr std::size_t kMaxScramName = 255;
constexpr std::size_t kMaxNonce = 512;

/// Looked up in OpenSSL once: each time costs as much as to hash some kilobytes.
const EVP_MD* method(ScramHash hash) {
  static const EVP_MD* const sha1 = EVP_MD_fetch(nullptr, "SHA1", nullptr);
  static const EVP_MD* const sha256 = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return hash == ScramHash::sha1 ? sha1 : sha256;
}
int size_of(ScramHash hash) { return hash == ScramHash::sha1 ? 20 : 32; }

const unsigned char* octets(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

/// OpenSSL does not know the hash, or has no memory left.
void check(bool done) {
  if (!done) throw std::runtime_error("the cryptographic library failed");
}

constexpr std::size_t kBlock = 64; // octets that either hash takes at a time

struct FreeContext {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_MD_CTX, FreeContext>;

/// The hash of `key`, a block, with each octet changed by `pad`, and `text` behind it.
std::string keyed(EVP_MD_CTX* context, ScramHash hash, std::string_view key, char pad, std::string_view text) {
  std::array<unsigned char, kBlock> block;
  block.fill(static_cast<unsigned char>(pad));
  for (std::size_t i = 0; i < key.size(); ++i) block[i] ^= static_cast<unsigned char>(key[i]);
  std::string out(static_cast<std::size_t>(size_of(hash)), '\0');
  check(context != nullptr && EVP_DigestInit_ex(context, method(hash), nullptr) == 1 &&
        EVP_DigestUpdate(context, block.data(), block.size()) == 1 &&
        EVP_DigestUpdate(context, text.data(), text.size()) == 1 &&
        EVP_DigestFinal_ex(context, reinterpret_cast<unsigned char*>(out.data()), nullptr) == 1);
  OPENSSL_cleanse(block.data(), block.size());
  return out;
}

} // namespace

std::string digest(ScramHash hash, std::string_view text) {
  std::string out(static_cast<std::size_t>(size_of(hash)), '\0');
  check(EVP_Digest(text.data(), text.size(), reinterpret_cast<unsigned char*>(out.data()), nullptr, method(hash),
                   nullptr) == 1);
  return out;
}

std::string hmac(ScramHash hash, std::string_view key, std::string_view text) {
  std::string shortened = key.size() > kBlock ? digest(hash, key) : std::string();
  if (!shortened.empty()) key = shortened;
  const Context context(EVP_MD_CTX_new());
  std::string mac = keyed(context.get(), hash, key, 0x5c, keyed(context.get(), hash, key, 0x36, text));
  wipe(shortened);
  return mac;
}

std::string salted_password(ScramHash hash, std::string_view password, std::string_view salt,
                            std::uint32_t iterations) {
  std::string out(static_cast<std::size_t>(size_of(hash)), '\0');
  check(PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()), octets(salt),
                          static_cast<int>(salt.size()), static_cast<int>(iterations), method(hash), size_of(hash),
                          reinterpret_cast<unsigned char*>(out.data())) == 1);
  return out;
}

ScramKey make_scram_key(ScramHash hash, std::string_view password, std::string_view salt, std::uint32_t iterations) {
  std::string salted = salted_password(hash, password, salt, iterations);
  ScramKey key{digest(hash, hmac(hash, salted, "Client Key")), hmac(hash, salted, "Server Key")};
  OPENSSL_cleanse(salted.data(), salted.size());
  return key;
}

std::string exclusive_or(std::string_view a, std::string_view b) {
  std::string out(std::min(a.size(), b.size()), '\0');
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<char>(a[i] ^ b[i]);
  return out;
}

std::string escape_scram_name(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (c == ',')
      out += "=2C";
    else if (c == '=')
      out += "=3D";
    else
      out += c;
  }
  return out;
}

std::optional<std::string> unescape_scram_name(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    if (text[0] == ',' || text[0] == '\0') return {};
    if (text[0] != '=') {
      out += text[0];
      text.remove_prefix(1);
      continue;
    }
    if (!text.starts_with("=2C") && !text.starts_with("=3D")) return {};
    out += text[1] == '2' ? ',' : '=';
    text.remove_prefix(3);
  }
  if (out.empty() || out.size() > kMaxScramName || !is_utf8(out)) return {};
  return out;
}

std::optional<Gs2Header> read_gs2_header(std::string_view message) {
  Gs2Header header;
  const auto first = message.find(',');
  if (first == std::string_view::npos) return {};
  const auto second = message.find(',', first + 1);
  if (second == std::string_view::npos) return {};
  const std::string_view flag = message.substr(0, first);
  const std::string_view authzid = message.substr(first + 1, second - first - 1);
  if (flag == "n" || flag == "y") {
    header.flag = flag[0];
  } else if (flag.starts_with("p=") && flag.size() > 2 && flag.size() <= 64) {
    header.flag = 'p';
    header.binding = flag.substr(2);
  } else {
    return {};
  }
  if (!authzid.empty()) {
    if (!authzid.starts_with("a=")) return {};
    const auto name = unescape_scram_name(authzid.substr(2));
    if (!name) return {};
    header.authzid = *name;
  }
  header.header = message.substr(0, second + 1);
  header.rest = message.substr(second + 1);
  return header;
}

std::optional<std::string_view> take_attribute(std::string_view& message, char name) {
  if (message.size() < 2 || message[0] != name || message[1] != '=') return {};
  const std::string_view value =
      message.substr(2, message.find(',') == message.npos ? message.npos : message.find(',') - 2);
  message.remove_prefix(std::min(message.size(), 2 + value.size() + 1));
  return value;
}

bool is_nonce(std::string_view text) {
  return !text.empty() && text.size() <= kMaxNonce &&
         std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7F && c != ','; });
}

std::string make_nonce() { return base64_encode(random_bytes(18)); }

} // namespace paquebot::sasl
