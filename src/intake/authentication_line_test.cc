// What the bound on the questions of one client's mail does to his other mail.

#include "base/clock.h"
#include "intake/authentication.h"
#include "mailauth/test_message.h"

#include <deque>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>

namespace paquebot::intake {
namespace {

using mailauth::DmarcDoubt;
using mailauth::DmarcPolicy;
using mailauth::DmarcResult;
using mailauth::SpfResult;
using mailauth::test::crlf;
using testing::HasSubstr;

/// A resolver that knows what it was asked for before.
class KeepingZone final : public dns::Resolver {
public:
  explicit KeepingZone(std::shared_ptr<dns::FakeZone> zone) : zone_(std::move(zone)) {}
  Task<std::shared_ptr<const dns::Answer>> query(std::string name, dns::Type type) override {
    auto answer = co_await zone_->query(name, type);
    if (keeps) kept_[{name, type}] = answer;
    co_return answer;
  }
  std::shared_ptr<const dns::Answer> known(const std::string& name, dns::Type type) override {
    const auto found = kept_.find({name, type});
    return found == kept_.end() ? nullptr : found->second;
  }
  bool keeps = false;

private:
  std::shared_ptr<dns::FakeZone> zone_;
  std::map<std::pair<std::string, dns::Type>, std::shared_ptr<const dns::Answer>> kept_;
};

/// The system's, with what tests add.
class ShiftedClock final : public Clock {
public:
  Instant now() const override { return system_clock().now() + by; }
  WallTime wall() const override { return system_clock().wall(); }
  std::chrono::hours by{0};
};

using mailauth::test::kLetter;
constexpr const char* kForwarder = "198.51.100.9";

class AuthenticationInLine : public testing::Test {
protected:
  AuthenticationInLine() {
    zone_->add("author.test", dns::Type::txt, {"v=spf1 ip4:198.51.100.9 -all"});
    zone_->add("_dmarc.author.test", dns::Type::txt, {"v=DMARC1; p=reject"});
    options_.timeout = std::chrono::seconds(1);
  }
  ~AuthenticationInLine() override {
    places_.clear();
    loop_.run();
  }
  /// All places of the client are taken, by mail that names what never answers.
  void fill(const std::string& whose, std::size_t most) {
    const OneShot none;
    for (std::size_t i = 0; i < most; ++i) {
      ASSERT_TRUE(verifier_.shares.enter(whose, most, none));
      places_.emplace_back(verifier_.shares, whose);
    }
  }
  std::unique_ptr<Authentication> judged(const char* sender = "author.test", const std::string& text = crlf(kLetter)) {
    AuthenticationSubject subject{"mx.test", *mailauth::parse_ip(kForwarder), "client.test", {"a", sender}};
    auto authentication = std::make_unique<Authentication>(verifier_, options_, std::move(subject));
    const auto walk = [&]() -> Task<bool> {
      co_await authentication->begin();
      if (authentication->feed(text)) co_await authentication->ask_ahead();
      const auto message = mailauth::test::message_of(text);
      co_await authentication->finish(message.head);
      co_return true;
    };
    loop_.run(walk());
    return authentication;
  }
  const std::string client_ = Shares::client_of(*mailauth::parse_ip(kForwarder));
  net::test::Loop loop_;
  std::shared_ptr<dns::FakeZone> zone_ = std::make_shared<dns::FakeZone>();
  KeepingZone keeping_{zone_};
  ShiftedClock clock_;
  Verifier verifier_{keeping_, clock_};
  std::deque<Shares::Place> places_;
  AuthenticationOptions options_;
};

TEST_F(AuthenticationInLine, WhatIsKnownNeedsNoPlace) {
  keeping_.keeps = true;
  EXPECT_EQ(judged()->summary(), "spf=pass, dkim=none, dmarc=pass");
  fill(client_, Shares::kEach);
  const auto a = judged();
  EXPECT_EQ(a->summary(), "spf=pass, dkim=none, dmarc=pass");
  EXPECT_FALSE(a->findings().own_fault);
}

TEST_F(AuthenticationInLine, ThePolicyPassesTheOthers) {
  fill(client_, Shares::kEach);
  const auto forged = judged("elsewhere.test");
  EXPECT_EQ(forged->judgement().reply.code, 550) << forged->summary() << ": nothing else could be the author's";
  const auto honest = judged();
  EXPECT_EQ(honest->findings().sender.result, SpfResult::temperror);
  EXPECT_EQ(honest->findings().dmarc->doubt, DmarcDoubt::evidence);
  EXPECT_EQ(honest->findings().dmarc->published, DmarcPolicy::reject);
  EXPECT_THAT(honest->judgement().reply.to_string(), HasSubstr("451 4.4.5 this server has too much to ask"));
}

TEST_F(AuthenticationInLine, ItsReserveIsBounded) {
  fill(client_, Shares::kEach);
  fill(Shares::reserve_of(client_), Shares::kEach);
  const auto a = judged("elsewhere.test");
  EXPECT_EQ(a->findings().dmarc->doubt, DmarcDoubt::policy);
  EXPECT_THAT(a->judgement().reply.to_string(), HasSubstr("451 4.4.5"));
}

TEST_F(AuthenticationInLine, TheReserveOfItsNetworkIsBoundedToo) {
  const std::string network = Shares::network_of(*mailauth::parse_ip(kForwarder));
  fill(network, Shares::kOfNetwork);
  fill(Shares::reserve_of(network), Shares::kOfNetwork);
  EXPECT_EQ(judged("elsewhere.test")->findings().dmarc->doubt, DmarcDoubt::policy);
  places_.clear();
  EXPECT_EQ(judged("elsewhere.test")->judgement().reply.code, 550);
}

/// The author's DNS fails a day after our line was full: that is the first he has to be patient for.
TEST_F(AuthenticationInLine, WhatItDelaysIsNotTheSendersLateness) {
  fill(client_, Shares::kEach);
  EXPECT_EQ(judged()->judgement().reply.code, 451);
  places_.clear();
  clock_.by = Patience::kLong + std::chrono::hours(1);
  zone_->fail("author.test", dns::Status::servfail);
  EXPECT_THAT(judged()->judgement().reply.to_string(), HasSubstr("451 4.7.0"));
  for (const auto last = clock_.by + Patience::kLong; clock_.by < last; clock_.by += std::chrono::hours(6))
    EXPECT_THAT(judged()->judgement().reply.to_string(), HasSubstr("451 4.7.0"));
  clock_.by += std::chrono::hours(1);
  EXPECT_EQ(judged()->judgement().reply.code, 550) << "his own, for a day";
  zone_->fail("author.test", dns::Status::servfail, "too many questions", false, true);
  EXPECT_THAT(judged()->judgement().reply.to_string(), HasSubstr("451 4.4.5")) << "what is ours decides nothing";
}

/// One of the same sender was judged meanwhile: what comes a day behind it has its own day.
TEST_F(AuthenticationInLine, WhatWasJudgedEndsTheWaiting) {
  const auto trouble = [&](dns::Status status) { zone_->fail("author.test", status); };
  trouble(dns::Status::servfail);
  EXPECT_EQ(judged()->judgement().reply.code, 451);
  trouble(dns::Status::ok);
  EXPECT_EQ(judged()->judgement().action, Judgement::Action::accept);
  for (int hours = 0; hours <= 24; hours += 6, clock_.by += std::chrono::hours(6)) {
    trouble(dns::Status::servfail);
    EXPECT_EQ(judged()->judgement().reply.code, 451) << hours;
    trouble(dns::Status::ok);
    EXPECT_EQ(judged()->judgement().action, Judgement::Action::accept);
  }
  clock_.by += std::chrono::hours(6);
  trouble(dns::Status::servfail);
  EXPECT_EQ(judged()->judgement().reply.code, 451);
}

/// A domain that says by SPF only who may send for it: whoever fills the line must not get by that.
TEST_F(AuthenticationInLine, WhoFillsItDoesNotSlipPastSpf) {
  zone_->remove("_dmarc.author.test");
  zone_->remove("author.test");
  zone_->add("author.test", dns::Type::txt, {"v=spf1 -all"});
  options_.spf_fail = AuthenticationOptions::SpfFail::refuse;
  EXPECT_EQ(judged()->judgement().reply.code, 550);
  fill(client_, Shares::kEach);
  EXPECT_THAT(judged()->judgement().reply.to_string(), HasSubstr("451 4.4.5"));
}

} // namespace
} // namespace paquebot::intake
