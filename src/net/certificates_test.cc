#include "net/certificates.h"
#include "net/test_support.h"
#include "net/tls.h"

#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

namespace paquebot::net {
namespace {

using Names = std::vector<std::string>;

CertificatePair pair_for(const std::string& name) {
  const SelfSigned made = make_self_signed(name).value();
  return {made.certificate_pem, made.key_pem};
}

class CertificatesTest : public ::testing::Test {
protected:
  const CertificatePair mx = pair_for("mx.example.test"), wild = pair_for("*.example.test"),
                        other = pair_for("mail.other.test");
  Certificates all;
};

TEST_F(CertificatesTest, TheNameAskedForChooses) {
  ASSERT_TRUE(all.configure({mx, wild, other}));
  EXPECT_EQ(all.chosen_for("mx.example.test"), Names{mx.certificate_pem});
  EXPECT_EQ(all.chosen_for("MX.Example.Test."), Names{mx.certificate_pem});
  EXPECT_EQ(all.chosen_for("mail.example.test"), Names{wild.certificate_pem});
  EXPECT_EQ(all.chosen_for("mail.other.test"), Names{other.certificate_pem});
  for (const char* name : {"", "example.test", "a.b.example.test", ".example.test", "unknown.test", "192.0.2.1"})
    EXPECT_EQ(all.chosen_for(name), Names{mx.certificate_pem}) << name;
}

TEST_F(CertificatesTest, OnesPutInComeAfterThoseOfTheConfiguration) {
  ASSERT_TRUE(all.configure({mx}));
  ASSERT_TRUE(all.put("1", pair_for("mx.example.test")));
  ASSERT_TRUE(all.put("2", other));
  EXPECT_EQ(all.chosen_for("mx.example.test"), Names{mx.certificate_pem});
  EXPECT_EQ(all.chosen_for("mail.other.test"), Names{other.certificate_pem});
  const CertificatePair renewed = pair_for("mail.other.test");
  ASSERT_TRUE(all.put("2", renewed));
  EXPECT_EQ(all.chosen_for("mail.other.test"), Names{renewed.certificate_pem});
  EXPECT_EQ(all.list().size(), 3u);
  all.drop("2");
  EXPECT_EQ(all.chosen_for("mail.other.test"), Names{mx.certificate_pem});
}

TEST_F(CertificatesTest, AMakeshiftGivesWay) {
  ASSERT_TRUE(all.configure({mx}, true));
  EXPECT_EQ(all.chosen_for(""), Names{mx.certificate_pem});
  const CertificatePair better = pair_for("mx.example.test");
  ASSERT_TRUE(all.put("acme", better));
  EXPECT_EQ(all.chosen_for(""), Names{better.certificate_pem});
  EXPECT_EQ(all.chosen_for("mx.example.test"), Names{better.certificate_pem});
  all.drop("acme");
  EXPECT_EQ(all.chosen_for(""), Names{mx.certificate_pem});
}

TEST_F(CertificatesTest, WhatCannotBeUsedChangesNothing) {
  ASSERT_TRUE(all.configure({mx}));
  EXPECT_FALSE(all.configure({other, {mx.certificate_pem, other.key_pem}}));
  EXPECT_FALSE(all.put("x", {"", mx.key_pem}));
  EXPECT_FALSE(all.put("x", {mx.certificate_pem, ""}));
  EXPECT_FALSE(all.put_challenge("mx.example.test", {"nonsense", "nonsense"}));
  EXPECT_EQ(all.chosen_for(""), Names{mx.certificate_pem});
  EXPECT_EQ(all.list().size(), 1u);
}

// ---- With a handshake ----

Task<void> answer_hands(Stream& stream, TlsContext& context, Result<TlsInfo>* into) {
  *into = co_await stream.start_tls_server(context);
  if (!*into) stream.close();
}

class CertificateHandshake : public CertificatesTest {
protected:
  CertificateHandshake() { EXPECT_TRUE(shared->configure({mx, wild})); }

  /// What a client agrees on that trusts only `root`, offers `protocols`, asks for `name`.
  Result<TlsInfo> shake(const CertificatePair& root, const std::string& name, const Names& protocols = {}) {
    auto pair = loop.pair();
    auto client = TlsContext::client(true, root.certificate_pem).value();
    if (!protocols.empty() && !client->offer_protocols(protocols)) return fail(Errc::invalid, "no such protocols");
    loop.start(answer_hands(pair.left, *server, &answered));
    auto info = loop.run(pair.right.start_tls_client(*client, name));
    pair.right.close();
    loop.run();
    return info;
  }

  std::shared_ptr<Certificates> shared = std::make_shared<Certificates>();
  std::shared_ptr<TlsContext> server =
      TlsContext::server(shared, {.client_ca_pem = {}, .protocols = {"http/1.1"}, .challenges = true}).value();
  test::Loop loop;
  Result<TlsInfo> answered = fail(Errc::io, "not tried");
};

TEST_F(CertificateHandshake, ShowsTheOneThatWasAskedFor) {
  EXPECT_TRUE(shake(mx, "mx.example.test"));
  EXPECT_TRUE(shake(wild, "mail.example.test"));
  EXPECT_FALSE(shake(mx, "mail.example.test"));
}

TEST_F(CertificateHandshake, WhatIsPutInCountsForTheNextOne) {
  EXPECT_FALSE(shake(other, "mail.other.test"));
  ASSERT_TRUE(shared->put("new", other));
  EXPECT_TRUE(shake(other, "mail.other.test"));
}

TEST_F(CertificateHandshake, AgreesOnAProtocolOrEnds) {
  auto info = shake(mx, "mx.example.test", {"h2", "http/1.1"});
  ASSERT_TRUE(info) << info.error().message;
  EXPECT_EQ(info->protocol, "http/1.1");
  EXPECT_EQ(answered->protocol, "http/1.1");
  EXPECT_FALSE(shake(mx, "mx.example.test", {"h2"}));
  info = shake(mx, "mx.example.test");
  ASSERT_TRUE(info);
  EXPECT_EQ(info->protocol, "");
}

TEST_F(CertificateHandshake, ChallengesAreForThoseWhoAskForThem) {
  const CertificatePair proof = pair_for("mx.example.test");
  EXPECT_FALSE(shake(proof, "mx.example.test", {kAcmeProtocol})) << "there is none";
  ASSERT_TRUE(shared->put_challenge("MX.example.test", proof));
  const auto info = shake(proof, "mx.example.test", {kAcmeProtocol});
  ASSERT_TRUE(info) << info.error().message;
  EXPECT_EQ(info->protocol, kAcmeProtocol);
  EXPECT_EQ(answered->protocol, kAcmeProtocol);
  EXPECT_TRUE(shake(mx, "mx.example.test", {"http/1.1"})) << "others see the certificate";
  EXPECT_FALSE(shake(proof, "mail.example.test", {kAcmeProtocol})) << "another name";
  shared->drop_challenge("mx.example.test");
  EXPECT_FALSE(shake(proof, "mx.example.test", {kAcmeProtocol}));
}

} // namespace
} // namespace paquebot::net
