#include "acme/certificate.h"
#include "acme/key.h"
#include "acme/message.h"
#include "acme/test_issuer.h"

#include <gtest/gtest.h>

namespace paquebot::acme {
namespace {

TEST(AcmeKey, IsReadBackAndSigns) {
  const auto key = PrivateKey::make();
  ASSERT_TRUE(key);
  const auto again = PrivateKey::from_pem(key->to_pem());
  ASSERT_TRUE(again);
  EXPECT_EQ(again->jwk(), key->jwk());
  EXPECT_EQ(again->public_digest(), key->public_digest());
  EXPECT_EQ(key->public_digest().size(), 64u);
  EXPECT_TRUE(TestIssuer::verify(key->jwk(), "text", base64url(again->sign("text"))));
  EXPECT_FALSE(TestIssuer::verify(key->jwk(), "texts", base64url(again->sign("text"))));
  EXPECT_EQ(PrivateKey::from_pem("-----BEGIN PRIVATE KEY-----\n").error().code, Errc::invalid);
  EXPECT_EQ(PrivateKey::from_pem("").error().code, Errc::invalid);
}

TEST(AcmeKey, EncodesForUrls) {
  EXPECT_EQ(base64url("\xfb\xff"), "-_8");
  EXPECT_EQ(base64url_decode("-_8"), "\xfb\xff");
  for (const char* bad : {"+/8", "-_8=", "a", "a b", "-_9"}) EXPECT_FALSE(base64url_decode(bad)) << bad;
}

TEST(AcmeCertificate, NamesAreNoLanguage) {
  const auto key = PrivateKey::make().value();
  EXPECT_TRUE(make_request(key, {"mx.example.test"}));
  for (const char* bad : {"", "a,IP:127.0.0.1", "a b", "email:x", "é.test"})
    EXPECT_FALSE(make_request(key, {bad})) << bad;
}

/// What others must find in it: RFC 8737 section 3.
TEST(AcmeCertificate, HoldsTheProof) {
  const auto key = PrivateKey::make().value();
  const auto pem = make_challenge_certificate(key, "mx.example.test", "token.thumb");
  ASSERT_TRUE(pem) << pem.error().message;
  BIO* bio = BIO_new_mem_buf(pem->data(), static_cast<int>(pem->size()));
  X509* certificate = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
  ASSERT_NE(certificate, nullptr);
  ASN1_OBJECT* kind = OBJ_txt2obj("1.3.6.1.5.5.7.1.31", 1);
  const int index = X509_get_ext_by_OBJ(certificate, kind, -1);
  ASSERT_GE(index, 0);
  X509_EXTENSION* proof = X509_get_ext(certificate, index);
  EXPECT_EQ(X509_EXTENSION_get_critical(proof), 1);
  const ASN1_OCTET_STRING* data = X509_EXTENSION_get_data(proof);
  const std::string octets(reinterpret_cast<const char*>(ASN1_STRING_get0_data(data)),
                           static_cast<std::size_t>(ASN1_STRING_length(data)));
  EXPECT_EQ(octets, "\x04\x20" + sha256("token.thumb"));
  EXPECT_EQ(X509_check_host(certificate, "mx.example.test", 0, 0, nullptr), 1);
  ASN1_OBJECT_free(kind);
  X509_free(certificate);
  BIO_free(bio);
}

TEST(AcmeCertificate, AuthoritiesUrlsAreWhole) {
  for (const char* good : {"https://ca.test/a?b=c", "https://ca.test", "https://ca.test:14000/dir", "https://[::1]/d"})
    EXPECT_TRUE(is_authority_url(good)) << good;
  for (const char* bad : {"http://ca.test/", "https://", "https:///a", "https://u@ca.test/", "https://ca.test/a b",
                          "https://ca.test/#a", "https://ca.test\\@evil/", "ftp://a/", "", "https://:443/"})
    EXPECT_FALSE(is_authority_url(bad)) << bad;
}

} // namespace
} // namespace paquebot::acme
