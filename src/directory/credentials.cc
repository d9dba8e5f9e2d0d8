#include "directory/credentials.h"

#include "directory/directory.h"
#include "sasl/prepare.h"
#include "sasl/secret.h"

namespace paquebot::directory {
namespace {

constexpr std::size_t kSha1 = 20;
constexpr std::size_t kSha256 = 32;
constexpr std::size_t kPacked = 2 * kSha1 + 2 * kSha256;
constexpr std::size_t kSalt = 16;

} // namespace

std::string pack_scram_keys(std::string_view password, std::string_view salt, std::uint32_t iterations) {
  auto prepared = sasl::prepare_password(password, true);
  if (!prepared) return {};
  std::string packed;
  for (const auto hash : {sasl::ScramHash::sha1, sasl::ScramHash::sha256}) {
    const auto key = sasl::make_scram_key(hash, *prepared, salt, iterations);
    packed += key.stored + key.server;
  }
  sasl::wipe(*prepared);
  return packed;
}

std::optional<sasl::ScramKey> unpack_scram_key(std::string_view packed, sasl::ScramHash hash) {
  if (packed.size() != kPacked) return {};
  const bool sha1 = hash == sasl::ScramHash::sha1;
  const std::size_t size = sha1 ? kSha1 : kSha256;
  const std::string_view own = packed.substr(sha1 ? 0 : 2 * kSha1);
  return sasl::ScramKey{std::string(own.substr(0, size)), std::string(own.substr(size, size))};
}

std::string scram_salt_of(std::string_view secret, std::string_view name) {
  return sasl::hmac(sasl::ScramHash::sha256, secret, "salt " + std::string(name)).substr(0, kSalt);
}

sasl::ScramKey made_up_key(std::string_view secret, std::string_view name, sasl::ScramHash hash) {
  const std::string own(name);
  return {sasl::hmac(hash, secret, "stored " + own), sasl::hmac(hash, secret, "server " + own)};
}

std::string make_app_password() {
  const std::string letters = make_letters(28);
  std::string out;
  for (std::size_t i = 0; i < letters.size(); i += 7) out += (i == 0 ? "" : "-") + letters.substr(i, 7);
  return out;
}

std::string app_password_hash(std::string_view password) { return sasl::digest(sasl::ScramHash::sha256, password); }

} // namespace paquebot::directory
