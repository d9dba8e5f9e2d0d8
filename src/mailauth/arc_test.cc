#include "base/encoding.h"
#include "base/fake_clock.h"
#include "mailauth/arc.h"
#include "mailauth/canonical.h"
#include "mailauth/signature.h"
#include "mailauth/test_message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace paquebot::mailauth {
namespace {

using test::crlf;
using test::message_of;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kPlain = R"(From: A <a@a.test>
To: list@l.test
Subject: Hello
Date: Mon, 23 Nov 2026 11:58:12 +0000
Message-ID: <1@a.test>

Some  text.
)";

class Arc : public testing::Test {
protected:
  Arc() {
    for (const auto& key : {rsa_, ed_}) test::publish(*zone_, *key);
  }
  ArcOutcome verify(const std::string& text, std::size_t chunk = 7) {
    const auto m = message_of(text);
    ArcVerifier verifier(m.head);
    for (std::size_t i = 0; i < m.body.size(); i += chunk) verifier.body(std::string_view(m.body).substr(i, chunk));
    DkimKeyCache cache;
    return loop_.run(verifier.finish(*zone_, cache));
  }
  std::string seal(const std::string& text, const std::shared_ptr<const SigningKey>& key) {
    const auto outcome = verify(text);
    const auto m = message_of(text);
    ArcSealer sealer;
    sealer.body(m.body);
    return *sealer.finish(m.head, outcome, *key, key->domain + "; spf=pass", clock_.wall()) + text;
  }
  static std::string changed(std::string text, std::string_view from, std::string_view to) {
    const auto at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return at == std::string::npos ? text : text.replace(at, from.size(), to);
  }

  net::test::Loop loop_;
  FakeClock clock_;
  std::shared_ptr<dns::FakeZone> zone_ = std::make_shared<dns::FakeZone>();
  std::shared_ptr<const SigningKey> rsa_ = test::signing_key(KeyKind::rsa, "l.test", "r");
  std::shared_ptr<const SigningKey> ed_ = test::signing_key(KeyKind::ed25519, "f.test", "e");
};

TEST_F(Arc, ChainOfThree) {
  EXPECT_EQ(verify(crlf(kPlain)).result, ArcResult::none);
  std::string text = crlf(kPlain);
  for (const auto& key : {rsa_, ed_, rsa_}) {
    text = seal(text, key);
    const auto outcome = verify(text);
    EXPECT_EQ(outcome.result, ArcResult::pass) << outcome.reason;
  }
  const auto names = ArcVerifier(message_of(text).head).key_names();
  EXPECT_THAT(names, ElementsAre("r._domainkey.l.test"));
  const auto outcome = verify(text);
  EXPECT_EQ(outcome.sets, 3u);
  EXPECT_EQ(outcome.oldest_pass, 0u);
  EXPECT_THAT(outcome.sealers, ElementsAre("l.test", "f.test", "l.test"));
  EXPECT_THAT(outcome.results, ElementsAre("l.test; spf=pass", "f.test; spf=pass", "l.test; spf=pass"));
}

TEST_F(Arc, ChangedOnTheWay) {
  const std::string once = seal(crlf(kPlain), rsa_);
  // A list that changes the subject and seals again: the chain is good, the first message signature is not.
  std::string listed = changed(once, "Subject: Hello", "Subject: [list] Hello");
  EXPECT_EQ(verify(listed).result, ArcResult::fail);
  const auto before = verify(once);
  const auto m = message_of(listed);
  ArcSealer sealer;
  sealer.body(m.body);
  listed = *sealer.finish(m.head, before, *ed_, "f.test; arc=pass", clock_.wall()) + listed;
  const auto outcome = verify(listed);
  EXPECT_EQ(outcome.result, ArcResult::pass) << outcome.reason;
  EXPECT_EQ(outcome.oldest_pass, 2u);
}

TEST_F(Arc, BrokenChains) {
  const std::string two = seal(seal(crlf(kPlain), rsa_), ed_);
  const auto without = [&](std::string_view name, int which) { // the field and its folded lines
    std::string text = two;
    std::size_t at = text.find(name);
    for (int i = 0; i < which; ++i) at = text.find(name, at + 1);
    std::size_t end = text.find("\r\n", at) + 2;
    while (text[end] == '\t') end = text.find("\r\n", end) + 2;
    return text.erase(at, end - at);
  };
  const std::pair<std::string, const char*> cases[] = {
      {changed(two, "Some  text", "Some  test"), "body was changed"},
      {changed(two, "Hello", "Hallo"), "message signature"},
      {changed(two, "From: A", "From: x@x.test\r\nFrom: A"), "message signature"},
      {changed(two, "f.test; spf=pass", "f.test; spf=fail"), "seal 2"},
      {changed(two, "l.test; spf=pass", "l.test; spf=fail"), "seal 2"},
      {changed(two, "cv=pass", "cv=fail"), "says that the chain was broken"},
      {changed(two, "cv=pass", "cv=none"), "wrong cv="},
      {changed(two, "cv=none", "cv=pass"), "wrong cv="},
      {changed(two, "cv=pass", "h=from; cv=pass"), "tag h="},
      {changed(two, "ARC-Seal: i=2", "ARC-Seal: i=3"), "not complete"},
      {changed(two, "ARC-Seal: i=2", "ARC-Seal: i=1"), "twice"},
      {changed(two, "ARC-Seal: i=2", "ARC-Seal: i=51"), "malformed"},
      {changed(two, "ARC-Seal: i=2", "ARC-Seal: i=0"), "malformed"},
      {changed(two, "ARC-Seal: i=2;", "ARC-Seal:"), "malformed"},
      {changed(two, "ARC-Authentication-Results: i=2;", "ARC-Authentication-Results:"), "malformed"},
      {changed(two, "ARC-Message-Signature: i=2; a=ed25519-sha256", "ARC-Message-Signature: i=2; a=rsa-sha1"),
       "message signature"},
      {without("ARC-Seal:", 0), "not complete"},
      {without("ARC-Seal:", 1), "not complete"},
      {without("ARC-Message-Signature:", 1), "not complete"},
      {without("ARC-Authentication-Results:", 0), "not complete"},
  };
  for (const auto& [text, reason] : cases) {
    const auto outcome = verify(text);
    EXPECT_EQ(outcome.result, ArcResult::fail) << reason;
    EXPECT_THAT(outcome.reason, HasSubstr(reason));
    EXPECT_TRUE(outcome.sealers.empty());
  }
}

/// Section 4.1.2 forbids it to sealers; nothing in it makes the set any less good.
TEST_F(Arc, AMessageSignatureMayCoverEarlierSets) {
  const std::string once = seal(crlf(kPlain), rsa_);
  const auto m = message_of(once);
  Signature form;
  form.head_form = Canonical::relaxed;
  form.fields = {"from", "subject", "arc-seal", "arc-message-signature", "arc-authentication-results"};
  BodyHash body(Canonical::relaxed);
  body.feed(m.body);
  std::string message = "ARC-Message-Signature: i=2; a=ed25519-sha256; c=relaxed/relaxed; d=f.test; s=e; "
                        "h=from:subject:arc-seal:arc-message-signature:arc-authentication-results; bh=" +
                        base64_encode(view(body.finish())) + "; b=";
  append_signature(message, *ed_->key.sign(sha256(signed_head(m.head, mail::Field{message, 21}, form))));
  const std::string results = "ARC-Authentication-Results: i=2; f.test; arc=pass\r\n";
  std::string seal = "ARC-Seal: i=2; a=ed25519-sha256; cv=pass; d=f.test; s=e; t=1; b=";
  const auto fields = mail::Head::parse(results + message + once).value();
  std::string text;
  for (const char* name : {"ARC-Authentication-Results", "ARC-Message-Signature", "ARC-Seal"})
    for (const auto& field : m.head)
      if (field.is(name)) append_canonical(text, field, Canonical::relaxed);
  append_canonical(text, fields.fields()[0], Canonical::relaxed);
  append_canonical(text, fields.fields()[1], Canonical::relaxed);
  append_canonical_signature(text, mail::Field{seal, 8}, Canonical::relaxed);
  append_signature(seal, *ed_->key.sign(sha256(text)));
  const auto outcome = verify(seal + results + message + once);
  EXPECT_EQ(outcome.result, ArcResult::pass) << outcome.reason;
  EXPECT_EQ(outcome.sets, 2u);
}

TEST_F(Arc, KeysThatFail) {
  const std::string two = seal(seal(crlf(kPlain), rsa_), ed_);
  zone_->fail("r._domainkey.l.test", dns::Status::servfail);
  const auto outcome = verify(two);
  EXPECT_EQ(outcome.result, ArcResult::fail);
  EXPECT_TRUE(outcome.temporary);
  EXPECT_EQ(outcome.claimed, "f.test");
  zone_->remove("e._domainkey.f.test");
  EXPECT_FALSE(verify(two).temporary);
}

TEST_F(Arc, SealsBrokenChainsOnce) {
  const std::string broken = changed(seal(crlf(kPlain), rsa_), "Some  text", "Other text");
  const std::string sealed = seal(broken, ed_);
  EXPECT_THAT(sealed, HasSubstr("cv=fail"));
  EXPECT_EQ(verify(sealed).result, ArcResult::fail);
  EXPECT_EQ(seal(sealed, rsa_), sealed); // nothing is added
}

TEST_F(Arc, FiftySetsAtMost) {
  std::string text = crlf(kPlain);
  for (unsigned i = 0; i < kMaxArcSets; ++i) text = seal(text, ed_);
  const auto outcome = verify(text);
  EXPECT_EQ(outcome.result, ArcResult::pass) << outcome.reason;
  EXPECT_EQ(outcome.sets, kMaxArcSets);
  EXPECT_EQ(seal(text, ed_), text);
}

} // namespace
} // namespace paquebot::mailauth
