#include "base/fake_clock.h"
#include "directory/login_throttle.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace paquebot::directory {
namespace {

using namespace std::chrono_literals;

class LoginThrottleTest : public ::testing::Test {
protected:
  /// One wrong password; false when it was refused without a look.
  bool guess(const std::string& address, const std::string& name) {
    if (throttle.begin(address, name).count() > 0) return false;
    delay = throttle.failed(address, name, "smtp");
    return true;
  }
  bool log_in(const std::string& address, const std::string& name) {
    if (throttle.begin(address, name).count() > 0) return false;
    throttle.succeeded(address, name, name, "pop3");
    return true;
  }
  unsigned guesses_until_refused(const std::string& address, const std::string& name) {
    for (unsigned i = 0; i < 1000; ++i)
      if (!guess(address, name)) return i;
    return 1000;
  }

  FakeClock clock;
  LoginThrottle throttle{clock, {.per_address = 20, .per_account = 50, .refused_for = 15min}};
  std::chrono::milliseconds delay{0};
};

TEST_F(LoginThrottleTest, AnAddressIsSlowedDownThenRefusedForAWhile) {
  EXPECT_TRUE(guess("192.0.2.1", "ann@example.org"));
  EXPECT_EQ(delay, 0ms) << "anybody may mistype once or twice";
  auto last = delay;
  for (int i = 1; i < 20; ++i) {
    ASSERT_TRUE(guess("192.0.2.1", "name" + std::to_string(i)));
    EXPECT_GE(delay, last);
    last = delay;
  }
  EXPECT_GT(last, 2000ms);
  EXPECT_LE(last, 8000ms);
  EXPECT_EQ(throttle.begin("192.0.2.1", "other"), 15min);
  EXPECT_TRUE(guess("192.0.2.2", "other"));
  clock.advance(14min);
  EXPECT_EQ(throttle.begin("192.0.2.1", "other"), 1min);
  clock.advance(61s);
  EXPECT_TRUE(guess("192.0.2.1", "other"));
}

TEST_F(LoginThrottleTest, FailuresAreForgiven) {
  for (int i = 0; i < 200; ++i) {
    ASSERT_TRUE(guess("192.0.2.1", "ann@example.org")) << i;
    clock.advance(60s);
  }
  EXPECT_LE(throttle.facts("ann@example.org").failures, 1u);
}

TEST_F(LoginThrottleTest, AnAccountIsGuardedAgainstManyAddresses) {
  unsigned taken = 0;
  for (int i = 0; i < 200; ++i) taken += guess("192.0.2." + std::to_string(i), "Ann@Example.org") ? 1 : 0;
  EXPECT_EQ(taken, 50u);
  const auto facts = throttle.facts("ann@example.org");
  EXPECT_GT(facts.refused_until, millis(clock.wall()));
  EXPECT_EQ(facts.failed.size(), 4u);
  EXPECT_TRUE(guess("192.0.2.1", "bob@example.org")) << "others are not concerned";
}

TEST_F(LoginThrottleTest, NobodyIsLockedOutFromWhereTheyUsuallyAre) {
  ASSERT_TRUE(log_in("198.51.100.1", "ann@example.org"));
  for (int i = 0; i < 200; ++i) guess("192.0.2." + std::to_string(i), "ann@example.org");
  EXPECT_TRUE(log_in("198.51.100.1", "ann@example.org")) << "strangers guess at the account";
  EXPECT_FALSE(log_in("198.51.100.2", "ann@example.org"));
  EXPECT_EQ(guesses_until_refused("198.51.100.1", "bob@example.org"), 20u);
  EXPECT_TRUE(log_in("198.51.100.1", "ann@example.org")) << "a neighbour guesses from the same address";
  EXPECT_EQ(guesses_until_refused("198.51.100.1", "ann@example.org"), 20u) << "and still nobody may guess for ever";
}

TEST_F(LoginThrottleTest, AHundredAtOnceAreAHundred) {
  unsigned begun = 0;
  for (int i = 0; i < 100; ++i) begun += throttle.begin("192.0.2.1", "ann@example.org").count() == 0 ? 1 : 0;
  EXPECT_EQ(begun, 20u);
}

TEST_F(LoginThrottleTest, SuccessesAndOurOwnFailuresCountForNothing) {
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(log_in("192.0.2.1", "name" + std::to_string(i)));
  for (int i = 0; i < 100; ++i) {
    ASSERT_EQ(throttle.begin("192.0.2.3", "ann@example.org").count(), 0);
    throttle.withdrawn("192.0.2.3", "ann@example.org");
  }
  EXPECT_EQ(throttle.facts("name7").succeeded.address, "192.0.2.1");
}

TEST_F(LoginThrottleTest, ASubscribersIpv6AddressesAreOne) {
  unsigned taken = 0;
  for (int i = 1; i < 100; ++i)
    taken += guess("2001:db8:1:2::" + std::to_string(i), "name" + std::to_string(i)) ? 1 : 0;
  EXPECT_EQ(taken, 20u);
  EXPECT_TRUE(guess("2001:db8:1:3::1", "x"));
}

TEST_F(LoginThrottleTest, ASiteCountsAsWell) {
  ASSERT_TRUE(log_in("2001:db8:1:ffff::7", "ann@example.org"));
  unsigned begun = 0;
  for (int i = 0; i < 2500; ++i) {
    const std::string address = fmt::format("2001:db8:1:{:x}::1", i);
    begun += throttle.begin(address, "name" + std::to_string(i)).count() == 0 ? 1 : 0;
  }
  EXPECT_EQ(begun, 20u * kSite) << "each from a network of its own, all of one site";
  EXPECT_TRUE(guess("2001:db8:2:1::1", "x")) << "another site";
  EXPECT_TRUE(log_in("2001:db8:1:ffff::8", "ann@example.org")) << "who is known there is no part of it";
  EXPECT_FALSE(log_in("2001:db8:1:ffff::8", "bob@example.org"));
}

TEST_F(LoginThrottleTest, WhoGetsTheNameOfARemovedAccountInheritsNothing) {
  ASSERT_TRUE(log_in("198.51.100.1", "ann@example.org"));
  ASSERT_TRUE(log_in("198.51.100.1", "bob@example.org"));
  throttle.forget("Ann@example.org");
  EXPECT_FALSE(throttle.knows("198.51.100.1", "ann@example.org"));
  EXPECT_TRUE(throttle.knows("198.51.100.1", "bob@example.org"));
  EXPECT_TRUE(throttle.facts("ann@example.org").succeeded.address.empty());
  const auto rows = throttle.take_changes(10);
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].first, "bob@example.org");
}

TEST_F(LoginThrottleTest, KnownAddressesOutliveTheProcess) {
  ASSERT_TRUE(log_in("198.51.100.1", "ann@example.org"));
  ASSERT_TRUE(log_in("2001:db8:1:2::7", "ann@example.org"));
  const auto rows = throttle.take_changes(10);
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].first, "ann@example.org");
  EXPECT_TRUE(throttle.take_changes(10).empty());
  ASSERT_TRUE(log_in("198.51.100.1", "ann@example.org"));
  EXPECT_TRUE(throttle.take_changes(10).empty()) << "told today already";
  clock.advance(25h);
  ASSERT_TRUE(log_in("198.51.100.1", "ann@example.org"));
  EXPECT_EQ(throttle.take_changes(10).size(), 1u);

  LoginThrottle next(clock, {.per_address = 20, .per_account = 50, .refused_for = 15min});
  next.load(rows[0].first, rows[0].second);
  for (int i = 0; i < 200; ++i) next.begin("192.0.2." + std::to_string(i), "ann@example.org");
  EXPECT_GT(next.begin("198.51.100.2", "ann@example.org").count(), 0) << "strangers guess";
  EXPECT_EQ(next.begin("198.51.100.1", "Ann@example.org").count(), 0) << "she is where she usually is";
  EXPECT_EQ(next.begin("2001:db8:1:2::99", "ann@example.org").count(), 0);
  EXPECT_TRUE(next.take_changes(10).empty());
}

TEST_F(LoginThrottleTest, WhereAnybodyLoggedInLatelyIsKnown) {
  EXPECT_FALSE(throttle.is_used("2001:db8:1:2::8"));
  ASSERT_TRUE(log_in("2001:db8:1:2::7", "ann@example.org"));
  EXPECT_TRUE(throttle.is_used("2001:db8:1:2::8"));
  EXPECT_FALSE(throttle.is_used("2001:db8:1:3::8"));
  ASSERT_TRUE(guess("198.51.100.1", "ann@example.org"));
  EXPECT_FALSE(throttle.is_used("198.51.100.1"));
  const auto rows = throttle.take_changes(10);
  LoginThrottle next(clock);
  next.load(rows.at(0).first, rows[0].second);
  EXPECT_TRUE(next.is_used("2001:db8:1:2::9"));
  clock.advance(31 * 24h);
  EXPECT_FALSE(next.is_used("2001:db8:1:2::9"));
}

TEST_F(LoginThrottleTest, WhatIsKnownAgesAndIsBounded) {
  ASSERT_TRUE(log_in("198.51.100.1", "ann@example.org"));
  const auto rows = throttle.take_changes(10);
  clock.advance(24h * 31);
  EXPECT_FALSE(throttle.knows("198.51.100.1", "ann@example.org"));
  LoginThrottle next(clock);
  next.load(rows.at(0).first, rows.at(0).second);
  EXPECT_FALSE(next.knows("198.51.100.1", "ann@example.org"));
  const auto gone = next.take_changes(10);
  ASSERT_EQ(gone.size(), 1u);
  EXPECT_EQ(gone[0].second, "") << "the row is of no use any more";
  for (const char* damaged :
       {"", "=", "x", "=5", "198.51.100.1=", "198.51.100.1=-1", " = = ", "a=99999999999999999999"})
    next.load("bob@example.org", damaged);
  EXPECT_FALSE(next.knows("198.51.100.1", "bob@example.org"));
  next.load("bob@example.org", "198.51.100.1=9999999999999");
  EXPECT_TRUE(next.knows("198.51.100.1", "bob@example.org")) << "a clock that was ahead";
  clock.advance(24h * 31);
  EXPECT_FALSE(next.knows("198.51.100.1", "bob@example.org"));

  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(log_in("198.51.100." + std::to_string(i), "ann@example.org"));
    clock.advance(1s);
  }
  EXPECT_FALSE(throttle.knows("198.51.100.91", "ann@example.org"));
  EXPECT_TRUE(throttle.knows("198.51.100.92", "ann@example.org"));
  EXPECT_LE(throttle.take_changes(10).at(0).second.size(), 600u);
  throttle.put_back("ann@example.org");
  EXPECT_EQ(throttle.take_changes(10).size(), 1u);
}

TEST_F(LoginThrottleTest, TablesAreBounded) {
  for (int i = 0; i < 20000; ++i)
    guess("10." + std::to_string(i >> 16) + "." + std::to_string((i >> 8) & 255) + "." + std::to_string(i & 255),
          "name" + std::to_string(i));
  EXPECT_TRUE(throttle.facts("name1").failed.empty()) << "forgotten";
  EXPECT_EQ(throttle.facts("name19999").failed.size(), 1u);
}

} // namespace
} // namespace paquebot::directory
