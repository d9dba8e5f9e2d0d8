#include "delivery/places.h"

#include <gtest/gtest.h>

namespace paquebot::delivery {
namespace {

using namespace std::chrono_literals;

class PlacesTest : public testing::Test {
protected:
  void add(Share share, int number = 1) {
    for (int i = 0; i < number; ++i) places_.move("p", Share::none, share);
  }

  Places places_;
  Places::Time now_{100h};
};

TEST_F(PlacesTest, EveryShareCounts) {
  EXPECT_TRUE(places_.room("p", 3, now_));
  add(Share::opening);
  add(Share::open);
  EXPECT_TRUE(places_.room("p", 3, now_));
  places_.move("p", Share::opening, Share::refused);
  add(Share::opening);
  EXPECT_FALSE(places_.room("p", 3, now_));
  EXPECT_TRUE(places_.room("other", 3, now_));
  places_.move("p", Share::refused, Share::none);
  EXPECT_TRUE(places_.room("p", 3, now_));
  EXPECT_EQ(places_.count("p", Share::open), 1u);
  EXPECT_EQ(places_.count("p", Share::refused), 0u);
}

TEST_F(PlacesTest, AConnectionCountsWhetherItWorksOrNot) {
  add(Share::open);
  places_.move("p", Share::open, Share::working);
  add(Share::open);
  EXPECT_EQ(places_.connected("p"), 2u);
  EXPECT_EQ(places_.count("p", Share::working), 1u);
  EXPECT_FALSE(places_.room("p", 2, now_));
  places_.move("p", Share::open, Share::refused);
  places_.lower("p", now_);
  places_.move("p", Share::refused, Share::none);
  EXPECT_FALSE(places_.room("p", 2, now_)) << "one of them works: so many may be there";
  places_.move("p", Share::working, Share::none);
  EXPECT_TRUE(places_.room("p", 2, now_));
}

TEST_F(PlacesTest, ARefusedConnectionLowersTheNumberAndTimeRaisesIt) {
  add(Share::open, 3);
  add(Share::opening);
  places_.move("p", Share::opening, Share::none);
  places_.lower("p", now_);
  EXPECT_FALSE(places_.room("p", 10, now_));
  EXPECT_FALSE(places_.room("p", 10, now_ + 4min));
  EXPECT_TRUE(places_.room("p", 10, now_ + 5min));
  EXPECT_FALSE(places_.room("p", 3, now_ + 5h)) << "never beyond the configured number";
  for (int i = 0; i < 3; ++i) places_.move("p", Share::open, Share::none);
  EXPECT_TRUE(places_.room("p", 10, now_));
  add(Share::open, 3);
  EXPECT_FALSE(places_.room("p", 10, now_)) << "remembered while nobody is there";
  places_.raise("p");
  EXPECT_TRUE(places_.room("p", 10, now_));
}

TEST_F(PlacesTest, OneConnectionIsAlwaysAllowed) {
  places_.lower("p", now_);
  EXPECT_TRUE(places_.room("p", 10, now_));
  add(Share::open);
  EXPECT_FALSE(places_.room("p", 10, now_));
}

TEST_F(PlacesTest, RemembersTheMessagesOfAConnectionForAWhile) {
  EXPECT_EQ(places_.messages("p", now_), 0u);
  places_.allow_messages("p", 5, now_);
  EXPECT_EQ(places_.messages("p", now_ + 9min), 5u);
  EXPECT_EQ(places_.messages("p", now_ + 10min), 0u);
  EXPECT_EQ(places_.messages("other", now_), 0u);
}

TEST_F(PlacesTest, MemoryIsBounded) {
  add(Share::open, 2);
  places_.lower("p", now_);
  for (int i = 0; i < 30'000; ++i) places_.allow_messages("place" + std::to_string(i), 1, now_);
  EXPECT_LE(places_.size(), 10'001u);
  EXPECT_EQ(places_.count("p", Share::open), 2u);
  EXPECT_FALSE(places_.room("p", 10, now_)) << "those with a worker stay";
  places_.raise("p");
  places_.move("p", Share::open, Share::none);
  places_.move("p", Share::open, Share::none);
  EXPECT_EQ(places_.count("p", Share::open), 0u);
}

} // namespace
} // namespace paquebot::delivery
