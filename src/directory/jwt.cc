#include "directory/jwt.h"

#include "base/encoding.h"
#include "base/text.h"

#include <algorithm>
#include <boost/json.hpp>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <optional>

namespace paquebot::directory {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxKeySet = 256u << 10;
constexpr std::size_t kMaxKeys = 64;
constexpr std::size_t kMaxToken = 16u << 10;
constexpr std::size_t kMaxDepth = 8;
constexpr std::int64_t kGrace = 60; ///< seconds that two clocks may differ (RFC 7519 section 4.1.4)

struct Free {
  void operator()(EVP_PKEY_CTX* p) const { EVP_PKEY_CTX_free(p); }
  void operator()(EVP_MD_CTX* p) const { EVP_MD_CTX_free(p); }
  void operator()(OSSL_PARAM_BLD* p) const { OSSL_PARAM_BLD_free(p); }
  void operator()(OSSL_PARAM* p) const { OSSL_PARAM_free(p); }
  void operator()(BIGNUM* p) const { BN_free(p); }
  void operator()(ECDSA_SIG* p) const { ECDSA_SIG_free(p); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

const unsigned char* octets(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

std::optional<json::object> parse_object(std::string_view text) {
  json::parse_options options;
  options.max_depth = kMaxDepth;
  boost::system::error_code error;
  const json::value value = json::parse({text.data(), text.size()}, error, {}, options);
  if (error || !value.is_object()) return {};
  return value.as_object();
}

std::string text_of(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
}

/// base64url without padding (RFC 7515 section 2).
std::optional<std::string> decode(std::string_view text) {
  std::string plain(text);
  if (plain.find_first_of("+/=") != plain.npos) return {};
  std::ranges::replace(plain, '-', '+');
  std::ranges::replace(plain, '_', '/');
  while (plain.size() % 4 != 0) plain += '=';
  return base64_decode(plain);
}

std::shared_ptr<EVP_PKEY> make_key(const char* type, OSSL_PARAM_BLD* parts) {
  const Owned<OSSL_PARAM> params(OSSL_PARAM_BLD_to_param(parts));
  const Owned<EVP_PKEY_CTX> context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* key = nullptr;
  if (!params || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params.get()) != 1) {
    ERR_clear_error();
    return {};
  }
  return {key, EVP_PKEY_free};
}

/// RFC 7518 section 6.3.
std::shared_ptr<EVP_PKEY> rsa_key(const json::object& jwk) {
  const auto n = decode(text_of(jwk, "n")), e = decode(text_of(jwk, "e"));
  if (!n || !e || n->size() < 256 || n->size() > 1024 || e->empty() || e->size() > 8) return {};
  const Owned<BIGNUM> modulus(BN_bin2bn(octets(*n), static_cast<int>(n->size()), nullptr));
  const Owned<BIGNUM> exponent(BN_bin2bn(octets(*e), static_cast<int>(e->size()), nullptr));
  const Owned<OSSL_PARAM_BLD> parts(OSSL_PARAM_BLD_new());
  if (!modulus || !exponent || !parts ||
      OSSL_PARAM_BLD_push_BN(parts.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get()) != 1 ||
      OSSL_PARAM_BLD_push_BN(parts.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get()) != 1)
    return {};
  return make_key("RSA", parts.get());
}

/// RFC 7518 section 6.2: a point of P-256, uncompressed.
std::shared_ptr<EVP_PKEY> ec_key(const json::object& jwk) {
  const auto x = decode(text_of(jwk, "x")), y = decode(text_of(jwk, "y"));
  if (text_of(jwk, "crv") != "P-256" || !x || !y || x->size() != 32 || y->size() != 32) return {};
  const std::string point = "\x04" + *x + *y;
  const Owned<OSSL_PARAM_BLD> parts(OSSL_PARAM_BLD_new());
  if (!parts || OSSL_PARAM_BLD_push_utf8_string(parts.get(), OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0) != 1 ||
      OSSL_PARAM_BLD_push_octet_string(parts.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()) != 1)
    return {};
  return make_key("EC", parts.get());
}

/// RFC 8037 section 2.
std::shared_ptr<EVP_PKEY> ed_key(const json::object& jwk) {
  const auto x = decode(text_of(jwk, "x"));
  if (text_of(jwk, "crv") != "Ed25519" || !x || x->size() != 32) return {};
  return {EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, octets(*x), x->size()), EVP_PKEY_free};
}

/// A JOSE signature of ES256 is r and s side by side (RFC 7518 section 3.4); OpenSSL wants them in DER.
std::string ec_signature(std::string_view raw) {
  if (raw.size() != 64) return {};
  const Owned<ECDSA_SIG> signature(ECDSA_SIG_new());
  BIGNUM* r = BN_bin2bn(octets(raw), 32, nullptr);
  BIGNUM* s = BN_bin2bn(octets(raw.substr(32)), 32, nullptr);
  if (!signature || ECDSA_SIG_set0(signature.get(), r, s) != 1) return {};
  unsigned char* der = nullptr;
  const int size = i2d_ECDSA_SIG(signature.get(), &der);
  std::string out(reinterpret_cast<char*>(der), size > 0 ? static_cast<std::size_t>(size) : 0);
  OPENSSL_free(der);
  return out;
}

/// `aud` is a text or a list of them (RFC 7519 section 4.1.3).
bool is_for(const json::object& claims, std::string_view audience) {
  const json::value* value = claims.if_contains("aud");
  if (value == nullptr) return false;
  if (value->is_string()) return std::string_view(value->as_string()) == audience;
  if (!value->is_array()) return false;
  return std::ranges::any_of(value->as_array(), [&](const json::value& one) {
    return one.is_string() && std::string_view(one.as_string()) == audience;
  });
}

/// A NumericDate; nothing when it is absent or of another type.
std::optional<std::int64_t> time_of(const json::object& claims, std::string_view name) {
  const json::value* value = claims.if_contains(name);
  if (value == nullptr) return {};
  if (value->is_int64()) return value->as_int64();
  if (value->is_double() && value->as_double() > 0 && value->as_double() < 1e12)
    return static_cast<std::int64_t>(value->as_double());
  return {};
}

std::unexpected<Error> refuse(std::string why) { return fail(Errc::refused, "the token " + std::move(why)); }

Result<std::string> check_claims(const json::object& claims, const TokenRules& rules, std::int64_t now) {
  const auto expires = time_of(claims, "exp");
  if (!expires) return refuse("does not say when it expires");
  if (*expires + kGrace < now) return refuse("has expired");
  if (claims.contains("nbf")) {
    const auto begins = time_of(claims, "nbf");
    if (!begins || *begins - kGrace > now) return refuse("is not valid yet");
  }
  if (text_of(claims, "iss") != rules.issuer) return refuse("is of another issuer");
  if (!is_for(claims, rules.audience)) return refuse("is for another audience");
  // An address that its issuer did not check may be anybody's.
  const json::value* checked = claims.if_contains("email_verified");
  if (rules.claim == "email" && checked != nullptr && !(checked->is_bool() && checked->as_bool()))
    return refuse("holds an address that was not verified");
  std::string address = text_of(claims, rules.claim);
  if (address.empty() || address.size() > 255 || !is_utf8(address))
    return refuse("has no claim \"" + rules.claim + "\"");
  return address;
}

} // namespace

Result<KeySet> KeySet::parse(std::string_view text) {
  const auto object = text.size() <= kMaxKeySet ? parse_object(text) : std::nullopt;
  const json::value* list = object ? object->if_contains("keys") : nullptr;
  if (list == nullptr || !list->is_array())
    return fail(Errc::invalid, "this is no key set: {\"keys\": [...]} (RFC 7517)");
  KeySet set;
  for (const json::value& one : list->as_array()) {
    if (!one.is_object() || set.keys_.size() >= kMaxKeys) continue;
    const json::object& jwk = one.as_object();
    const std::string type = text_of(jwk, "kty"), use = text_of(jwk, "use"), wanted = text_of(jwk, "alg");
    Key key{text_of(jwk, "kid"), type == "RSA" ? "RS256" : type == "EC" ? "ES256" : "EdDSA", {}};
    if ((!use.empty() && use != "sig") || (!wanted.empty() && wanted != key.algorithm)) continue;
    key.key = type == "RSA" ? rsa_key(jwk) : type == "EC" ? ec_key(jwk) : type == "OKP" ? ed_key(jwk) : nullptr;
    if (key.key) set.keys_.push_back(std::move(key));
  }
  if (set.keys_.empty()) return fail(Errc::invalid, "the key set has no key for RS256, ES256 or EdDSA");
  return set;
}

bool KeySet::verify(std::string_view algorithm, std::string_view key_id, std::string_view text,
                    std::string_view signature) const {
  const std::string der = algorithm == "ES256" ? ec_signature(signature) : std::string(signature);
  if (der.empty()) return false;
  for (const Key& key : keys_) {
    // The key says what it is for, never the token alone (RFC 8725 section 3.1).
    if (key.algorithm != algorithm || (!key_id.empty() && key.id != key_id)) continue;
    const Owned<EVP_MD_CTX> context(EVP_MD_CTX_new());
    const EVP_MD* digest = algorithm == "EdDSA" ? nullptr : EVP_sha256();
    const bool good = context && EVP_DigestVerifyInit(context.get(), nullptr, digest, nullptr, key.key.get()) == 1 &&
                      EVP_DigestVerify(context.get(), octets(der), der.size(), octets(text), text.size()) == 1;
    ERR_clear_error();
    if (good) return true;
  }
  return false;
}

Result<std::string> check_token(std::string_view token, const KeySet& keys, const TokenRules& rules,
                                std::chrono::sys_seconds now) {
  const auto parts = split(token, '.');
  if (token.size() > kMaxToken || parts.size() != 3) return refuse("is no JSON web token");
  const auto header_text = decode(parts[0]), claims_text = decode(parts[1]), signature = decode(parts[2]);
  if (!header_text || !claims_text || !signature) return refuse("is no JSON web token");
  const auto header = parse_object(*header_text);
  if (!header) return refuse("has a malformed header");
  if (header->contains("crit")) return refuse("wants something that we don't know"); // RFC 7515 section 4.1.11
  const std::string_view signed_text = token.substr(0, parts[0].size() + 1 + parts[1].size());
  if (!keys.verify(text_of(*header, "alg"), text_of(*header, "kid"), signed_text, *signature))
    return refuse("is not signed by a key of the issuer");
  const auto claims = parse_object(*claims_text);
  if (!claims) return refuse("has malformed claims");
  return check_claims(*claims, rules, now.time_since_epoch().count());
}

} // namespace paquebot::directory
