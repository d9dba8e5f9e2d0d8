#include "base/fake_clock.h"
#include "store/network_counts.h"

#include <gtest/gtest.h>

namespace paquebot::store {
namespace {

using namespace std::chrono_literals;

TEST(NetworkCounts, CountsEachNetworkOnceUntilItIsLongAgo) {
  FakeClock clock;
  NetworkCounts counts(clock);
  EXPECT_EQ(counts.note(1, "a", 1h), 1u);
  EXPECT_EQ(counts.note(1, "a", 1h), 1u);
  clock.advance(40min);
  EXPECT_EQ(counts.note(1, "b", 1h), 2u);
  EXPECT_EQ(counts.note(2, "a", 1h), 1u) << "each account for itself";
  clock.advance(30min);
  EXPECT_EQ(counts.note(1, "c", 1h), 2u) << "the first is too long ago";
  counts.forget(1);
  EXPECT_EQ(counts.note(1, "d", 1h), 1u);
}

TEST(NetworkCounts, StayBounded) {
  FakeClock clock;
  NetworkCounts counts(clock);
  for (Id account = 1; account <= 50'000; ++account) ASSERT_EQ(counts.note(account, "a", 1h), 1u);
  EXPECT_EQ(counts.note(50'000, "b", 1h), 2u);
  for (int network = 0; network < 3000; ++network) counts.note(7, std::to_string(network), 1h);
  EXPECT_LT(counts.note(7, "one more", 1h), 2000u);
}

} // namespace
} // namespace paquebot::store
