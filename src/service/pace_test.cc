#include "service/pace.h"

#include <gtest/gtest.h>

namespace paquebot::service {
namespace {

using namespace std::chrono_literals;

TEST(Pace, WhoDripsHasAWindow) {
  Pace pace(4096);
  EXPECT_EQ(pace.left(), Pace::kWindow);
  for (int i = 0; i < 17; ++i) pace.came(1, 10s);
  EXPECT_EQ(pace.left(), 10s);
  pace.came(0, 10s);
  EXPECT_LE(pace.left(), 0s);
}

TEST(Pace, WhoIsFastEnoughGoesOnForever) {
  Pace pace(4096);
  for (int i = 0; i < 10'000; ++i) {
    pace.came(4096, 60s);
    ASSERT_GT(pace.left(), 0s) << i;
  }
}

TEST(Pace, AStallIsForgivenWithinTheWindow) {
  Pace pace(4096);
  pace.came(10'000, 170s);
  EXPECT_EQ(pace.left(), 10s);
  pace.came(3 * 4096 - 10'000, 5s);
  EXPECT_EQ(pace.left(), Pace::kWindow);
}

TEST(Pace, MayBeOff) {
  Pace pace(0);
  pace.came(0, 24h);
  EXPECT_EQ(pace.left(), Pace::Duration::max());
}

} // namespace
} // namespace paquebot::service
