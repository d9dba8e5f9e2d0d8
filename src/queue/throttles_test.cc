#include "queue/throttles.h"

#include <gtest/gtest.h>

namespace paquebot::queue {
namespace {

constexpr std::int64_t kMinute = 60'000, kHour = 60 * kMinute, kStart = 1'700'000'000'000;
const std::string kBig = "big";

Rule rule(const char* name, const char* text, Scope scope, Act act) {
  Rule made{.name = name, .text = text, .scope = scope, .act = act, .lasts = 1800, .examples = {}};
  if (act == Act::rate) made.rate = {10, 60};
  if (act == Act::connections || act == Act::per_connection) made.number = 2;
  return made;
}

class ThrottlesTest : public testing::Test {
protected:
  ThrottlesTest() {
    Provider big{.name = kBig, .connections = 3, .per_connection = 20};
    big.rules = {rule("slow", "slow", Scope::source, Act::rate),
                 rule("few", "few", Scope::source, Act::connections),
                 rule("short", "short", Scope::source, Act::per_connection),
                 rule("stop", "stop", Scope::source, Act::pause),
                 rule("dkim", "dkim", Scope::signing_domain, Act::rate),
                 rule("lane", "lane", Scope::lane, Act::pause),
                 rule("hold", "hold", Scope::lane, Act::hold)};
    big.rules.push_back(rule("twice", "twice", Scope::source, Act::pause));
    big.rules.back().count = {2, 600};
    Provider other{.name = "other", .rate = {60, 60}};
    known_ = std::make_shared<const Providers>(std::vector{big, other});
    all_.configure(known_);
  }
  Throttles::Heard hear(const std::string& text, bool sure = true) {
    return all_.hear(kBig, parse_said("421 4.7.0 " + text).value(), from_, sure, now_);
  }
  std::int64_t wait() { return all_.admit(kBig, from_, now_) - now_; }

  std::shared_ptr<const Providers> known_;
  Throttles all_;
  std::int64_t now_ = kStart;
  Throttles::Subjects from_{
      .lane = "4", .tenant = "", .signing_domain = "ours.example", .recipient_domain = "a.example"};
};

TEST_F(ThrottlesTest, AllSitesOfAProviderTogetherHaveItsConnectionsAndItsRate) {
  EXPECT_TRUE(all_.room("", now_)) << "nobody's";
  EXPECT_TRUE(all_.room("unknown", now_));
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(all_.room(kBig, now_));
    all_.enter(kBig);
  }
  EXPECT_FALSE(all_.room(kBig, now_));
  EXPECT_FALSE(all_.surplus(kBig, now_));
  all_.leave(kBig);
  EXPECT_TRUE(all_.room(kBig, now_));
  EXPECT_EQ(all_.per_connection(kBig, now_), 20U);
  EXPECT_EQ(all_.goes_at(kBig, now_), 0);
  all_.begins("other", now_);
  EXPECT_EQ(all_.goes_at("other", now_), now_ + 1000);
  EXPECT_LE(all_.goes_at("other", now_ - kHour), now_ - kHour + 1000) << "the clock went back";
}

TEST_F(ThrottlesTest, WhatARuleSaysOfAllHoldsForItsTimeAndIsOver) {
  all_.enter(kBig);
  EXPECT_TRUE(hear("slow").acts);
  EXPECT_TRUE(all_.paced(kBig, now_));
  all_.begins(kBig, now_);
  EXPECT_EQ(all_.goes_at(kBig, now_), now_ + 6000);
  EXPECT_EQ(all_.goes_at("other", now_), 0) << "of another provider nothing was said";
  EXPECT_TRUE(hear("few").acts);
  EXPECT_EQ(all_.window(kBig, now_), 2U);
  EXPECT_TRUE(hear("short").acts);
  EXPECT_EQ(all_.per_connection(kBig, now_), 2U);
  EXPECT_EQ(all_.effects(kBig, now_).size(), 3U);
  now_ += 1800'000;
  EXPECT_FALSE(all_.paced(kBig, now_));
  EXPECT_EQ(all_.window(kBig, now_), 3U);
  EXPECT_EQ(all_.per_connection(kBig, now_), 20U);
  EXPECT_TRUE(all_.effects(kBig, now_).empty());
}

TEST_F(ThrottlesTest, AfterAPauseOneFindsOutAndEachPauseIsLongerUpToFourHours) {
  std::int64_t before = 0;
  for (int i = 0; i < 10; ++i) {
    EXPECT_TRUE(hear("stop").acts);
    const std::int64_t until = all_.goes_at(kBig, now_);
    EXPECT_GE(until - now_, before);
    EXPECT_LE(until - now_, 4 * kHour);
    before = until - now_;
    now_ = until;
    EXPECT_LE(all_.goes_at(kBig, now_), now_);
    EXPECT_EQ(all_.window(kBig, now_), 1U) << "a probe";
  }
  EXPECT_EQ(before, 4 * kHour);
  all_.taken(kBig, from_, now_);
  EXPECT_EQ(all_.window(kBig, now_), 3U);
  EXPECT_TRUE(all_.effects(kBig, now_).empty());
}

TEST_F(ThrottlesTest, OnlyWhatTheRuleIsAboutIsSlowedDown) {
  EXPECT_EQ(wait(), 0);
  EXPECT_TRUE(hear("dkim").acts);
  EXPECT_FALSE(all_.paced(kBig, now_));
  EXPECT_EQ(wait(), 0) << "the first of them";
  EXPECT_EQ(wait(), 6000);
  EXPECT_EQ(wait(), 12'000) << "each behind the one before";
  from_.signing_domain = "theirs.example";
  EXPECT_EQ(wait(), 0);
  from_.signing_domain = "ours.example";
  now_ += 6000;
  EXPECT_EQ(wait(), 0);
  for (int i = 0; i < 1000; ++i) EXPECT_LE(wait(), 1800'000) << "by then it is over";
  const auto reason = all_.wait_of(kBig, &from_, now_);
  ASSERT_TRUE(reason);
  EXPECT_EQ(reason->effect.rule, "dkim");
  EXPECT_EQ(reason->rule.words(), "10 a minute");
  EXPECT_FALSE(all_.wait_of(kBig, nullptr, now_)) << "others wait for nothing";
  now_ += 1800'000;
  EXPECT_EQ(wait(), 0);
}

TEST_F(ThrottlesTest, MessagesOfAPausedLaneProbeOneAfterTheOther) {
  EXPECT_TRUE(hear("lane").acts);
  EXPECT_EQ(wait(), 1800'000);
  now_ += 1800'000;
  EXPECT_EQ(wait(), 0);
  EXPECT_EQ(wait(), kMinute) << "the probe is under way";
  all_.taken(kBig, from_, now_);
  EXPECT_EQ(wait(), 0);
  EXPECT_EQ(wait(), 0);
}

TEST_F(ThrottlesTest, CountsHowOftenItWasSaidWithinItsTime) {
  EXPECT_FALSE(hear("twice").acts);
  now_ += 601'000;
  EXPECT_FALSE(hear("twice").acts) << "too long ago";
  EXPECT_TRUE(hear("twice").acts);
}

TEST_F(ThrottlesTest, OneCustomersWordsAboutAMessageStopNobodyElse) {
  for (int i = 0; i < 50; ++i) EXPECT_FALSE(hear("stop", false).acts) << "all of one domain";
  EXPECT_LE(all_.goes_at(kBig, now_), now_);
  from_.recipient_domain = "b.example";
  EXPECT_TRUE(hear("stop", false).acts) << "two domains say it";
}

TEST_F(ThrottlesTest, OrdersAboutAMessageLeaveNoEffect) {
  const auto heard = hear("hold");
  EXPECT_TRUE(heard.acts);
  EXPECT_EQ(heard.rule->act, Act::hold);
  EXPECT_TRUE(all_.effects(kBig, now_).empty());
  EXPECT_TRUE(all_.unsaved(10).empty());
  from_.lane = "";
  EXPECT_FALSE(hear("hold").rule) << "nobody's";
  EXPECT_FALSE(hear("something else").rule);
}

TEST_F(ThrottlesTest, IsKeptAndKnownAfterARestartIfTheRuleIsStillThere) {
  hear("stop");
  hear("dkim");
  const auto kept = all_.unsaved(10);
  ASSERT_EQ(kept.size(), 2U);
  EXPECT_TRUE(all_.unsaved(10).empty());
  Throttles later;
  later.configure(known_);
  for (const store::SiteFacts& one : kept) {
    EXPECT_TRUE(is_rule_key(one.key));
    EXPECT_FALSE(one.empty()) << "the store keeps it";
    EXPECT_TRUE(later.restore(one, now_ + kMinute));
    EXPECT_FALSE(later.restore(one, now_ + 12 * kHour)) << "over";
    EXPECT_FALSE(later.restore(one, now_ - 12 * kHour)) << "of a clock that was ahead";
  }
  EXPECT_EQ(later.effects(kBig, now_), all_.effects(kBig, now_));
  store::SiteFacts odd = kept.front();
  for (const char* key : {"rule:", "rule:big:stop", "rule:big:stop:x", "rule:big:gone:", "rule:gone:stop:"}) {
    odd.key = key;
    EXPECT_FALSE(later.restore(odd, now_)) << key;
  }
  later.configure(std::make_shared<const Providers>());
  later.configure(known_);
  EXPECT_TRUE(later.effects(kBig, now_).empty()) << "its rules had gone";
  for (const store::SiteFacts& one : later.unsaved(10)) EXPECT_TRUE(one.empty()) << "and it goes from the store";
}

TEST_F(ThrottlesTest, AnOperatorEndsIt) {
  hear("stop");
  hear("dkim");
  EXPECT_FALSE(all_.forget(kBig, "slow"));
  EXPECT_TRUE(all_.forget(kBig, "dkim"));
  EXPECT_EQ(wait(), 0);
  EXPECT_GT(all_.goes_at(kBig, now_), now_);
  EXPECT_TRUE(all_.forget(kBig));
  EXPECT_LE(all_.goes_at(kBig, now_), now_);
  EXPECT_FALSE(all_.forget(kBig));
}

TEST_F(ThrottlesTest, RemembersABoundedNumber) {
  for (int i = 0; i < 5000; ++i) {
    from_.signing_domain = "d" + std::to_string(i) + ".example";
    hear("dkim");
    ++now_;
  }
  EXPECT_LE(all_.effects(kBig, now_).size(), 1000U);
  EXPECT_EQ(wait(), 0);
  EXPECT_GT(wait(), 0) << "the last one is known";
}

} // namespace
} // namespace paquebot::queue
