#include "metrics/counters.h"
#include "metrics/hours.h"

#include <gtest/gtest.h>

namespace paquebot::metrics {
namespace {

constexpr std::int64_t kHour = 3'600'000;
constexpr std::int64_t kStart = 1'796'000'400'000 / kHour * kHour + 10;

TEST(Hours, TellsWhatWasCountedInEachHourSinceTheStart) {
  accepted.add(7); // before anybody looked
  Hours hours(kStart);
  accepted.add(2);
  delivered.add(3);
  deliveries.add(DeliveryResult::relayed, DeliveryTls::none);
  deliveries.add(DeliveryResult::relayed, DeliveryTls::verified);
  deliveries.add(DeliveryResult::failed, DeliveryTls::encrypted, 4);
  refused.add(Stage::recipient, Permanence::permanent, 5);
  hours.note(kStart + 60'000);
  accepted.add(1);
  hours.note(kStart + kHour);
  const auto all = hours.last(3, kStart + kHour + 5);
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[0].accepted, 0U);
  EXPECT_EQ(all[0].at, kStart - 10 - kHour);
  EXPECT_EQ(all[1].accepted, 2U);
  EXPECT_EQ(all[1].delivered, 3U);
  EXPECT_EQ(all[1].relayed, 2U);
  EXPECT_EQ(all[1].failed, 4U);
  EXPECT_EQ(all[1].refused, 5U);
  EXPECT_EQ(all[2].accepted, 1U);
  EXPECT_EQ(hours.since(), kStart);
}

TEST(Hours, ForgetsWhatIsOlderThanTwoDays) {
  Hours hours(kStart);
  accepted.add(1);
  hours.note(kStart);
  const auto later = hours.last(100, kStart + 48 * kHour);
  ASSERT_EQ(later.size(), Hours::kMost);
  for (const Hour& one : later) EXPECT_EQ(one.accepted, 0U);
}

} // namespace
} // namespace paquebot::metrics
