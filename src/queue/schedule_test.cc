#include "queue/schedule.h"

#include <gtest/gtest.h>
#include <set>

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

TEST(Schedule, RecipientsOfOneMessageStayTogether) {
  const Schedule s;
  const std::int64_t now = 1'767'225'600'000;
  for (const std::uint32_t seed : {0u, 1u, 12345u, 0xffffffffu})
    for (const std::uint32_t attempts : {1u, 2u, 5u, 100u}) {
      const std::int64_t wait = retry_after(s, attempts, 0).count() * 10 / 9; // without the jitter
      std::set<std::int64_t> moments;
      for (std::int64_t later = 0; later < wait / 5; later += 1000) {
        const std::int64_t at = retry_at(s, attempts, seed, now + later);
        EXPECT_GE(at - now - later, wait * 9 / 10);
        EXPECT_LE(at - now - later, wait * 11 / 10 + 1);
        moments.insert(at);
      }
      EXPECT_LE(moments.size(), 2u) << "one moment for all that fail within a fifth of the wait, or two";
    }
}

TEST(Schedule, MessagesThatFailTogetherComeBackApart) {
  const Schedule s;
  std::set<std::int64_t> moments;
  for (std::uint32_t seed = 0; seed < 100; ++seed)
    moments.insert(retry_at(s, 1, seed * 2654435761u, 1'767'225'600'000));
  EXPECT_GT(moments.size(), 90u);
}

TEST(Schedule, IsAlwaysLater) {
  for (const int seconds : {0, 1}) {
    const Schedule s{.first = std::chrono::seconds(seconds), .most = std::chrono::seconds(seconds)};
    for (std::int64_t now = 1000; now < 1300; ++now) EXPECT_GT(retry_at(s, 3, 77, now), now);
  }
}

} // namespace
} // namespace paquebot::queue
