#include "base/fake_clock.h"
#include "delivery/signer.h"
#include "delivery/test_signing.h"

#include <gtest/gtest.h>

namespace paquebot::delivery {
namespace {

using directory::run_task;
using mailauth::KeyKind;
using store::MessageClass;
using test::key_of;
using KeyState = store::DkimKey::State;

class SignerTest : public ::testing::Test {
protected:
  SignerTest() {
    server.domain("example.org");
    add("example.org",
        {key_of(KeyKind::rsa, "one-rsa", KeyState::active), key_of(KeyKind::ed25519, "one-ed", KeyState::active),
         key_of(KeyKind::ed25519, "two-ed", KeyState::next), key_of(KeyKind::rsa, "old-rsa", KeyState::retired)});
    for (const char* name : {"one-rsa", "one-ed"}) {
      const auto kind = std::string(name) == "one-rsa" ? KeyKind::rsa : KeyKind::ed25519;
      mailauth::test::publish(zone, *mailauth::test::signing_key(kind, "example.org", name));
    }
  }

  void add(const std::string& domain, std::vector<store::DkimKey> keys) {
    test::add_keys(server.store(), domain, std::move(keys));
  }
  queue::Job job(MessageClass klass, const std::string& text) { return test::job_of(ids.next(), klass, text); }

  /// What the peer gets.
  std::string outcome(const queue::Job& one, std::optional<mail::Conversion> how = {}, const std::string& prefix = {}) {
    Content content(server.store().content(), one, prefix);
    EXPECT_TRUE(run_task(content.open()));
    if (how) {
      EXPECT_TRUE(run_task(content.convert(*how)));
    }
    const auto done = run_task(signer.sign(one.message, content));
    EXPECT_TRUE(done) << done.error().message;
    return test::read_all(content);
  }

  /// "one-rsa pass, one-ed pass".
  std::string verdicts(const std::string& text) {
    std::string out;
    for (const auto& verdict : mailauth::test::verify(mailauth::test::message_of(text), zone, clock.wall()))
      out += (out.empty() ? "" : ", ") + verdict.domain + " " + verdict.selector + " " +
             std::string(mailauth::to_string(verdict.result));
    return out;
  }

  static std::string letter(const std::string& from, const std::string& body = "Hello\r\n") {
    return "Received: from here\r\nFrom: " + from +
           "\r\nTo: bob@far.test\r\nSubject: coffee\r\n"
           "Date: Mon, 23 Nov 2026 11:58:12 +0000\r\nMessage-ID: <1@example.org>\r\nMIME-Version: 1.0\r\n"
           "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" +
           body;
  }

  directory::TestServer server;
  directory::CpuPool cpu{1};
  FakeClock clock;
  UlidSource ids;
  dns::FakeZone zone;
  Signer signer{server.store(), cpu, clock};
};

constexpr const char* kBoth = "example.org one-rsa pass, example.org one-ed pass";

TEST_F(SignerTest, SignsWithBothKeysWhatIsOurs) {
  const struct {
    MessageClass klass;
    const char* from;
    const char* verdicts;
  } cases[] = {
      {MessageClass::submitted, "Ann <ann@example.org>", kBoth},
      {MessageClass::local, "root@EXAMPLE.org", kBoth},
      {MessageClass::report, "<MAILER-DAEMON@mx.example.org>", kBoth}, // a domain within ours
      {MessageClass::submitted, "ann@elsewhere.test", ""},
      {MessageClass::submitted, "ann@notexample.org", ""},
      {MessageClass::submitted, "ann@org", ""},
      {MessageClass::submitted, "ann@example.org, bob@elsewhere.test", ""}, // whose is it?
      {MessageClass::incoming, "Ann <ann@example.org>", ""},                // a stranger says so
      {MessageClass::imported, "Ann <ann@example.org>", ""},
  };
  for (const auto& one : cases) {
    SCOPED_TRACE(one.from);
    EXPECT_EQ(verdicts(outcome(job(one.klass, letter(one.from)))), one.verdicts);
  }
}

TEST_F(SignerTest, WhatIsSentOnIsNotSignedForItsAuthor) {
  for (const auto& [sender, expected] :
       std::vector<std::pair<const char*, const char*>>{{"other.test", ""}, {"example.org", kBoth}}) {
    auto one = job(MessageClass::submitted, "Resent-From: <eve@other.test>\r\n" + letter("ann@example.org"));
    one.message.sender.reverse_path = {"eve", sender};
    EXPECT_EQ(verdicts(outcome(one)), expected) << sender;
  }
}

TEST_F(SignerTest, WhatIsNotSignedStaysAsItIs) {
  const std::string text = letter("ann@example.org");
  EXPECT_EQ(outcome(job(MessageClass::incoming, text)), text);
  signer.configure(false);
  EXPECT_EQ(outcome(job(MessageClass::submitted, text)), text);
}

TEST_F(SignerTest, SignsTheFormThatThePeerGets) {
  std::string body;
  for (int i = 0; i < 3000; ++i) body += "caf\xC3\xA9 au lait, line " + std::to_string(i) + "\r\n";
  const auto one = job(MessageClass::submitted, letter("ann@example.org", body));
  const std::string seven = outcome(one, mail::Conversion{});
  EXPECT_EQ(seven.find("caf\xC3"), std::string::npos);
  EXPECT_EQ(verdicts(seven), kBoth);
  const std::string eight = outcome(one);
  EXPECT_NE(eight.find("caf\xC3"), std::string::npos);
  EXPECT_EQ(verdicts(eight), kBoth);
}

TEST_F(SignerTest, ALineInFrontDoesNotBreakIt) {
  const auto one = job(MessageClass::submitted, letter("ann@example.org"));
  const std::string first = outcome(one, {}, "Delivered-To: team@example.org\r\n");
  const std::string second = outcome(one, {}, "Delivered-To: others@example.org\r\n");
  EXPECT_EQ(verdicts(first), kBoth);
  EXPECT_EQ(verdicts(second), kBoth);
  EXPECT_EQ(first.substr(0, first.find("Delivered-To")), second.substr(0, second.find("Delivered-To")))
      << "one message is signed once";
  EXPECT_EQ(signer.made(), 1u);
}

TEST_F(SignerTest, TurnsToNewKeysAtOnce) {
  const auto one = job(MessageClass::submitted, letter("ann@example.org"));
  EXPECT_EQ(verdicts(outcome(one)), kBoth);
  ASSERT_TRUE(run_task(server.store().keys().activate_dkim_keys("example.org")));
  mailauth::test::publish(zone, *mailauth::test::signing_key(KeyKind::ed25519, "example.org", "two-ed"));
  EXPECT_EQ(verdicts(outcome(one)), "example.org one-rsa pass, example.org two-ed pass");
}

TEST_F(SignerTest, PrefersTheNearerDomain) {
  server.domain("mx.example.org");
  add("mx.example.org", {key_of(KeyKind::ed25519, "near", KeyState::active)});
  mailauth::test::publish(zone, *mailauth::test::signing_key(KeyKind::ed25519, "mx.example.org", "near"));
  EXPECT_EQ(verdicts(outcome(job(MessageClass::report, letter("ann@far.test, daemon@mx.example.org")))), "");
  EXPECT_EQ(verdicts(outcome(job(MessageClass::report, letter("daemon@mx.example.org")))), "mx.example.org near pass");
}

TEST_F(SignerTest, AKeyThatCannotBeReadIsLeftOut) {
  server.domain("broken.test");
  auto keys =
      std::vector{key_of(KeyKind::ed25519, "good", KeyState::active), key_of(KeyKind::rsa, "bad", KeyState::active)};
  keys[1].private_key = "no key";
  add("broken.test", keys);
  mailauth::test::publish(zone, *mailauth::test::signing_key(KeyKind::ed25519, "broken.test", "good"));
  EXPECT_EQ(verdicts(outcome(job(MessageClass::submitted, letter("ann@broken.test")))), "broken.test good pass");
}

} // namespace
} // namespace paquebot::delivery
