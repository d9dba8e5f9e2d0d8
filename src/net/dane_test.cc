#include "net/dane.h"
#include "net/test_support.h"
#include "net/tls.h"

#include <array>
#include <gtest/gtest.h>
#include <memory>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

namespace paquebot::net {
namespace {

struct FreeDane {
  void operator()(X509* p) const { X509_free(p); }
  void operator()(EVP_PKEY* p) const { EVP_PKEY_free(p); }
  void operator()(BIO* p) const { BIO_free(p); }
};
template <class T>
using DaneOwned = std::unique_ptr<T, FreeDane>;

/// A certificate with its key.
struct Signed {
  DaneOwned<EVP_PKEY> key{EVP_EC_gen("P-256")};
  DaneOwned<X509> certificate{X509_new()};
};

/// `signer` null: self-signed. `days`: valid until then, also in the past.
Signed issue(const std::string& name, const Signed* signer, bool authority, int days = 30) {
  Signed made;
  X509* one = made.certificate.get();
  X509_set_version(one, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(one), authority ? 1 : 2);
  X509_gmtime_adj(X509_getm_notBefore(one), -400L * 86'400);
  X509_gmtime_adj(X509_getm_notAfter(one), days * 86'400L);
  X509_set_pubkey(one, made.key.get());
  const auto* text = reinterpret_cast<const unsigned char*>(name.data());
  X509_NAME_add_entry_by_txt(X509_get_subject_name(one), "CN", MBSTRING_UTF8, text, static_cast<int>(name.size()), -1,
                             0);
  X509* issuer = signer == nullptr ? one : signer->certificate.get();
  X509_set_issuer_name(one, X509_get_subject_name(issuer));
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, one, nullptr, nullptr, 0);
  const std::string names = "DNS:" + name;
  for (const auto& [kind, value] :
       {std::pair<int, const char*>{NID_basic_constraints, authority ? "critical,CA:TRUE" : "critical,CA:FALSE"},
        {NID_subject_alt_name, names.c_str()}}) {
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value);
    X509_add_ext(one, extension, -1);
    X509_EXTENSION_free(extension);
  }
  X509_sign(one, signer == nullptr ? made.key.get() : signer->key.get(), EVP_sha256());
  return made;
}

std::string pem_of(X509* certificate) {
  const DaneOwned<BIO> out(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(out.get(), certificate);
  char* data = nullptr;
  const long size = BIO_get_mem_data(out.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

std::string pem_of(EVP_PKEY* key) {
  const DaneOwned<BIO> out(BIO_new(BIO_s_mem()));
  PEM_write_bio_PrivateKey(out.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
  char* data = nullptr;
  const long size = BIO_get_mem_data(out.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

std::string der_of(X509* certificate, unsigned selector) {
  unsigned char* der = nullptr;
  const int size =
      selector == 0 ? i2d_X509(certificate, &der) : i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
  std::string octets(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
  OPENSSL_free(der);
  return octets;
}

/// The record that tells of a certificate.
std::string tlsa(unsigned usage, unsigned selector, unsigned matching, X509* certificate) {
  std::string data = der_of(certificate, selector);
  std::array<unsigned char, 64> digest{};
  if (matching > 0) {
    unsigned size = 0;
    EVP_Digest(data.data(), data.size(), digest.data(), &size, matching == 1 ? EVP_sha256() : EVP_sha512(), nullptr);
    data.assign(reinterpret_cast<const char*>(digest.data()), size);
  }
  return std::string{static_cast<char>(usage), static_cast<char>(selector), static_cast<char>(matching)} + data;
}

Task<void> serve_tls(Stream& stream, TlsContext& context) {
  (void)co_await stream.start_tls_server(context);
  stream.close();
}

Task<Result<TlsInfo>> ask_tls(Stream& stream, TlsContext& context, const Dane& dane) {
  auto info = co_await stream.start_tls_client(context, dane);
  if (!info) stream.close();
  co_return info;
}

/// A server with a chain, and clients that know it by records.
struct DaneWorld {
  Signed root = issue("the root", nullptr, true), leaf = issue("mx.far.test", &root, false);
  Signed other = issue("mx.far.test", nullptr, false), old = issue("mx.old.test", nullptr, false, -1);

  Result<TlsInfo> shake(const Signed& shown, bool with_root, const Dane& dane) {
    test::Loop loop;
    auto pair = loop.pair();
    const std::string chain =
        pem_of(shown.certificate.get()) + (with_root ? pem_of(root.certificate.get()) : std::string());
    auto server = TlsContext::server(chain, pem_of(shown.key.get())).value();
    auto client = TlsContext::for_dane().value();
    loop.start(serve_tls(pair.left, *server));
    auto info = loop.run(ask_tls(pair.right, *client, dane));
    pair.right.close();
    loop.run();
    return info;
  }
};

TEST(Dane, KeysAndCertificatesThemselvesNeedNoName) {
  DaneWorld world;
  for (unsigned selector = 0; selector <= 1; ++selector)
    for (unsigned matching = 0; matching <= 2; ++matching) {
      const std::string record = tlsa(3, selector, matching, world.leaf.certificate.get());
      ASSERT_TRUE(tlsa_is_usable(record)) << selector << matching;
      const auto info = world.shake(world.leaf, true, {{"another.test"}, {record}});
      ASSERT_TRUE(info) << selector << matching << " " << info.error().message;
      EXPECT_TRUE(info->authentic);
      EXPECT_EQ(info->tlsa, record);
      EXPECT_TRUE(info->tlsa_names.empty());
      EXPECT_FALSE(world.shake(world.other, false, {{"mx.far.test"}, {record}})) << "another key under the same name";
    }
  const std::string record = tlsa(3, 1, 1, world.old.certificate.get());
  EXPECT_TRUE(world.shake(world.old, false, {{"mx.far.test"}, {record}})) << "its dates don't count";
}

TEST(Dane, TrustAnchorsWantOneOfTheNames) {
  DaneWorld world;
  for (unsigned selector = 0; selector <= 1; ++selector)
    for (unsigned matching = 0; matching <= 2; ++matching) {
      const std::string record = tlsa(2, selector, matching, world.root.certificate.get());
      ASSERT_TRUE(tlsa_is_usable(record)) << selector << matching;
      const auto named = world.shake(world.leaf, true, {{"else.test", "mx.far.test"}, {record}});
      ASSERT_TRUE(named) << selector << matching << " " << named.error().message;
      EXPECT_EQ(named->tlsa_names, (std::vector<std::string>{"mx.far.test"}));
      EXPECT_FALSE(world.shake(world.leaf, true, {{"else.test", "far.test"}, {record}})) << selector << matching;
      EXPECT_FALSE(world.shake(world.other, false, {{"mx.far.test"}, {record}})) << selector << matching;
    }
  // The whole anchor in the record: the chain need not have it. Of a digest it must.
  EXPECT_TRUE(world.shake(world.leaf, false, {{"mx.far.test"}, {tlsa(2, 0, 0, world.root.certificate.get())}}));
  EXPECT_FALSE(world.shake(world.leaf, false, {{"mx.far.test"}, {tlsa(2, 0, 1, world.root.certificate.get())}}));
  // RFC 7672 section 3.1.2: under an anchor, dates count.
  const Signed late = issue("mx.far.test", &world.root, false, -1);
  EXPECT_FALSE(world.shake(late, true, {{"mx.far.test"}, {tlsa(2, 0, 1, world.root.certificate.get())}}));
}

TEST(Dane, OneOfTheRecordsIsEnough) {
  DaneWorld world;
  const std::string next = tlsa(3, 1, 1, world.other.certificate.get());
  const std::string now = tlsa(3, 1, 1, world.leaf.certificate.get());
  std::vector<std::string> records;
  for (int i = 0; i < 250; ++i) records.push_back(std::string{3, 1, 1} + std::string(32, static_cast<char>(i)));
  records.push_back(next);
  records.push_back(now);
  EXPECT_TRUE(world.shake(world.leaf, true, {{"mx.far.test"}, records}));
  records.pop_back();
  const auto none = world.shake(world.leaf, true, {{"mx.far.test"}, records});
  ASSERT_FALSE(none);
  EXPECT_NE(none.error().message.find("TLSA"), std::string::npos) << none.error().message;
}

TEST(Dane, WhatCannotBeUsedIsKnown) {
  const DaneWorld world;
  const std::string digest(32, 'x'), longer(64, 'x');
  const std::string der = der_of(world.leaf.certificate.get(), 0), key = der_of(world.leaf.certificate.get(), 1);
  const std::pair<std::string, bool> cases[] = {
      {"", false},
      {std::string{3, 1, 1}, false},
      {std::string{3, 1, 1} + digest, true},
      {std::string{2, 1, 1} + digest, true},
      {std::string{3, 0, 2} + longer, true},
      {std::string{0, 1, 1} + digest, false}, // PKIX-TA and PKIX-EE: RFC 7672 section 3.1.3
      {std::string{1, 1, 1} + digest, false},
      {std::string{4, 1, 1} + digest, false},
      {std::string{'\xff', 1, 1} + digest, false},
      {std::string{3, 2, 1} + digest, false},
      {std::string{3, 1, 3} + digest, false},
      {std::string{3, 1, 1} + longer, false},
      {std::string{3, 1, 2} + digest, false},
      {std::string{3, 1, 1} + digest.substr(1), false},
      {std::string{3, 0, 0} + der, true},
      {std::string{3, 1, 0} + key, true},
      {std::string{3, 0, 0} + key, false},
      {std::string{3, 1, 0} + der, false},
      {std::string{3, 0, 0} + der + "x", false},
      {std::string{2, 0, 0} + der.substr(0, 100), false},
  };
  for (std::size_t i = 0; i < std::size(cases); ++i) EXPECT_EQ(tlsa_is_usable(cases[i].first), cases[i].second) << i;
  DaneWorld again;
  EXPECT_FALSE(again.shake(again.leaf, true, {{"mx.far.test"}, {std::string{1, 1, 1} + digest}}));
  EXPECT_FALSE(again.shake(again.leaf, true, {{"mx.far.test"}, {}}));
  EXPECT_FALSE(again.shake(again.leaf, true, {{}, {tlsa(3, 1, 1, again.leaf.certificate.get())}}));
}

TEST(Dane, ACertificateMayBeWatchedOnly) {
  DaneWorld world;
  const std::string roots = pem_of(world.root.certificate.get());
  const auto watch = [&](const Signed& shown, const std::string& name) {
    test::Loop loop;
    auto pair = loop.pair();
    auto server = TlsContext::server(pem_of(shown.certificate.get()), pem_of(shown.key.get())).value();
    auto client = TlsContext::watching(roots).value();
    const auto ask = [&]() -> Task<Result<TlsInfo>> {
      auto info = co_await pair.right.start_tls_client(*client, name);
      co_return info;
    };
    loop.start(serve_tls(pair.left, *server));
    auto info = loop.run(ask());
    pair.right.close();
    loop.run();
    return info.value();
  };
  const TlsInfo good = watch(world.leaf, "mx.far.test");
  EXPECT_TRUE(good.authentic);
  EXPECT_EQ(good.flaw, "");
  const TlsInfo named = watch(world.leaf, "mx.else.test");
  EXPECT_FALSE(named.authentic);
  EXPECT_NE(named.flaw, "");
  const TlsInfo alone = watch(world.other, "mx.far.test");
  EXPECT_FALSE(alone.authentic);
  EXPECT_NE(alone.flaw, "");
}

} // namespace
} // namespace paquebot::net
