#include "base/clock.h"
#include "base/text.h"
#include "intake/authentication.h"
#include "mailauth/auth_results.h"
#include "mailauth/test_message.h"

#include <cctype>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace paquebot::intake {
namespace {

using mailauth::DmarcResult;
using mailauth::KeyKind;
using mailauth::SpfResult;
using mailauth::test::crlf;
using testing::HasSubstr;
using testing::Not;

/// A resolver that keeps back its answers for some names until it gives up.
class SlowZone final : public dns::Resolver {
public:
  explicit SlowZone(std::shared_ptr<dns::FakeZone> zone) : zone_(std::move(zone)) {}
  Task<std::shared_ptr<const dns::Answer>> query(std::string name, dns::Type type) override {
    ++questions;
    if ((silent && name.find("_domainkey") == std::string::npos) || (!never.empty() && name.ends_with(never))) {
      const OneShot wait = waiting_.emplace_back();
      co_await wait.wait();
      co_return std::make_shared<const dns::Answer>();
    }
    auto answer = co_await zone_->query(std::move(name), type);
    co_return answer;
  }
  void give_up() override {
    for (const OneShot& one : waiting_) one.fire();
  }
  int questions = 0;
  std::string never;   ///< how such names end
  bool silent = false; ///< about all but keys

private:
  std::shared_ptr<dns::FakeZone> zone_;
  std::vector<OneShot> waiting_;
};

using mailauth::test::kLetter;

class AuthenticationTest : public testing::Test {
protected:
  AuthenticationTest() {
    mailauth::test::publish(*zone_, *key_);
    zone_->add("author.test", dns::Type::txt, {"v=spf1 ip4:192.0.2.1 -all"});
    zone_->add("_dmarc.author.test", dns::Type::txt, {"v=DMARC1; p=reject"});
    zone_->add("client.test", dns::Type::txt, {"v=spf1 -all"});
  }
  /// Judges a message that comes in pieces of `chunk` octets.
  std::unique_ptr<Authentication> judge_message(const std::string& text, const char* ip = "192.0.2.1",
                                                std::size_t chunk = 100, const char* sender = "author.test") {
    AuthenticationSubject subject{"mx.test", *mailauth::parse_ip(ip), "client.test", {"a", sender}};
    auto authentication = std::make_unique<Authentication>(verifier_, options_, std::move(subject));
    const auto walk = [&]() -> Task<bool> {
      co_await authentication->begin();
      for (std::size_t i = 0; i < text.size(); i += chunk)
        if (authentication->feed(std::string_view(text).substr(i, chunk))) co_await authentication->ask_ahead();
      for (int i = 0; silent_at_the_end_ && i < 100; ++i) co_await net::give_way();
      slow_.silent = silent_at_the_end_;
      const auto message = mailauth::test::message_of(text);
      co_await authentication->finish(message.head);
      co_return true;
    };
    loop_.run(walk());
    return authentication;
  }
  /// Of the letter in another's name, once the DNS has fallen silent behind its content.
  std::unique_ptr<Authentication> judge_at_the_end(const std::string& from, const std::string& text) {
    silent_at_the_end_ = true;
    options_.timeout = std::chrono::seconds(0);
    std::string named = text;
    named.replace(named.find("author.test>"), 11, from);
    auto judged = judge_message(named, "203.0.113.9", 1000, "silent.test");
    slow_.silent = false;
    slow_.never.clear();
    slow_.give_up();
    loop_.run();
    return judged;
  }
  std::string signed_letter() {
    const auto m = mailauth::test::message_of(crlf(kLetter));
    mailauth::DkimSigner signer;
    signer.body(m.body);
    return *signer.finish(m.head, {key_}, clock_.wall()) + crlf(kLetter);
  }

  const Clock& clock_ = system_clock();
  net::test::Loop loop_;
  std::shared_ptr<dns::FakeZone> zone_ = std::make_shared<dns::FakeZone>();
  SlowZone slow_{zone_};
  Verifier verifier_{slow_, clock_};
  AuthenticationOptions options_;
  bool silent_at_the_end_ = false;
  std::shared_ptr<const mailauth::SigningKey> key_ = mailauth::test::signing_key(KeyKind::ed25519, "author.test", "s");
};

TEST_F(AuthenticationTest, InAnyPieces) {
  const std::string text = signed_letter();
  for (const std::size_t chunk : {1u, 7u, 100u, 100000u}) {
    const auto a = judge_message(text, "203.0.113.9", chunk);
    EXPECT_EQ(a->summary(), "spf=fail, dkim=pass, dmarc=pass") << chunk;
    EXPECT_EQ(a->judgement().action, Judgement::Action::accept);
  }
}

TEST_F(AuthenticationTest, StampsTheHead) {
  const auto a = judge_message(signed_letter());
  mail::Head head;
  a->stamp(head);
  const auto read = mailauth::parse_auth_results(head.value("Authentication-Results"));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->authserv_id, "mx.test");
  std::string all;
  for (const auto& r : read->results) all += r.method + "=" + r.result + " ";
  EXPECT_EQ(all, "spf=pass spf=fail dkim=pass dmarc=pass ");
  EXPECT_EQ(head.count("X-Spam-Flag"), 0u);
}

TEST_F(AuthenticationTest, ForgedMailIsRefusedOrTagged) {
  auto a = judge_message(crlf(kLetter), "203.0.113.9");
  EXPECT_EQ(a->judgement().action, Judgement::Action::refuse);
  options_.dmarc = AuthenticationOptions::Dmarc::tag;
  a = judge_message(crlf(kLetter), "203.0.113.9");
  mail::Head head;
  a->stamp(head);
  EXPECT_EQ(head.value("X-Spam-Flag"), "YES");
  EXPECT_THAT(head.value("X-Paquebot-Quarantine"), HasSubstr("author.test"));
  options_.dmarc = AuthenticationOptions::Dmarc::off;
  a = judge_message(crlf(kLetter), "203.0.113.9");
  EXPECT_EQ(a->summary(), "spf=fail, dkim=none");
}

/// What is put in front of a message in ASCII leaves it so, also where a long name is cut with an ellipsis.
TEST_F(AuthenticationTest, StampsAreAscii) {
  options_.dmarc = AuthenticationOptions::Dmarc::tag;
  std::string letter = crlf(kLetter);
  letter.replace(letter.find("author.test"), 11, std::string(60, 'x') + "." + std::string(60, 'y') + ".author.test");
  const auto a = judge_message(letter, "203.0.113.9");
  mail::Head head;
  a->stamp(head);
  EXPECT_EQ(head.count("X-Paquebot-Quarantine"), 1u);
  EXPECT_TRUE(is_ascii(head.to_string())) << head.to_string();
}

/// A DNS that is silent about something that might have passed: nothing is decided, and the answer comes in time.
TEST_F(AuthenticationTest, SilenceIsAskedToComeAgain) {
  options_.timeout = std::chrono::seconds(0);
  const std::string text = signed_letter();
  slow_.never = "_domainkey.author.test";
  auto a = judge_message(text, "203.0.113.9");
  EXPECT_EQ(a->findings().dmarc->result, DmarcResult::temperror);
  EXPECT_EQ(a->judgement().reply.code, 451) << a->judgement().reply.to_string();
  slow_.never = "_dmarc.author.test"; // the signature shows the author, whatever the policy is
  a = judge_message(text, "203.0.113.9");
  EXPECT_EQ(a->findings().dmarc->result, DmarcResult::temperror);
  EXPECT_EQ(a->judgement().action, Judgement::Action::accept);
  a = judge_message(crlf(kLetter), "203.0.113.9");
  EXPECT_EQ(a->judgement().reply.code, 451) << a->judgement().reply.to_string();
  slow_.never = "author.test";
  a = judge_message(text, "203.0.113.9");
  EXPECT_EQ(a->findings().sender.result, SpfResult::temperror);
  EXPECT_EQ(a->summary(), "spf=temperror, dkim=temperror, dmarc=temperror");
  EXPECT_EQ(a->judgement().reply.code, 451);
  EXPECT_FALSE(verifier_.lookups.wait_idle(std::chrono::steady_clock::now()));
  const int asked = slow_.questions;
  slow_.never.clear();
  slow_.give_up();
  loop_.run();
  EXPECT_TRUE(verifier_.lookups.wait_idle(std::chrono::steady_clock::now()));
  EXPECT_EQ(slow_.questions, asked); // the message is judged: nothing more is asked
}

/// Whoever forges chooses the sender, the greeting and the signatures, and with them the name servers that are silent.
TEST_F(AuthenticationTest, SilenceOfTheForgerOpensNothing) {
  options_.timeout = std::chrono::seconds(1); // what is not his must be known
  slow_.never = "silent.test";
  const auto forged = [&](const std::string& text, mail::Address sender, const char* helo) {
    AuthenticationSubject subject{"mx.test", *mailauth::parse_ip("203.0.113.9"), helo, std::move(sender)};
    Authentication one(verifier_, options_, std::move(subject));
    const auto walk = [&]() -> Task<bool> {
      co_await one.begin();
      if (one.feed(text)) co_await one.ask_ahead();
      const auto message = mailauth::test::message_of(text);
      co_await one.finish(message.head);
      co_return true;
    };
    loop_.run(walk());
    return one.judgement().reply.code;
  };
  const std::string letter = crlf(kLetter);
  EXPECT_EQ(forged(letter, {"a", "silent.test"}, "client.test"), 550);
  EXPECT_EQ(forged(letter, {}, "mx.silent.test"), 550);
  EXPECT_EQ(forged(letter, {"a", "client.test"}, "mx.silent.test"), 550);
  const auto m = mailauth::test::message_of(letter);
  mailauth::DkimSigner signer;
  signer.body(m.body);
  const auto key = mailauth::test::signing_key(KeyKind::ed25519, "silent.test", "s");
  EXPECT_EQ(forged(*signer.finish(m.head, {key}, clock_.wall()) + letter, {"a", "client.test"}, "client.test"), 550);
  // A signature of his in front does not keep that of the author from being seen.
  const std::string honest = signed_letter();
  const auto again = mailauth::test::message_of(honest);
  mailauth::DkimSigner second;
  second.body(again.body);
  const auto both = *second.finish(again.head, {key}, clock_.wall()) + honest;
  EXPECT_EQ(judge_message(both, "203.0.113.9")->findings().dmarc->result, DmarcResult::pass);
  slow_.never.clear();
  slow_.give_up();
  loop_.run();
}

/// A name of the author's domain without a name server: the record above it is asked for beside, and counts.
TEST_F(AuthenticationTest, TheRecordAboveASilentNameCounts) {
  options_.timeout = std::chrono::seconds(1);
  std::string letter = crlf(kLetter);
  letter.replace(letter.find("author.test"), 11, "lame.author.test");
  slow_.never = "lame.author.test";
  const auto a = judge_message(letter, "203.0.113.9");
  EXPECT_EQ(a->judgement().reply.code, 550) << a->summary();
  slow_.never.clear();
  slow_.give_up();
  loop_.run();
}

/// However many silent names are between.
TEST_F(AuthenticationTest, TheRecordFarAboveASilentNameCounts) {
  for (const char* from : {"lame.author.test", "a.lame.author.test", "a.b.c.d.e.f.g.h.lame.author.test"}) {
    slow_.never = "lame.author.test";
    const auto a = judge_at_the_end(from, crlf(kLetter));
    EXPECT_EQ(a->judgement().reply.code, 550) << from << ": " << a->summary();
  }
}

/// Where names that don't exist have a stricter policy, whoever sends gains nothing by a name that nobody answers for.
TEST_F(AuthenticationTest, WhetherANameExistsIsAskedAheadAndNeverGuessed) {
  zone_->add("_dmarc.np.test", dns::Type::txt, {"v=DMARC1; p=reject; sp=none; np=reject"});
  zone_->add("here.np.test", dns::Type::a, {"192.0.2.1"});
  const auto code = [&](const char* from, const char* never) {
    slow_.never = never;
    return judge_at_the_end(from, crlf(kLetter))->judgement().reply.code;
  };
  EXPECT_EQ(code("gone.np.test", "silent.test"), 550);
  EXPECT_EQ(code("here.np.test", "silent.test"), 0) << "accepted";
  EXPECT_EQ(code("gone.np.test", "gone.np.test"), 451);
  EXPECT_EQ(zone_->questions("np.test", dns::Type::a), 0u);
}

/// A name of no concern is silent, and the signature is of a name below the author's.
TEST_F(AuthenticationTest, WhatMayStandForTheAuthorIsLookedForAhead) {
  key_ = mailauth::test::signing_key(KeyKind::ed25519, "mail.author.test", "s");
  mailauth::test::publish(*zone_, *key_);
  slow_.never = "silent.test";
  const auto a = judge_at_the_end("author.test", signed_letter());
  EXPECT_EQ(a->judgement().action, Judgement::Action::accept) << a->judgement().reply.to_string();
  EXPECT_THAT(a->summary(), HasSubstr("dkim=pass, dmarc=pass"));
}

TEST_F(AuthenticationTest, SilenceAboutATrustedForwarder) {
  options_.timeout = std::chrono::seconds(1); // the rest must be known, so that DMARC fails
  options_.trusted_forwarders = {"l.test"};
  const auto sealing = mailauth::test::signing_key(KeyKind::ed25519, "l.test", "s");
  const auto m = mailauth::test::message_of(crlf(kLetter));
  mailauth::ArcSealer sealer;
  sealer.body(m.body);
  const auto set = sealer.finish(m.head, {}, *sealing, "l.test; dmarc=pass header.from=author.test", clock_.wall());
  slow_.never = "l.test";
  const auto a = judge_message(*set + crlf(kLetter), "203.0.113.9");
  EXPECT_EQ(a->judgement().reply.code, 451) << a->summary();
  slow_.never.clear();
  slow_.give_up();
  loop_.run();
}

/// Many signatures, each with keys of the attacker's choice: what there is to compute has a bound, and a message that
/// came later need not wait for all of it.
TEST_F(AuthenticationTest, AFloodOfBadSignatures) {
  std::string flood = crlf(kLetter);
  const auto sign = [&](const std::string& selector, const std::string& record) {
    for (int i = 0; i < 6; ++i) zone_->add(selector + "._domainkey.author.test", dns::Type::txt, {record});
    const auto m = mailauth::test::message_of(crlf(kLetter));
    mailauth::DkimSigner signer;
    signer.body(m.body);
    const auto key = mailauth::test::signing_key(KeyKind::rsa, "author.test", selector);
    flood = *signer.finish(m.head, {key}, clock_.wall()) + flood;
  };
  const auto other = mailauth::PrivateKey::generate(KeyKind::rsa);
  for (int i = 0; i < 50; ++i) sign("s" + std::to_string(i), mailauth::dkim_record_of(other));
  std::vector<std::string> order;
  const auto judge = [&](std::string name, const std::string& text) -> Task<void> {
    AuthenticationSubject subject{"mx.test", *mailauth::parse_ip("203.0.113.9"), "client.test", {"a", "author.test"}};
    Authentication one(verifier_, options_, std::move(subject));
    co_await one.begin();
    if (one.feed(text)) co_await one.ask_ahead();
    const auto message = mailauth::test::message_of(text);
    co_await one.finish(message.head);
    order.push_back(name + ": " + one.summary());
  };
  const std::string good = signed_letter();
  const auto before = mailauth::public_key_operations();
  loop_.start(judge("flood", flood));
  loop_.start(judge("good", good));
  loop_.run();
  EXPECT_LE(mailauth::public_key_operations() - before, 8u * 4u + 1u);
  ASSERT_EQ(order.size(), 2u);
  EXPECT_EQ(order[0], "good: spf=fail, dkim=pass, dmarc=pass");
  EXPECT_THAT(order[1], HasSubstr("dmarc=fail"));
}

TEST_F(AuthenticationTest, AMessageGivenUp) {
  slow_.never = "author.test";
  AuthenticationSubject subject{"mx.test", *mailauth::parse_ip("192.0.2.1"), "client.test", {"a", "author.test"}};
  const auto walk = [&]() -> Task<bool> {
    Authentication authentication(verifier_, options_, std::move(subject));
    co_await authentication.begin();
    co_return true;
  };
  loop_.run(walk());
  slow_.give_up();
  loop_.run();
  EXPECT_TRUE(verifier_.lookups.wait_idle(std::chrono::steady_clock::now()));
}

TEST(RemoveForgedFields, OnlyOurs) {
  auto head = *mail::Head::parse(crlf("Authentication-Results: MX.Test; dmarc=pass\n"
                                      "Authentication-Results: other.test; dmarc=pass\n"
                                      "X-Paquebot-Quarantine: x\nX-Spam-Flag: NO\n"));
  remove_forged_fields(head, "mx.test");
  EXPECT_EQ(head.to_string(), crlf("Authentication-Results: other.test; dmarc=pass\nX-Spam-Flag: NO\n\n"));
}

/// Readers differ in what they take for our name, so every form of it goes.
TEST(RemoveForgedFields, InUnusualForms) {
  for (const char* id :
       {"mx.test/1", "mx.test.", "MX.TEST. 1", "(x) mx.test (y) 1", "mx(x).test", "mx.test\n /1", "\"mx.test\"",
        "\"mx.test/1\"", "mx\n .test", "mx.test/2", "mx.test 2", "mx.te\\st", "x=mx.test", "<mx.test>"}) {
    auto head = *mail::Head::parse(crlf("Authentication-Results: " + std::string(id) + "; dmarc=pass\nSubject: x\n"));
    remove_forged_fields(head, "mx.test");
    EXPECT_EQ(head.to_string(), crlf("Subject: x\n\n")) << id;
  }
  for (const char* name : {"Authentication-Results\n : ", "Authentication-Results\x0b: ",
                           "Authentication-Results\x0c: ", "Authentication-Results\xa0: ",
                           "\xc2\xa0"
                           "Authentication-Results: ",
                           "Authentication-\x7fResults:"}) {
    auto head = *mail::Head::parse(crlf(std::string(name) + "mx.test; dmarc=pass\nSubject: x\n"));
    remove_forged_fields(head, "mx.test");
    EXPECT_EQ(head.to_string(), crlf("Subject: x\n\n")) << name;
  }
  for (int octet = 1; octet < 256; ++octet) {
    const char odd = static_cast<char>(octet);
    const bool host = octet < 127 && (std::isalnum(octet) != 0 || odd == '-' || odd == '_' || odd == '.');
    if (host || odd == '\r' || odd == '\n' || odd == ';' || odd == '(') continue; // a comment, or an end
    for (const std::string& id :
         {"mx.test" + std::string(1, odd), odd + std::string("mx.test"), "mx.test" + std::string(1, odd) + "1"}) {
      auto head = *mail::Head::parse("Authentication-Results: " + id + "; dmarc=pass\r\n\r\n");
      remove_forged_fields(head, "mx.test");
      EXPECT_EQ(head.count("Authentication-Results"), 0u) << testing::PrintToString(id);
    }
  }
  auto within =
      *mail::Head::parse("Authentication-Results: mx\xc2\xa0.test; dmarc=pass\r\nX-Paquebot-Quarantine\xa0: x\r\n\r\n");
  remove_forged_fields(within, "mx.test");
  EXPECT_EQ(within.to_string(), "\r\n");
  for (const char* id : {"mx.test.evil.test", "notmx.test", "mx.test.other", "other.test (mx.test)", "mx.test1"}) {
    auto head = *mail::Head::parse(crlf("Authentication-Results: " + std::string(id) + "; dmarc=pass\n"));
    remove_forged_fields(head, "mx.test");
    EXPECT_EQ(head.count("Authentication-Results"), 1u) << id;
  }
}

} // namespace
} // namespace paquebot::intake
