#include "app/processors.h"

#include <gtest/gtest.h>
#include <sched.h>

namespace paquebot::app {
namespace {

TEST(Processors, QuotaOfAControlGroup) {
  struct Case {
    std::string_view text;
    std::optional<unsigned> processors;
  };
  const Case cases[] = {
      {"100000 100000", 1},
      {"150000 100000", 2},
      {"50000 100000", 1},
      {"400000 100000\n", 4},
      {"max 100000", {}},
      {"", {}},
      {"100000", {}},
      {"100000 ", {}},
      {"100000 0", {}},
      {"0 100000", {}},
      {"-1 100000", {}},
      {"99999999999999999999 1", {}},
      {"x y", {}},
      {"100000 x", {}},
      {"18446744073709551615 1", 65536},
  };
  for (const Case& c : cases) EXPECT_EQ(quota_of(c.text), c.processors) << '"' << c.text << '"';
}

TEST(Processors, OnlyThoseThatTheProcessIsBoundTo) {
  cpu_set_t before;
  ASSERT_EQ(sched_getaffinity(0, sizeof before, &before), 0);
  cpu_set_t one;
  CPU_ZERO(&one);
  for (int i = 0; i < CPU_SETSIZE && CPU_COUNT(&one) == 0; ++i)
    if (CPU_ISSET(i, &before)) CPU_SET(i, &one);
  ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
  EXPECT_EQ(usable_processors(), 1u);
  ASSERT_EQ(sched_setaffinity(0, sizeof before, &before), 0);
}

TEST(Processors, OneIsLeftForTheStore) {
  EXPECT_EQ(default_session_threads(1), 1u);
  EXPECT_EQ(default_session_threads(2), 1u);
  EXPECT_EQ(default_session_threads(8), 7u);
  EXPECT_EQ(default_session_threads(4096), 256u);
}

TEST(Processors, DeliveriesGrowWithMemory) {
  constexpr std::uint64_t kMiB = 1u << 20;
  EXPECT_EQ(default_deliveries(0), 1000u); // not known
  EXPECT_EQ(default_deliveries(512 * kMiB), 1000u);
  EXPECT_EQ(default_deliveries(2048 * kMiB), 2048u);
  EXPECT_EQ(default_deliveries(65536 * kMiB), 4000u);
  EXPECT_EQ(default_message_memory(0), 64 * kMiB);
  EXPECT_EQ(default_message_memory(4096 * kMiB), 512 * kMiB);
  EXPECT_EQ(default_message_memory(65536 * kMiB), 1024 * kMiB);
  EXPECT_GT(usable_memory(), 16 * kMiB);
}

} // namespace
} // namespace paquebot::app
