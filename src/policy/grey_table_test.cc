#include "policy/grey_table.h"

#include <gtest/gtest.h>

namespace paquebot::policy {
namespace {

using State = store::GreyRow::State;
constexpr std::int64_t kMinute = 60'000, kHour = 60 * kMinute, kDay = 24 * kHour;
constexpr std::int64_t kStart = 1'800'000'000'000;

class GreyTableTest : public ::testing::Test {
protected:
  std::int64_t ask(const std::string& address, const std::string& recipient = "b@ours.test") {
    return ask(table, address, "a@far.test", recipient);
  }
  std::int64_t ask(GreyTable& of, const std::string& address, const std::string& sender,
                   const std::string& recipient) const {
    return of.ask(rules, GreyTable::caller(address, sender, recipient), now).count();
  }
  GreyTable table;
  GreylistRules rules;
  std::int64_t now = kStart;
};

TEST_F(GreyTableTest, WhoComesAgainInTimePasses) {
  EXPECT_EQ(ask("192.0.2.1"), 60);
  now += 20'000;
  EXPECT_EQ(ask("192.0.2.1"), 40) << "too soon";
  now += 40'000;
  EXPECT_EQ(ask("192.0.2.77"), 0) << "another host of the same network";
  EXPECT_EQ(ask("192.0.2.1", "other@ours.test"), 0) << "and then everything from there";
  EXPECT_EQ(ask("192.0.3.1"), 60);
}

TEST_F(GreyTableTest, AClockThatWasAheadRefusesNobodyUntilThen) {
  now += 400 * kDay;
  ask("192.0.2.1");
  now -= 400 * kDay;
  EXPECT_EQ(ask("192.0.2.1"), 60) << "as if it had come now";
  now += kMinute;
  EXPECT_EQ(ask("192.0.2.1"), 0);
}

TEST_F(GreyTableTest, WhoComesTooLateBeginsAnew) {
  ask("192.0.2.1");
  now += kDay + kMinute;
  EXPECT_EQ(ask("192.0.2.1"), 60);
}

TEST_F(GreyTableTest, WhoIsNotSeenForLongIsForgotten) {
  ask("192.0.2.1");
  now += kHour;
  EXPECT_EQ(ask("192.0.2.1"), 0);
  for (int i = 0; i < 3; ++i) {
    now += 30 * kDay;
    EXPECT_EQ(ask("192.0.2.1"), 0) << "each message renews it";
  }
  now += 37 * kDay;
  EXPECT_EQ(ask("192.0.2.1"), 60);
}

TEST_F(GreyTableTest, ANetworkIsTrustedAfterSoManyPasses) {
  rules.allow_after = 2;
  ask("192.0.2.1", "one@ours.test");
  now += 2 * kMinute;
  EXPECT_EQ(ask("192.0.2.1", "one@ours.test"), 0);
  EXPECT_EQ(ask("192.0.2.1", "one@ours.test"), 0) << "the tuple itself stays known";
  EXPECT_EQ(ask("192.0.2.1", "two@ours.test"), 60);
  now += 2 * kMinute;
  EXPECT_EQ(ask("192.0.2.1", "two@ours.test"), 0);
  EXPECT_EQ(ask("192.0.2.1", "three@ours.test"), 0);
}

TEST_F(GreyTableTest, AnotherTableGoesOnWithWhatWasSaved) {
  ask("192.0.2.1");
  ask("198.51.100.1");
  now += 2 * kMinute;
  ask("192.0.2.1");
  const auto rows = table.take_changes(100);
  EXPECT_EQ(rows.size(), 3U);
  EXPECT_TRUE(table.take_changes(100).empty()) << "each change once";
  GreyTable other;
  other.learn(rows, now);
  EXPECT_EQ(ask(other, "192.0.2.1", "x@y.test", "z@ours.test"), 0);
  EXPECT_EQ(ask(other, "198.51.100.1", "a@far.test", "b@ours.test"), 0);
  EXPECT_EQ(ask(other, "203.0.113.1", "a@far.test", "b@ours.test"), 60);
  GreyTable late;
  late.learn(rows, now + 40 * kDay);
  EXPECT_EQ(late.size(), 0U);
}

TEST_F(GreyTableTest, WhatAnotherNodeKnowsIsMerged) {
  GreyTable other;
  EXPECT_EQ(ask(other, "192.0.2.1", "a@far.test", "b@ours.test"), 60);
  now += 40'000;
  EXPECT_EQ(ask("192.0.2.1"), 60) << "it came here for the first time";
  table.learn(other.take_changes(100), now);
  EXPECT_EQ(ask("192.0.2.1"), 20);
  now += 20'000;
  EXPECT_EQ(ask(other, "192.0.2.1", "a@far.test", "b@ours.test"), 0);
  GreyTable third;
  EXPECT_EQ(ask(third, "192.0.2.1", "a@far.test", "b@ours.test"), 60);
  const auto rows = other.take_changes(100);
  EXPECT_EQ(rows.size(), 2U);
  third.learn(rows, now);
  EXPECT_EQ(ask(third, "192.0.2.1", "a@far.test", "b@ours.test"), 0);
  third.learn(table.take_changes(100), now); // it knows less
  EXPECT_EQ(ask(third, "192.0.2.1", "a@far.test", "b@ours.test"), 0);
}

/// Strangers may come as often and as differently as they like.
TEST_F(GreyTableTest, AFloodIsBounded) {
  ask("192.0.2.1");
  now += 2 * kMinute;
  ask("192.0.2.1");
  table.take_changes(100);
  for (std::size_t i = 0; i < GreyTable::kWaiting + 5000; ++i) {
    ask("198.51.100.1", std::to_string(i) + "@ours.test");
    if (i == 1000) table.take_changes(1000);
  }
  EXPECT_LE(table.size(), GreyTable::kWaiting + 2);
  EXPECT_EQ(ask("192.0.2.1"), 0) << "who has passed is still known";
  std::size_t gone = 0, written = 0;
  for (auto rows = table.take_changes(1000); !rows.empty(); rows = table.take_changes(1000))
    for (const auto& row : rows) (row.state == State::gone ? gone : written) += 1;
  EXPECT_EQ(gone, 1000U) << "only what the store had";
  EXPECT_EQ(written, GreyTable::kWaiting);
}

} // namespace
} // namespace paquebot::policy
