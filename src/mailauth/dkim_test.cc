#include "base/encoding.h"
#include "base/fake_clock.h"
#include "mailauth/test_message.h"

#include <algorithm>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace paquebot::mailauth {
namespace {

using test::crlf;
using test::message_of;
using testing::ElementsAre;
using testing::HasSubstr;

// RFC 8463 appendix A.
constexpr const char* kRfc8463 = R"(DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=brisbane; t=1528637909; h=from : to :
 subject : date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus
 Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==
DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=test; t=1528637909; h=from : to : subject :
 date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3
 DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz
 dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=
From: Joe SixPack <joe@football.example.com>
To: Suzie Q <suzie@shopping.example.net>
Subject: Is dinner ready?
Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)
Message-ID: <20030712040037.46341.5F8J@football.example.com>

Hi.

We lost the game.  Are you hungry yet?

Joe.
)";
constexpr std::string_view kZone = R"(
brisbane._domainkey.football.example.com TXT "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
test._domainkey.football.example.com TXT "v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWR" "iGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutAC" "DfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3" "Ip3G+2kryOTIKT+l/K4w3QIDAQAB"
)";

constexpr const char* kPlainMessage = R"(From: A <a@a.test>
To: b@b.test
Subject: Hello  there
Date: Mon, 23 Nov 2026 11:58:12 +0000
Message-ID: <1@a.test>

Some text.

More  text.
)";

class Dkim : public testing::Test {
protected:
  Dkim() {
    test::publish(*zone_, *rsa_);
    test::publish(*zone_, *ed_);
  }
  std::vector<DkimVerdict> verify(const std::string& text, std::size_t chunk = 1000) {
    return test::verify(message_of(text), *zone_, clock_.wall(), chunk);
  }
  std::string sign(const std::string& text) {
    const auto m = message_of(text);
    DkimSigner signer;
    signer.body(m.body);
    return *signer.finish(m.head, {rsa_, ed_}, clock_.wall()) + text;
  }
  /// Signs with tags of one's own: `tags` get b= last; the body hash is that of relaxed form, cut at `limit`.
  std::string sign_with(const std::string& text, std::string tags, const std::vector<std::string>& fields,
                        std::optional<std::uint64_t> limit = std::nullopt) {
    const auto m = message_of(text);
    BodyHash hash(Canonical::relaxed, limit);
    hash.feed(m.body);
    std::string field = "DKIM-Signature: " + std::move(tags) + "; bh=" + base64_encode(view(hash.finish())) + "; b=";
    Signature covered;
    covered.head_form = Canonical::relaxed;
    covered.fields = fields;
    append_signature(field, *ed_->key.sign(sha256(signed_head(m.head, mail::Field{field, 14}, covered))));
    return field + text;
  }

  std::shared_ptr<dns::FakeZone> zone_ = dns::FakeZone::parse(kZone);
  std::shared_ptr<const SigningKey> rsa_ = test::signing_key(KeyKind::rsa, "a.test", "r");
  std::shared_ptr<const SigningKey> ed_ = test::signing_key(KeyKind::ed25519, "a.test", "e");
  FakeClock clock_;
};

DkimResult only(const std::vector<DkimVerdict>& verdicts) {
  return verdicts.size() == 1 ? verdicts[0].result : DkimResult::none;
}

TEST_F(Dkim, RfcExamples) {
  const auto both = verify(crlf(kRfc8463));
  ASSERT_EQ(both.size(), 2u);
  EXPECT_EQ(both[0].result, DkimResult::pass) << both[0].reason;
  EXPECT_EQ(both[0].algorithm, "ed25519-sha256");
  EXPECT_EQ(both[0].tag, "/gCrinpc");
  EXPECT_EQ(both[1].result, DkimResult::pass) << both[1].reason;
  EXPECT_TRUE(both[1].weak);
  EXPECT_EQ(both[1].bits, 1024u);
}

TEST_F(Dkim, SignsForItself) {
  for (const std::string& text :
       {crlf(kPlainMessage), std::string("From: a@a.test\r\n\r\n"), std::string("From: a@a.test\r\n\r\nno line end"),
        crlf("Received: x\nFROM:a@a.test\nfrom : c@a.test\nlist-id: <l>\n\n.\n \n\n")}) {
    const std::string whole = sign(text);
    for (const std::size_t chunk : {1u, 3u, 100000u}) {
      const auto verdicts = verify(whole, chunk);
      ASSERT_EQ(verdicts.size(), 2u);
      EXPECT_EQ(verdicts[0].result, DkimResult::pass) << verdicts[0].reason;
      EXPECT_EQ(verdicts[0].selector, "r");
      EXPECT_FALSE(verdicts[0].weak);
      EXPECT_EQ(verdicts[1].result, DkimResult::pass) << verdicts[1].reason;
    }
  }
}

TEST_F(Dkim, FoldsItsFields) {
  const std::string whole = sign(crlf(kPlainMessage));
  std::size_t start = 0;
  for (auto end = whole.find("\r\n"); end != std::string::npos; start = end + 2, end = whole.find("\r\n", start))
    EXPECT_LE(end - start, 78u) << whole.substr(start, end - start);
  EXPECT_THAT(whole, HasSubstr("h=from:from:reply-to:subject:subject:"));
}

TEST_F(Dkim, ChangesAreFound) {
  const std::string whole = sign(crlf(kPlainMessage));
  const auto changed = [&](std::string_view from, std::string_view to) {
    std::string text = whole;
    text.replace(text.find(from), from.size(), to);
    return verify(text);
  };
  struct Case {
    const char* from;
    const char* to;
    DkimResult result;
  };
  const Case cases[] = {
      {"Some text", "Some test", DkimResult::fail},
      {"Hello  there", "Hello  thyme", DkimResult::fail},
      {"Hello  there", "Hello \r\n\tthere ", DkimResult::pass},
      {"More  text.", "More\ttext. ", DkimResult::pass},
      {"text.\r\n\r\n", "text.\r\n", DkimResult::fail},
      {"To: b", "From: x@x.test\r\nTo: b", DkimResult::fail},
      {"To: b", "Subject: more\r\nTo: b", DkimResult::fail},
      {"To: b", "Content-Type: text/html\r\nTo: b", DkimResult::fail},
      {"To: b", "X-Other: x\r\nTo: b", DkimResult::pass},
      {"To: b", "Sender: x@x.test\r\nTo: b", DkimResult::pass},
  };
  for (const auto& c : cases)
    for (const auto& v : changed(c.from, c.to)) EXPECT_EQ(v.result, c.result) << c.to << ": " << v.reason;
  for (const auto& v : changed("d=a.test", "d=c.test")) EXPECT_THAT(v.result, testing::Ne(DkimResult::none));
}

TEST_F(Dkim, TagsThatAreRefused) {
  const std::string good = "v=1; a=ed25519-sha256; c=relaxed/relaxed; d=a.test; s=e; h=from:subject:to";
  EXPECT_EQ(only(verify(sign_with(crlf(kPlainMessage), good, {"from", "subject", "to"}))), DkimResult::pass);
  const std::pair<std::string, std::string> cases[] = {
      {"v=1; ", ""},
      {"v=1", "v=2"},
      {"a=ed25519-sha256; ", ""},
      {"a=ed25519-sha256", "a=rsa-sha1"},
      {"a=ed25519-sha256", "a=x"},
      {"d=a.test; ", ""},
      {"d=a.test", "d="},
      {"d=a.test", "d=a..test"},
      {"d=a.test", "d=a b"},
      {"s=e; ", ""},
      {"s=e", "s="},
      {"h=from:subject:to", "h=subject:to"},
      {"h=from:subject:to", "h="},
      {"h=from:subject:to", "h=from::to"},
      {"; h=from:subject:to", ""},
      {"c=relaxed/relaxed", "c=foo"},
      {"c=relaxed/relaxed", "c=relaxed/foo"},
      {"s=e", "s=e; l=x"},
      {"s=e", "s=e; l=-1"},
      {"s=e", "s=e; t="},
      {"s=e", "s=e; x=abc"},
      {"s=e", "s=e; t=100; x=100"},
      {"s=e", "s=e; s=e"},
      {"s=e", "s=e; i=joe@b.test"},
      {"s=e", "s=e; i=a.test"},
      {"s=e", "s=e; i=@xa.test"},
      {"s=e", "s=e; q=http"},
      {"s=e", "s=e; t=9999999999999"},
      {"s=e", "s=e;;"},
  };
  for (const auto& [from, to] : cases) {
    std::string tags = good;
    tags.replace(tags.find(from), from.size(), to);
    const auto verdicts = verify(sign_with(crlf(kPlainMessage), tags, {"from", "subject", "to"}));
    EXPECT_EQ(only(verdicts), DkimResult::neutral) << tags;
    EXPECT_NE(verdicts[0].reason, "");
  }
  for (const std::string more : {"; i=joe@a.test", "; i=@sub.a.test", "; q=dns/txt", "; q=other:dns/txt",
                                 "; zz=unknown", "; t=1; x=99999999999999999999", "; t=1767225600", "; D=x"})
    EXPECT_EQ(only(verify(sign_with(crlf(kPlainMessage), good + more, {"from", "subject", "to"}))), DkimResult::pass)
        << more;
  EXPECT_EQ(only(verify(sign_with(crlf(kPlainMessage), good + "; t=1; x=1767225599", {"from", "subject", "to"}))),
            DkimResult::fail); // expired
}

TEST_F(Dkim, BodyLengthIsNotTrusted) {
  const std::string tags = "v=1; a=ed25519-sha256; c=relaxed/relaxed; d=a.test; s=e; h=from; l=";
  EXPECT_EQ(only(verify(sign_with(crlf(kPlainMessage), tags + "25", {"from"}, 25))), DkimResult::policy);
  const auto whole = sign_with(crlf(kPlainMessage), tags + "25", {"from"}, 25);
  EXPECT_THAT(verify(whole)[0].reason, HasSubstr("covers only 25 of 26 octets"));
  EXPECT_EQ(only(verify(sign_with(crlf(kPlainMessage), tags + "26", {"from"}, 26))), DkimResult::pass);
  EXPECT_EQ(only(verify(sign_with(crlf(kPlainMessage), tags + "0", {"from"}, 0))), DkimResult::policy);
  EXPECT_EQ(only(verify(sign_with(crlf(kPlainMessage), tags + "27", {"from"}, 27))), DkimResult::fail);
  const auto appended = sign_with(crlf(kPlainMessage), tags + "26", {"from"}, 26) + "and more\r\n";
  EXPECT_EQ(only(verify(appended)), DkimResult::policy);
}

TEST_F(Dkim, FieldsBesideCoveredOnes) {
  const std::string tags = "v=1; a=ed25519-sha256; c=relaxed/relaxed; d=a.test; s=e; h=from:subject";
  for (const std::string more : {"From: evil@x.test\n", "Subject: evil\n", "subject : evil\n"}) {
    // The signer took the lower one; somebody put another above it.
    auto text = sign_with(crlf(kPlainMessage), tags, {"from", "subject"});
    const auto verdicts = verify(crlf(more) + text);
    EXPECT_EQ(only(verdicts), DkimResult::policy) << more;
    EXPECT_THAT(verdicts[0].reason, HasSubstr("stands beside"));
  }
}

/// What was double when it was signed is no forgery; what was added behind the signature may be. Lists add fields of
/// their own to mail that has some (RFC 2369), and that says nothing of who wrote it.
TEST_F(Dkim, FieldsDoubledBeforeSigning) {
  constexpr auto passed = DkimResult::pass, policy = DkimResult::policy;
  struct Doubled {
    const char* name;
    DkimResult same,
        other;        ///< before it was signed: one that says the same as the one that is covered, or something else
    DkimResult above; ///< afterwards, in front of the signature
  };
  const Doubled cases[] = {
      {"mime-version", passed, passed, policy}, {"content-transfer-encoding", passed, passed, policy},
      {"references", passed, passed, policy},   {"in-reply-to", passed, passed, policy},
      {"message-id", passed, passed, policy},   {"cc", passed, passed, policy},
      {"reply-to", passed, policy, policy},     {"sender", passed, policy, policy},
      {"from", policy, policy, policy},         {"subject", policy, policy, policy},
      {"to", policy, policy, policy},           {"date", policy, policy, policy},
      {"content-type", policy, policy, policy}, {"list-id", passed, passed, passed},
      {"received", passed, passed, passed},     {"list-unsubscribe", passed, passed, passed},
  };
  for (const auto& c : cases) {
    const std::string name = c.name;
    const std::string field = name + ": <1@a.test>\n", other = name + ": <2@x.test>\n";
    const auto signed_with = [&](const std::string& fields, const std::string& more = "") {
      const bool from = name == "from"; // in h= already
      const std::vector<std::string> covered = from ? std::vector{name} : std::vector<std::string>{"from", name};
      const std::string h =
          "v=1; a=ed25519-sha256; c=relaxed/relaxed; d=a.test; s=e; h=from" + (from ? "" : ":" + name);
      return crlf(more) + sign_with(crlf(fields + kPlainMessage), h, covered);
    };
    EXPECT_EQ(only(verify(signed_with(field + name + " :\t<1@a.test>\n"))), name == "from" ? policy : c.same) << name;
    EXPECT_EQ(only(verify(signed_with(other + field))), c.other) << name;
    // Below the signature it looks as if it had been there before.
    std::string below = signed_with(field);
    below.insert(below.find("\r\n" + name + ": ") + 2, crlf(other));
    EXPECT_EQ(only(verify(below)), c.other) << name;
    EXPECT_EQ(only(verify(signed_with(field, field))), c.above) << name;
    EXPECT_EQ(only(verify(signed_with(field, other))), c.above) << name;
    // At the end it is what the signature is taken to cover.
    std::string end = signed_with(field);
    end.insert(end.find("\r\n\r\n") + 2, crlf(other));
    EXPECT_NE(only(verify(end)), passed) << name;
  }
}

/// A signer who names a field once more than it has it allows no further one, wherever it stands.
TEST_F(Dkim, FieldsNamedOnceMoreThanTheyStand) {
  const std::string tags = "v=1; a=ed25519-sha256; c=relaxed/relaxed; d=a.test; s=e; h=from:from:reply-to:reply-to";
  const std::string reply = "Reply-To: <1@a.test>\n";
  const auto text = sign_with(crlf(reply + kPlainMessage), tags, {"from", "reply-to"});
  EXPECT_EQ(only(verify(text)), DkimResult::pass);
  for (const std::string more : {"From: a@a.test\n", "Reply-To: <1@a.test>\n"})
    EXPECT_EQ(only(verify(crlf(more) + text)), DkimResult::fail) << more;
}

TEST_F(Dkim, Keys) {
  const std::string name = "e._domainkey.a.test";
  const std::string good = dkim_record_of(ed_->key);
  const std::string other = "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
  const std::string text = sign_with(
      crlf(kPlainMessage), "v=1; a=ed25519-sha256; c=relaxed/relaxed; d=a.test; s=e; h=from; i=@x.a.test", {"from"});
  struct Case {
    std::vector<std::string> records;
    DkimResult result;
  };
  const Case cases[] = {
      {{good}, DkimResult::pass},
      {{}, DkimResult::permerror},
      {{"hello"}, DkimResult::permerror},
      {{"v=DKIM1; p="}, DkimResult::permerror},
      {{other}, DkimResult::fail},
      {{other, good}, DkimResult::pass},
      {{"hello", good}, DkimResult::pass},
      {{"v=DKIM1; p=", good}, DkimResult::pass},
      {{good + "; t=s"}, DkimResult::permerror},
      {{good + "; t=y"}, DkimResult::pass},
      {{dkim_record_of(rsa_->key)}, DkimResult::permerror},
      {{good + "; h=sha1"}, DkimResult::permerror},
      {{other, other, other, other, good}, DkimResult::fail},
  };
  for (const auto& c : cases) {
    zone_->remove(name);
    for (const auto& record : c.records) zone_->add(name, dns::Type::txt, {record});
    const auto verdicts = verify(text);
    EXPECT_EQ(only(verdicts), c.result) << (c.records.empty() ? "none" : c.records[0]) << ": " << verdicts[0].reason;
  }
  zone_->fail(name, dns::Status::servfail);
  EXPECT_EQ(only(verify(text)), DkimResult::temperror);
}

TEST_F(Dkim, ShortKeysAreRefused) {
  // 512 bits, of no use to anybody.
  const std::string der = *base64_decode("MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAKnGx1k8jXw8yvDuoT0RZJ5r0gWJwqGZ0Q0m1w0i8hVG"
                                         "3W8mC2nI6lVwYH6m0x0v0VbJ9gJc3X1o8k2y0rG4yHUCAwEAAQ==");
  const auto key = PublicKey::parse(KeyKind::rsa, der);
  ASSERT_TRUE(key);
  EXPECT_EQ(key->bits(), 512u);
  zone_->add("short._domainkey.a.test", dns::Type::txt, {"v=DKIM1; p=" + base64_encode(der)});
  std::string text = sign(crlf(kPlainMessage));
  text.replace(text.find("s=r;"), 4, "s=short;");
  EXPECT_EQ(verify(text)[0].result, DkimResult::policy);
}

TEST_F(Dkim, ManySignaturesAreCapped) {
  const std::string tags = "v=1; a=ed25519-sha256; c=relaxed/relaxed; d=a.test; s=e; h=from";
  std::string text = crlf(kPlainMessage);
  for (int i = 0; i < 20; ++i) text = sign_with(text, tags, {"from"});
  const auto before = zone_->questions();
  EXPECT_EQ(verify(text).size(), 8u);
  EXPECT_EQ(zone_->questions() - before, 8u);
  text.replace(text.find("Some text"), 4, "None");
  EXPECT_EQ(verify(text).size(), 8u);
  EXPECT_EQ(zone_->questions() - before, 8u); // nothing is asked for what can't pass
}

TEST_F(Dkim, PassesOverTheBodyAreCapped) {
  std::string text = sign(crlf(kPlainMessage));
  const std::string own = text;
  for (int i = 1; i < 6; ++i) // in front, each with another l=
    text = "DKIM-Signature: v=1; a=rsa-sha256; d=a.test; s=r; h=from; l=" + std::to_string(i) +
           "; bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=; b=AAAA\r\n" + text;
  const auto verdicts = verify(text);
  EXPECT_EQ(verdicts[kMaxBodyHashes - 1].result, DkimResult::fail) << verdicts[kMaxBodyHashes - 1].reason;
  for (std::size_t i = kMaxBodyHashes; i < verdicts.size(); ++i)
    EXPECT_EQ(verdicts[i].result, DkimResult::neutral) << verdicts[i].reason;
  EXPECT_EQ(verify(own).front().result, DkimResult::pass);
}

TEST_F(Dkim, KeyNames) {
  const auto m = message_of(sign(crlf(kPlainMessage)));
  EXPECT_THAT(DkimVerifier(m.head, clock_.wall()).key_names(), testing::SizeIs(2));
  const auto twice = message_of(sign(sign(crlf(kPlainMessage))));
  EXPECT_THAT(DkimVerifier(twice.head, clock_.wall()).key_names(), testing::SizeIs(2));
}

TEST_F(Dkim, NoSignature) { EXPECT_TRUE(verify(crlf(kPlainMessage)).empty()); }

TEST_F(Dkim, International) { // RFC 8616 section 5
  zone_->add("e._domainkey.xn--bcher-kva.test", dns::Type::txt, {dkim_record_of(ed_->key)});
  const auto verdicts = verify(
      sign_with(crlf("From: a@bücher.test\n\nx\n"),
                "v=1; a=ed25519-sha256; c=relaxed/relaxed; d=bücher.test; s=e; h=from; i=jörg@bücher.test", {"from"}));
  EXPECT_EQ(only(verdicts), DkimResult::pass) << verdicts[0].reason;
  EXPECT_EQ(verdicts[0].domain, "xn--bcher-kva.test");
}

} // namespace
} // namespace paquebot::mailauth
