#include "acme/key.h"

#include "base/encoding.h"

#include <algorithm>
#include <boost/json.hpp>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

namespace paquebot::acme {
namespace {

namespace json = boost::json;

constexpr int kScalar = 32; // octets of a number of P-256

struct FreeKeyPart {
  void operator()(EVP_MD_CTX* p) const { EVP_MD_CTX_free(p); }
  void operator()(ECDSA_SIG* p) const { ECDSA_SIG_free(p); }
  void operator()(BIGNUM* p) const { BN_free(p); }
  void operator()(BIO* p) const { BIO_free(p); }
};
template <class T>
using OwnedPart = std::unique_ptr<T, FreeKeyPart>;

const unsigned char* octets_of(std::string_view bytes) { return reinterpret_cast<const unsigned char*>(bytes.data()); }

/// A key behind a password would ask on the terminal: refuse instead.
int no_key_password(char*, int, int, void*) { return 0; }

bool is_p256(EVP_PKEY* key) {
  char group[32] = {};
  std::size_t size = 0;
  return EVP_PKEY_is_a(key, "EC") == 1 && EVP_PKEY_get_group_name(key, group, sizeof group, &size) == 1 &&
         (std::string_view(group, size) == "prime256v1" || std::string_view(group, size) == "P-256");
}

std::string coordinate(EVP_PKEY* key, const char* name) {
  BIGNUM* number = nullptr;
  if (EVP_PKEY_get_bn_param(key, name, &number) != 1) return {};
  const OwnedPart<BIGNUM> owned(number);
  std::string out(kScalar, '\0');
  if (BN_bn2binpad(number, reinterpret_cast<unsigned char*>(out.data()), kScalar) != kScalar) return {};
  return out;
}

std::string text_of(std::string_view text) { return json::serialize(json::value(json::string(text))); }

std::string jws(std::string_view head, std::string_view payload, std::string_view signature) {
  return json::serialize(json::object{
      {"protected", std::string(head)}, {"payload", std::string(payload)}, {"signature", base64url(signature)}});
}

} // namespace

std::string base64url(std::string_view bytes) {
  std::string text = base64_encode(bytes);
  while (text.ends_with('=')) text.pop_back();
  std::ranges::replace(text, '+', '-');
  std::ranges::replace(text, '/', '_');
  return text;
}

std::optional<std::string> base64url_decode(std::string_view text) {
  std::string plain(text);
  if (plain.find_first_of("+/=") != plain.npos) return {};
  std::ranges::replace(plain, '-', '+');
  std::ranges::replace(plain, '_', '/');
  while (plain.size() % 4 != 0) plain += '=';
  return base64_decode(plain);
}

std::string sha256(std::string_view bytes) {
  std::string digest(EVP_MAX_MD_SIZE, '\0');
  unsigned size = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), reinterpret_cast<unsigned char*>(digest.data()), &size, EVP_sha256(),
                 nullptr) != 1)
    std::abort(); // without memory
  digest.resize(size);
  return digest;
}

std::string take_openssl_errors() {
  const char* reason = ERR_reason_error_string(ERR_peek_error());
  ERR_clear_error();
  return reason != nullptr ? reason : "no reason given";
}

Result<PrivateKey> PrivateKey::make() {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  if (key == nullptr) return fail(Errc::io, "a key could not be made: " + take_openssl_errors());
  return PrivateKey({key, EVP_PKEY_free});
}

Result<PrivateKey> PrivateKey::from_pem(const std::string& pem) {
  const OwnedPart<BIO> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(std::min<std::size_t>(pem.size(), 1u << 20))));
  std::shared_ptr<EVP_PKEY> key(bio ? PEM_read_bio_PrivateKey(bio.get(), nullptr, no_key_password, nullptr) : nullptr,
                                EVP_PKEY_free);
  ERR_clear_error();
  if (!key || !is_p256(key.get())) return fail(Errc::invalid, "this is no private key on the curve P-256");
  return PrivateKey(std::move(key));
}

std::string PrivateKey::to_pem() const {
  const OwnedPart<BIO> bio(BIO_new(BIO_s_mem()));
  if (!bio || PEM_write_bio_PrivateKey(bio.get(), native(), nullptr, nullptr, 0, nullptr, nullptr) != 1) std::abort();
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &bytes);
  return {bytes, static_cast<std::size_t>(size)};
}

std::string PrivateKey::jwk() const {
  return R"({"crv":"P-256","kty":"EC","x":")" + base64url(coordinate(native(), OSSL_PKEY_PARAM_EC_PUB_X)) +
         R"(","y":")" + base64url(coordinate(native(), OSSL_PKEY_PARAM_EC_PUB_Y)) + "\"}";
}

std::string PrivateKey::thumbprint() const { return base64url(sha256(jwk())); }

std::string PrivateKey::sign(std::string_view bytes) const {
  const OwnedPart<EVP_MD_CTX> context(EVP_MD_CTX_new());
  std::size_t size = 0;
  if (!context || EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, native()) != 1 ||
      EVP_DigestSign(context.get(), nullptr, &size, octets_of(bytes), bytes.size()) != 1)
    return {};
  std::string der(size, '\0');
  if (EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(der.data()), &size, octets_of(bytes),
                     bytes.size()) != 1)
    return {};
  const unsigned char* at = octets_of(der);
  const OwnedPart<ECDSA_SIG> parts(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(size)));
  if (!parts) return {};
  std::string out(2 * kScalar, '\0');
  auto* into = reinterpret_cast<unsigned char*>(out.data());
  if (BN_bn2binpad(ECDSA_SIG_get0_r(parts.get()), into, kScalar) != kScalar ||
      BN_bn2binpad(ECDSA_SIG_get0_s(parts.get()), into + kScalar, kScalar) != kScalar)
    return {};
  return out;
}

std::string PrivateKey::public_digest() const {
  unsigned char* der = nullptr;
  const int size = i2d_PUBKEY(native(), &der);
  if (size <= 0) return {};
  const std::string digest = sha256({reinterpret_cast<const char*>(der), static_cast<std::size_t>(size)});
  OPENSSL_free(der);
  return hex_encode(digest);
}

Result<std::string> sign_request(const PrivateKey& key, const Signing& how, std::string_view payload) {
  const std::string who = how.account.empty() ? R"("jwk":)" + key.jwk() : R"("kid":)" + text_of(how.account);
  const std::string head = base64url(R"({"alg":"ES256",)" + who + R"(,"nonce":)" + text_of(how.nonce) + R"(,"url":)" +
                                     text_of(how.url) + "}");
  const std::string body = base64url(payload);
  const std::string signature = key.sign(head + "." + body);
  if (signature.empty()) return fail(Errc::io, "a request could not be signed: " + take_openssl_errors());
  return jws(head, body, signature);
}

Result<std::string> bind_account(const PrivateKey& key, const ExternalAccount& outer, const std::string& url) {
  const std::string head =
      base64url(R"({"alg":"HS256","kid":)" + text_of(outer.id) + R"(,"url":)" + text_of(url) + "}");
  const std::string body = base64url(key.jwk());
  const std::string text = head + "." + body;
  std::string mac(EVP_MAX_MD_SIZE, '\0');
  unsigned size = 0;
  if (HMAC(EVP_sha256(), outer.key.data(), static_cast<int>(outer.key.size()), octets_of(text), text.size(),
           reinterpret_cast<unsigned char*>(mac.data()), &size) == nullptr)
    return fail(Errc::io, "the account could not be bound: " + take_openssl_errors());
  mac.resize(size);
  return jws(head, body, mac);
}

} // namespace paquebot::acme
