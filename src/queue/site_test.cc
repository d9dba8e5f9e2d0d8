#include "queue/site.h"

#include <gtest/gtest.h>

namespace paquebot::queue {
namespace {

constexpr std::int64_t kBegin = 1'800'000'000'000, kSecond = 1000, kMinute = 60 * kSecond;

TEST(Site, AConnectionTooManyTakesThreeTenthsAndNoMoreThanWereLetIn) {
  Site site;
  EXPECT_EQ(site.window(10), 10U);
  site.too_many(kBegin, 10, 9, "421 too many");
  EXPECT_EQ(site.window(10), 7U);
  site.too_many(kBegin + kSecond, 10, 7, "421 too many");
  EXPECT_EQ(site.window(10), 7U) << "it was refused with the first";
  EXPECT_EQ(site.calm_until(), kBegin + 5 * kSecond);
  site.too_many(kBegin + 5 * kSecond, 10, 2, "421 too many");
  EXPECT_EQ(site.window(10), 2U);
  site.too_many(kBegin + kMinute, 10, 0, "421 too many");
  site.too_many(kBegin + 2 * kMinute, 10, 0, "421 too many");
  EXPECT_EQ(site.window(10), 1U) << "one always may be";
  EXPECT_EQ(site.window(0), 0U);
}

TEST(Site, TenFullWindowsAreOneConnectionMore) {
  Site site;
  site.too_many(kBegin, 4, 2, "421 too many");
  ASSERT_EQ(site.window(4), 2U);
  for (int i = 0; i < 100; ++i) site.judged(kBegin, 4, false);
  EXPECT_EQ(site.window(4), 2U) << "there was room";
  for (int i = 0; i < 19; ++i) site.judged(kBegin, 4, true);
  EXPECT_EQ(site.window(4), 2U);
  site.judged(kBegin, 4, true);
  EXPECT_EQ(site.window(4), 3U);
  for (int i = 0; i < 30; ++i) site.judged(kBegin, 4, true);
  EXPECT_EQ(site.window(4), 4U);
  EXPECT_FALSE(site.knows_something()) << "as many as are configured";
}

TEST(Site, WhoIsTooFastIsSlowedDownAndGetsFasterAgain) {
  Site site;
  std::int64_t now = kBegin;
  for (int i = 0; i < 100; ++i, now += 100) site.begins(now); // ten a second
  site.too_fast(now, "421 4.7.28 too fast");
  const std::int64_t interval = site.learned().interval;
  EXPECT_NEAR(static_cast<double>(interval), 100 / 0.85, 3);
  EXPECT_GT(site.goes_at(now), now);
  EXPECT_LE(site.goes_at(now), now + interval);
  site.too_fast(now + kSecond, "421 4.7.28 too fast");
  EXPECT_EQ(site.learned().interval, interval) << "it was said of the same";
  now += 30 * kSecond;
  site.begins(now);
  EXPECT_EQ(site.learned().interval, interval);
  now += kMinute;
  site.begins(now);
  EXPECT_EQ(site.learned().interval, interval * 20 / 21);
  EXPECT_EQ(site.goes_at(now), now + site.learned().interval);
  now += 20 * kMinute;
  site.begins(now);
  EXPECT_EQ(site.learned().interval, 0) << "it is twice as fast";
  EXPECT_FALSE(site.knows_something());
}

TEST(Site, AWordAboutAFewMessagesIsSoonForgottenUnlessItIsSaidAgain) {
  for (const int messages : {0, 1, 9}) {
    Site site;
    std::int64_t now = kBegin;
    for (int i = 0; i < messages; ++i, now += 20) site.begins(now);
    site.too_fast(now, "451 4.7.1 too fast");
    EXPECT_GT(site.learned().interval, 0) << messages;
    EXPECT_LE(site.learned().interval, 1200) << messages;
    now += 89 * kSecond;
    site.begins(now);
    EXPECT_GT(site.learned().interval, 0) << messages;
    now += kSecond;
    site.begins(now);
    EXPECT_EQ(site.learned().interval, 0) << messages << ", half a minute and a quiet one";
    EXPECT_FALSE(site.knows_something());
  }
  Site before;
  before.too_fast(kBegin, "451 4.7.1 too fast");
  Site restarted(before.learned());
  restarted.begins(kBegin + kMinute);
  EXPECT_GT(restarted.learned().interval, 0);
  restarted.begins(kBegin + 2 * kMinute);
  EXPECT_FALSE(restarted.knows_something()) << "a restart does not make it worse";
  Site again;
  again.begins(kBegin);
  again.too_fast(kBegin, "451 4.7.1 too fast");
  const std::int64_t first = again.learned().interval;
  again.begins(kBegin + 40 * kSecond);
  again.too_fast(kBegin + 40 * kSecond, "451 4.7.1 too fast");
  const std::int64_t slower = again.learned().interval;
  EXPECT_GT(slower, first);
  again.begins(kBegin + 140 * kSecond);
  EXPECT_EQ(again.learned().interval, slower * 20 / 21) << "it was meant";
}

TEST(Site, WhoBlocksUsIsAskedByOneMessageAfterPausesThatGetLonger) {
  Site site;
  site.blocked(kBegin, "554 blocked");
  EXPECT_EQ(site.goes_at(kBegin), kBegin + 10 * kMinute);
  site.blocked(kBegin + kSecond, "554 blocked");
  EXPECT_EQ(site.goes_at(kBegin), kBegin + 10 * kMinute) << "it was on its way";
  EXPECT_EQ(site.window(10), 1U);
  std::int64_t now = kBegin + 10 * kMinute, pause = 20 * kMinute;
  for (int i = 0; i < 8; ++i) {
    site.blocked(now, "554 blocked");
    EXPECT_EQ(site.learned().pause_until, now + std::min(pause, 240 * kMinute));
    now = site.learned().pause_until;
    pause *= 2;
  }
  EXPECT_LE(site.goes_at(now), now);
  site.judged(now, 10, true);
  EXPECT_EQ(site.window(10), 10U);
}

TEST(Site, WhatAConnectionTakesIsRememberedForAnHour) {
  Site site;
  site.used_up(kBegin, 50);
  EXPECT_EQ(site.per_connection(kBegin + 59 * kMinute), 50U);
  EXPECT_EQ(site.per_connection(kBegin + 60 * kMinute), 0U);
}

TEST(Site, AClockThatJumpsHoldsNothingUp) {
  Site site;
  site.begins(kBegin);
  site.too_fast(kBegin, "slow");
  const std::int64_t before = kBegin - 86'400 * kSecond;
  EXPECT_LE(site.goes_at(before), before + site.learned().interval);
  site.begins(before);
  site.begins(before + kMinute);
  site.begins(before + 60 * kMinute);
  EXPECT_EQ(site.learned().interval, 0);
}

} // namespace
} // namespace paquebot::queue
