#include "queue/back_off.h"

#include <gtest/gtest.h>

namespace paquebot::queue {
namespace {

TEST(BackOff, WorkersThatFailTogetherCountOnce) {
  BackOff one;
  one.fail(1000, 5000, "down");
  one.fail(1001, 6000, "still down");
  EXPECT_EQ(one.failures(), 1U);
  EXPECT_TRUE(one.rests(5999));
  EXPECT_FALSE(one.rests(6000));
  EXPECT_EQ(one.error(), "still down");
  one.fail(6000, 9000, "down");
  EXPECT_EQ(one.failures(), 2U);
}

TEST(BackOff, IsOverOnceItWorks) {
  BackOff one;
  one.fail(1000, 5000, "down");
  one.work();
  EXPECT_EQ(one.failures(), 0U);
  EXPECT_FALSE(one.rests(1001));
}

TEST(BackOff, AllThatFailBeforeItsEndAreTriedAtItsEnd) {
  const Schedule schedule;
  BackOff one;
  const std::int64_t first = one.next(schedule, 1000, 7);
  EXPECT_GE(first, 1000 + 270'000);
  EXPECT_LE(first, 1000 + 330'000);
  one.fail(1000, first, "down");
  EXPECT_EQ(one.next(schedule, first - 1, 8), first);
  EXPECT_GE(one.next(schedule, first, 8), first + 540'000) << "the second failure in a row";
}

TEST(BackOff, AClockThatWasAheadIsForgottenAndTheFailuresAreNot) {
  BackOff one;
  one.learn(9000, 4, "down");
  EXPECT_FALSE(one.end_beyond(9000));
  EXPECT_TRUE(one.rests(8999));
  EXPECT_TRUE(one.end_beyond(8999));
  EXPECT_FALSE(one.rests(0));
  EXPECT_EQ(one.failures(), 4U);
}

} // namespace
} // namespace paquebot::queue
