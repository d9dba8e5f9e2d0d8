#include "queue/schedule.h"

#include <gtest/gtest.h>

namespace paquebot::queue {
namespace {

TEST(Schedule, DoublesUpToTheMostWithinATenth) {
  Schedule s;
  struct Case {
    std::uint32_t attempts;
    std::int64_t seconds;
  } cases[] = {{0, 300}, {1, 300}, {2, 600}, {3, 1200}, {4, 2400}, {5, 4800}, {6, 9600}, {7, 14400}, {1000000, 14400}};
  for (auto c : cases)
    for (std::uint32_t random : {0u, 1u, 12345u, 0x7fffffffu, 0xffffffffu}) {
      auto wait = retry_after(s, c.attempts, random).count();
      EXPECT_GE(wait, c.seconds * 900) << c.attempts;
      EXPECT_LE(wait, c.seconds * 1100) << c.attempts;
    }
}

TEST(Schedule, NeverWaitsNothing) {
  Schedule s{.first = std::chrono::seconds(0), .most = std::chrono::seconds(0)};
  EXPECT_GE(retry_after(s, 5, 7).count(), 1);
}

} // namespace
} // namespace paquebot::queue
