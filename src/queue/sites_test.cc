#include "queue/sites.h"

#include <gtest/gtest.h>

namespace paquebot::queue {
namespace {

constexpr std::int64_t kAt = 1'800'000'000'000;

TEST(Sites, HaveRoomForAsManyAsAreConfiguredOrLearnt) {
  Sites sites;
  EXPECT_TRUE(sites.room("s", 2, kAt));
  EXPECT_FALSE(sites.room("s", 0, kAt));
  sites.enter("s");
  EXPECT_TRUE(sites.room("s", 2, kAt));
  sites.enter("s");
  EXPECT_FALSE(sites.room("s", 2, kAt));
  EXPECT_TRUE(sites.room("t", 2, kAt));
  sites.leave("s");
  sites.leave("s");
  EXPECT_TRUE(sites.all().empty()) << "nothing is known of it";
}

TEST(Sites, ALaneThatAllOthersWorkForGetsNotTheLastPlace) {
  Sites sites;
  const auto room = [&](std::vector<store::Id> lanes, unsigned most = 3) { return sites.room("s", most, kAt, lanes); };
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(room({4}));
    sites.enter("s");
    sites.shares("s").takes_up(4);
  }
  EXPECT_EQ(sites.find("s")->shares.full(3), 4);
  EXPECT_FALSE(room({4}));
  EXPECT_TRUE(room({4, 6}));
  EXPECT_TRUE(room({6}));
  EXPECT_TRUE(room({})) << "nobody knows what it will find";
  EXPECT_TRUE(room({4}, 4)) << "there are more places";
  sites.line_up("s", "a", {4}, kAt);
  EXPECT_TRUE(sites.crowded(3));
  sites.enter("s");
  sites.shares("s").takes_up(6);
  EXPECT_FALSE(room({8})) << "it was the last one";
  sites.shares("s").puts_down(4);
  EXPECT_FALSE(sites.find("s")->shares.full(3));
}

TEST(Sites, OfTwoPlacesNoneIsKept) {
  Sites sites;
  sites.enter("s");
  sites.shares("s").takes_up(4);
  EXPECT_FALSE(sites.find("s")->shares.full(2));
  EXPECT_TRUE(sites.room("s", 2, kAt, {4}));
}

TEST(Sites, ThoseThatWaitGoOfEachLaneInTurn) {
  Sites sites;
  for (int i = 0; i < 5; ++i) sites.line_up("s", "many" + std::to_string(i), {2}, kAt);
  sites.line_up("s", "many0", {2, 4}, kAt); // where another lane has something too
  sites.line_up("s", "lone", {6}, kAt);
  EXPECT_EQ(sites.find("s")->waiting(), 6U);
  EXPECT_EQ(sites.next("s"), "many0");
  EXPECT_EQ(sites.next("s"), "lone") << "many0 went already";
  for (int i = 1; i < 5; ++i) EXPECT_EQ(sites.next("s"), "many" + std::to_string(i));
  EXPECT_EQ(sites.next("s"), std::nullopt);
  EXPECT_FALSE(sites.anybody_waits("s"));
  EXPECT_EQ(sites.next("never"), std::nullopt);
}

TEST(Sites, OneThatIsWaitedForAndHasToPauseRings) {
  Sites sites;
  sites.at("s").pause(kAt, kAt + 1000, "an operator");
  EXPECT_FALSE(sites.room("s", 9, kAt));
  EXPECT_FALSE(sites.first_timer()) << "nobody waits";
  sites.line_up("s", "a", {}, kAt);
  EXPECT_EQ(sites.first_timer(), kAt + 1000);
  EXPECT_FALSE(sites.ring(kAt + 999));
  EXPECT_EQ(sites.ring(kAt + 1000), "s");
  EXPECT_FALSE(sites.ring(kAt + 1000));
  EXPECT_TRUE(sites.room("s", 9, kAt + 1000));
}

TEST(Sites, ThoseThatWaitForOneAddressGoOnOneAfterTheOther) {
  Sites sites;
  for (const char* key : {"s", "t", "u"}) {
    sites.line_up(key, "a", {}, kAt);
    sites.shut(key, "192.0.2.1:25", kAt);
    EXPECT_FALSE(sites.room(key, 9, kAt));
  }
  EXPECT_TRUE(sites.crowded(9));
  EXPECT_FALSE(sites.open("192.0.2.2:25"));
  EXPECT_EQ(sites.open("192.0.2.1:25"), "s");
  EXPECT_TRUE(sites.room("s", 9, kAt));
  EXPECT_FALSE(sites.room("t", 9, kAt + 9'999));
  EXPECT_TRUE(sites.room("t", 9, kAt + 10'000)) << "whatever became of the others";
  EXPECT_EQ(sites.open("192.0.2.1:25"), "t");
  EXPECT_EQ(sites.open("192.0.2.1:25"), "u");
  EXPECT_FALSE(sites.open("192.0.2.1:25"));
  EXPECT_FALSE(sites.crowded(9));
}

TEST(Sites, WhatIsRememberedIsBounded) {
  Sites sites(100);
  for (int i = 0; i < 1000; ++i) {
    const std::string key = std::to_string(i);
    sites.enter(key);
    sites.at(key).used_up(kAt + i, 5);
    sites.learnt(key);
    sites.leave(key);
  }
  EXPECT_LE(sites.all().size(), 101U);
  EXPECT_NE(sites.find("999"), nullptr);
  EXPECT_LE(sites.unsaved(2000).size(), 101U);
  EXPECT_TRUE(sites.unsaved(2000).empty());
}

} // namespace
} // namespace paquebot::queue
