#include "sasl/scram.h"

#include "base/encoding.h"
#include "base/random.h"
#include "base/text.h"

#include <algorithm>
#include <array>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdexcept>

namespace paquebot::sasl {
namespace {

constexpr std::size_t kMaxScramName = 255;
constexpr std::size_t kMaxNonce = 512;

const EVP_MD* method(ScramHash hash) { return hash == ScramHash::sha1 ? EVP_sha1() : EVP_sha256(); }
int size_of(ScramHash hash) { return hash == ScramHash::sha1 ? 20 : 32; }

const unsigned char* octets(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

/// OpenSSL does not know the hash, or has no memory left.
void check(bool done) {
  if (!done) throw std::runtime_error("the cryptographic library failed");
}

} // namespace

std::string digest(ScramHash hash, std::string_view text) {
  std::string out(static_cast<std::size_t>(size_of(hash)), '\0');
  check(EVP_Digest(text.data(), text.size(), reinterpret_cast<unsigned char*>(out.data()), nullptr, method(hash),
                   nullptr) == 1);
  return out;
}

std::string hmac(ScramHash hash, std::string_view key, std::string_view text) {
  std::string out(static_cast<std::size_t>(size_of(hash)), '\0');
  check(HMAC(method(hash), key.data(), static_cast<int>(key.size()), octets(text), text.size(),
             reinterpret_cast<unsigned char*>(out.data()), nullptr) != nullptr);
  return out;
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
