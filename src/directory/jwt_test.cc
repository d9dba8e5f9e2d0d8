#include "base/encoding.h"
#include "directory/jwt.h"

#include <gtest/gtest.h>
#include <memory>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

namespace paquebot::directory {
namespace {

using Key = std::shared_ptr<EVP_PKEY>;
constexpr std::int64_t kNow = 1'800'000'000;
const TokenRules kRules{"https://id.example", "mail", "email"};

std::string url(std::string_view bytes) {
  std::string text = base64_encode(bytes);
  for (char& c : text) c = c == '+' ? '-' : c == '/' ? '_' : c;
  while (text.ends_with('=')) text.pop_back();
  return text;
}

std::string number(const Key& key, const char* name, std::size_t size = 0) {
  BIGNUM* value = nullptr;
  EVP_PKEY_get_bn_param(key.get(), name, &value);
  std::string out(size != 0 ? size : static_cast<std::size_t>(BN_num_bytes(value)), '\0');
  BN_bn2binpad(value, reinterpret_cast<unsigned char*>(out.data()), static_cast<int>(out.size()));
  BN_free(value);
  return out;
}

struct Signer {
  std::string algorithm, id, jwk;
  Key key;

  std::string sign(const std::string& text) const {
    std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
    EVP_DigestSignInit(context.get(), nullptr, algorithm == "EdDSA" ? nullptr : EVP_sha256(), nullptr, key.get());
    std::string out(1024, '\0');
    std::size_t size = out.size();
    EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(out.data()), &size,
                   reinterpret_cast<const unsigned char*>(text.data()), text.size());
    out.resize(size);
    if (algorithm != "ES256") return out;
    const auto* der = reinterpret_cast<const unsigned char*>(out.data());
    ECDSA_SIG* signature = d2i_ECDSA_SIG(nullptr, &der, static_cast<long>(size));
    std::string raw(64, '\0');
    BN_bn2binpad(ECDSA_SIG_get0_r(signature), reinterpret_cast<unsigned char*>(raw.data()), 32);
    BN_bn2binpad(ECDSA_SIG_get0_s(signature), reinterpret_cast<unsigned char*>(raw.data()) + 32, 32);
    ECDSA_SIG_free(signature);
    return raw;
  }
  std::string token(const std::string& claims, std::string header = {}) const {
    if (header.empty()) header = R"({"alg":")" + algorithm + R"(","kid":")" + id + R"("})";
    const std::string text = url(header) + "." + url(claims);
    return text + "." + url(sign(text));
  }
};

Signer rsa() {
  Signer s{"RS256", "r1", {}, {EVP_RSA_gen(2048), EVP_PKEY_free}};
  s.jwk = R"({"kty":"RSA","kid":"r1","use":"sig","n":")" + url(number(s.key, "n")) + R"(","e":")" +
          url(number(s.key, "e")) + "\"}";
  return s;
}
Signer ec() {
  Signer s{"ES256", "e1", {}, {EVP_EC_gen("P-256"), EVP_PKEY_free}};
  s.jwk = R"({"kty":"EC","kid":"e1","crv":"P-256","x":")" + url(number(s.key, "qx", 32)) + R"(","y":")" +
          url(number(s.key, "qy", 32)) + "\"}";
  return s;
}
Signer ed() {
  Signer s{"EdDSA", "d1", {}, {EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"), EVP_PKEY_free}};
  std::string raw(32, '\0');
  std::size_t size = raw.size();
  EVP_PKEY_get_raw_public_key(s.key.get(), reinterpret_cast<unsigned char*>(raw.data()), &size);
  s.jwk = R"({"kty":"OKP","kid":"d1","crv":"Ed25519","x":")" + url(raw) + "\"}";
  return s;
}

std::string claims(const std::string& more = {}, std::int64_t expires = kNow + 300) {
  return R"({"iss":"https://id.example","aud":"mail","email":"ann@example.org","exp":)" + std::to_string(expires) +
         more + "}";
}

Result<std::string> check(const std::string& token, const std::string& keys) {
  const auto set = KeySet::parse(R"({"keys":[)" + keys + "]}");
  if (!set) return std::unexpected(set.error());
  return check_token(token, *set, kRules, std::chrono::sys_seconds(std::chrono::seconds(kNow)));
}

TEST(Jwt, EveryAlgorithm) {
  const Signer all[] = {rsa(), ec(), ed()};
  const std::string keys = all[0].jwk + "," + all[1].jwk + "," + all[2].jwk;
  for (const Signer& one : all) {
    const auto found = check(one.token(claims()), keys);
    ASSERT_TRUE(found) << one.algorithm << found.error().message;
    EXPECT_EQ(*found, "ann@example.org");
    std::string changed = one.token(claims());
    changed[changed.find('.') + 5] = changed[changed.find('.') + 5] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(check(changed, keys)) << one.algorithm;
    EXPECT_FALSE(check(one.token(claims()), all[one.algorithm == "RS256" ? 1 : 0].jwk)) << "another key";
  }
}

TEST(Jwt, TheKeySaysWhatItIsFor) {
  const Signer signer = ed();
  const std::string text = url(R"({"alg":"none"})") + "." + url(claims());
  EXPECT_FALSE(check(text + ".", signer.jwk));
  EXPECT_FALSE(check(text, signer.jwk));
  for (const char* algorithm : {"HS256", "RS256", "none", "ES256", "eddsa", ""})
    EXPECT_FALSE(check(signer.token(claims(), R"({"alg":")" + std::string(algorithm) + "\"}"), signer.jwk))
        << algorithm;
  EXPECT_TRUE(check(signer.token(claims(), R"({"alg":"EdDSA"})"), signer.jwk)) << "without a key id";
  EXPECT_FALSE(check(signer.token(claims(), R"({"alg":"EdDSA","kid":"other"})"), signer.jwk));
  EXPECT_FALSE(check(signer.token(claims(), R"({"alg":"EdDSA","crit":["b64"]})"), signer.jwk));
}

TEST(Jwt, Claims) {
  const Signer s = ed();
  const struct {
    const char* what;
    std::string claims;
    bool good;
  } cases[] = {
      {"fine", claims(), true},
      {"in the minute of grace", claims("", kNow - 59), true},
      {"expired", claims("", kNow - 61), false},
      {"not yet", claims(R"(,"nbf":)" + std::to_string(kNow + 61)), false},
      {"since now", claims(R"(,"nbf":)" + std::to_string(kNow)), true},
      {"nbf of another type", claims(R"(,"nbf":"now")"), false},
      {"not verified", claims(R"(,"email_verified":false)"), false},
      {"verified", claims(R"(,"email_verified":true)"), true},
      {"for several", R"({"iss":"https://id.example","aud":["x","mail"],"email":"ann@example.org","exp":1900000000})",
       true},
      {"for others", R"({"iss":"https://id.example","aud":["x","mailer"],"email":"ann@example.org","exp":1900000000})",
       false},
      {"for nobody", R"({"iss":"https://id.example","email":"ann@example.org","exp":1900000000})", false},
      {"another issuer", R"({"iss":"https://id.example.net","aud":"mail","email":"ann@example.org","exp":1900000000})",
       false},
      {"no end", R"({"iss":"https://id.example","aud":"mail","email":"ann@example.org"})", false},
      {"no address", R"({"iss":"https://id.example","aud":"mail","exp":1900000000})", false},
      {"a list of addresses", R"({"iss":"https://id.example","aud":"mail","email":["a@b"],"exp":1900000000})", false},
      {"no object", "[]", false},
      {"deep", R"({"a":)" + std::string(1000, '[') + std::string(1000, ']') + "}", false},
  };
  for (const auto& c : cases) EXPECT_EQ(check(s.token(c.claims), s.jwk).has_value(), c.good) << c.what;
  for (const char* token : {"", ".", "..", "a.b.c", "....", "e30.e30.e30", "=.=.="})
    EXPECT_FALSE(check(token, s.jwk)) << token;
  EXPECT_FALSE(check(std::string(20000, 'a') + ".b.c", s.jwk));
}

TEST(Jwt, KeySets) {
  for (const char* text :
       {"", "[]", "{}", R"({"keys":{}})", R"({"keys":[]})", R"({"keys":[{"kty":"oct","k":"c2VjcmV0"}]})",
        R"({"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB"}]})", R"({"keys":[1,"x",{}]})"})
    EXPECT_FALSE(KeySet::parse(text)) << text;
  EXPECT_FALSE(KeySet::parse(std::string(300000, ' ')));
  std::string encrypts = ed().jwk;
  encrypts.insert(1, R"("use":"enc",)");
  EXPECT_FALSE(KeySet::parse(R"({"keys":[)" + encrypts + "]}"));
}

} // namespace
} // namespace paquebot::directory
