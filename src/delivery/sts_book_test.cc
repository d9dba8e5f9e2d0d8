#include "delivery/sts_book.h"
#include "directory/test_server.h"
#include "dns/fake_zone.h"
#include "net/test_support.h"
#include "store/wrapped_store.h"

#include <deque>
#include <gtest/gtest.h>

namespace paquebot::delivery {
namespace {

using namespace std::chrono_literals;

std::string policy_text(const std::string& mode = "enforce", const std::string& mx = "mx.far.test",
                        const std::string& age = "604800") {
  return "version: STSv1\r\nmode: " + mode + "\r\nmx: " + mx + "\r\nmax_age: " + age + "\r\n";
}

http::Reply answer_of(std::string content, unsigned status = 200, const char* type = "text/plain; charset=utf-8") {
  return {status, {{"Content-Type", type}}, std::move(content)};
}

/// A clock that is set by hand.
struct HandClock final : Clock {
  std::chrono::milliseconds moved{0};
  Instant now() const override { return system_clock().now(); }
  WallTime wall() const override { return system_clock().wall() + moved; }
};

struct StsWorld {
  StsWorld() { begin(); }
  ~StsWorld() { loop.run(); }

  /// As after a restart.
  void begin(StsOptions options = {}) {
    StsBook::Means means{loop.executor(), zone, server.store().books(), clock,
                         [this](std::string url) { return fetch(std::move(url)); }};
    book = std::make_shared<StsBook>(std::move(means), std::move(options));
  }
  Task<Result<http::Reply>> fetch(std::string url) {
    asked.push_back(url);
    while (held) co_await released.wait();
    if (answers.empty()) co_return fail(Errc::closed, "nobody is there");
    Result<http::Reply> next = std::move(answers.front());
    answers.pop_front();
    co_return next;
  }
  void publish(const std::string& id) {
    zone->remove("_mta-sts.far.test");
    if (!id.empty()) zone->add("_mta-sts.far.test", dns::Type::txt, {.text = "v=STSv1; id=" + id + ";"});
  }
  StsFinding ask() { return loop.run(book->ask("far.test")); }
  std::string mode() {
    const StsFinding found = ask();
    return found.policy ? std::string(queue::to_string(found.policy->mode)) : "";
  }

  directory::TestServer server;
  net::test::Loop loop;
  HandClock clock;
  std::shared_ptr<dns::FakeZone> zone = dns::FakeZone::parse("");
  std::deque<Result<http::Reply>> answers;
  std::vector<std::string> asked;
  bool held = false;
  Condition released;
  std::shared_ptr<StsBook> book;
};

TEST(StsBook, WhatNobodyUsesIsFetchedAgainBeforeItExpires) {
  StsWorld world;
  world.publish("1");
  world.answers.push_back(answer_of(policy_text()));
  EXPECT_EQ(world.mode(), "enforce");
  const auto other = [&] { return world.loop.run(world.book->ask("other.test")); };
  world.clock.moved = 4 * 24h;
  other();
  EXPECT_EQ(world.asked.size(), 1u) << "three days are left";
  world.clock.moved = 6 * 24h;
  world.answers.push_back(answer_of(policy_text("enforce", "mx2.far.test")));
  other();
  world.ask(); // waits for what runs
  EXPECT_EQ(world.asked.size(), 2u) << "mail for somebody else has it looked at";
  world.clock.moved = 12 * 24h;
  EXPECT_EQ(world.mode(), "enforce") << "it is there when mail comes for it";
}

TEST(StsBook, FetchesAPolicyOnceAndKeepsIt) {
  StsWorld world;
  world.publish("1");
  world.answers.push_back(answer_of(policy_text()));
  EXPECT_EQ(world.mode(), "enforce");
  EXPECT_EQ(world.asked, (std::vector<std::string>{"https://mta-sts.far.test/.well-known/mta-sts.txt"}));
  EXPECT_EQ(world.mode(), "enforce");
  EXPECT_EQ(world.asked.size(), 1u) << "its id is the same";
  world.begin();
  EXPECT_EQ(world.mode(), "enforce");
  EXPECT_EQ(world.asked.size(), 1u) << "it survives a restart";
}

TEST(StsBook, WithoutARecordNobodyIsAsked) {
  StsWorld world;
  EXPECT_EQ(world.mode(), "");
  for (const char* text : {"v=spf1 -all", "v=STSv1;"}) {
    world.publish("");
    world.zone->add("_mta-sts.far.test", dns::Type::txt, {.text = text});
    EXPECT_EQ(world.mode(), "") << text;
  }
  world.publish("1");
  world.zone->add("_mta-sts.far.test", dns::Type::txt, {.text = "v=STSv1; id=2;"});
  EXPECT_EQ(world.mode(), "") << "two records are none";
  EXPECT_TRUE(world.asked.empty());
  EXPECT_FALSE(world.ask().why.empty());
}

TEST(StsBook, AnotherIdMeansAnotherPolicy) {
  StsWorld world;
  world.publish("1");
  world.answers.push_back(answer_of(policy_text("testing")));
  EXPECT_EQ(world.mode(), "testing");
  world.publish("2");
  world.answers.push_back(answer_of(policy_text("enforce")));
  EXPECT_EQ(world.mode(), "enforce");
  EXPECT_EQ(world.ask().id, "2");
}

TEST(StsBook, WhatCanNotBeHadLeavesTheOldOneInForce) {
  StsWorld world;
  world.publish("1");
  world.answers.push_back(answer_of(policy_text()));
  EXPECT_EQ(world.mode(), "enforce");
  const std::pair<Result<http::Reply>, StsTrouble> failures[] = {
      {fail(Errc::timeout, "it was silent"), StsTrouble::fetch},
      {fail(Errc::closed, "nobody is there"), StsTrouble::fetch},
      {fail(Errc::no_space, "the answer is too large"), StsTrouble::fetch},
      {fail(Errc::io, "the certificate has expired"), StsTrouble::webpki},
      {answer_of("", 301), StsTrouble::fetch},
      {answer_of("", 404), StsTrouble::fetch},
      {answer_of(policy_text("none"), 200, "text/html"), StsTrouble::fetch},
      {answer_of("<html>", 200), StsTrouble::invalid},
  };
  int id = 1;
  for (const auto& [answer, trouble] : failures) {
    world.publish(std::to_string(++id));
    world.answers.push_back(answer);
    const std::size_t before = world.asked.size();
    const StsFinding found = world.ask();
    ASSERT_TRUE(found.policy) << id;
    EXPECT_EQ(found.trouble, trouble) << id << " " << found.why;
    EXPECT_FALSE(found.why.empty());
    EXPECT_EQ(world.mode(), "enforce");
    EXPECT_EQ(world.asked.size(), before + 1) << "not again at once (RFC 8461 section 3.3)";
    world.clock.moved += 6min;
  }
  world.publish(""); // whoever strips the record takes nothing away
  EXPECT_EQ(world.mode(), "enforce");
  world.zone->fail("_mta-sts.far.test", dns::Status::servfail);
  EXPECT_EQ(world.mode(), "enforce");
  world.clock.moved += std::chrono::hours(24 * 8);
  EXPECT_EQ(world.mode(), "") << "until it has expired";
  world.begin();
  EXPECT_EQ(world.mode(), "");
}

TEST(StsBook, AFirstPolicyThatCanNotBeHadIsAsIfThereWereNone) {
  StsWorld world;
  world.publish("1");
  EXPECT_EQ(world.mode(), "");
  EXPECT_EQ(world.ask().trouble, StsTrouble::fetch);
  EXPECT_EQ(world.asked.size(), 1u);
  world.clock.moved += 6min;
  world.answers.push_back(answer_of(policy_text()));
  EXPECT_EQ(world.mode(), "enforce");
}

TEST(StsBook, OneInUseIsFetchedAgainEachDayBehindTheMail) {
  StsWorld world;
  world.publish("1");
  world.answers.push_back(answer_of(policy_text("testing")));
  EXPECT_EQ(world.mode(), "testing");
  world.clock.moved += 25h;
  world.held = true; // the policy host is slow now
  world.answers.push_back(answer_of(policy_text("enforce")));
  EXPECT_EQ(world.mode(), "testing") << "nobody waits for it";
  EXPECT_EQ(world.mode(), "testing");
  EXPECT_EQ(world.asked.size(), 2u) << "once";
  world.held = false;
  world.released.notify_all();
  world.loop.run();
  EXPECT_EQ(world.mode(), "enforce");
}

TEST(StsBook, APolicyThatIsWantedAtOnceIsFetchedAtOnce) {
  StsWorld world;
  world.publish("1");
  world.answers.push_back(answer_of(policy_text("testing")));
  EXPECT_EQ(world.mode(), "testing");
  world.answers.push_back(answer_of(policy_text("none")));
  EXPECT_EQ(queue::to_string(world.loop.run(world.book->refresh("far.test")).policy->mode), "none");
}

TEST(StsBook, AClockThatWasAheadHoldsNothingUp) {
  StsWorld world;
  world.publish("1");
  world.clock.moved = std::chrono::hours(24 * 365);
  EXPECT_EQ(world.mode(), "");
  world.clock.moved = 0ms;
  world.answers.push_back(answer_of(policy_text()));
  EXPECT_EQ(world.mode(), "enforce") << "the rest after the failure was counted by a clock that was ahead";
}

TEST(StsBook, SwitchedOffItAsksNobody) {
  StsWorld world;
  world.publish("1");
  world.begin({.check = false});
  EXPECT_EQ(world.mode(), "");
  EXPECT_EQ(world.zone->questions(), 0u);
}

TEST(StsBook, HoldsManyDomainsAndNoMore) {
  StsWorld world;
  const std::string large = policy_text() + "padding: " + std::string(60'000, 'x') + "\r\n";
  for (int n = 0; n < 300; ++n) { // more than kMostOctets
    const std::string domain = "d" + std::to_string(n) + ".test";
    world.zone->add("_mta-sts." + domain, dns::Type::txt, {.text = "v=STSv1; id=1;"});
    world.answers.push_back(answer_of(large));
    EXPECT_TRUE(world.loop.run(world.book->ask(domain)).policy) << n;
  }
  EXPECT_LT(world.book->size(), 290u);
  EXPECT_GT(world.book->size(), 200u);
}

} // namespace
} // namespace paquebot::delivery
