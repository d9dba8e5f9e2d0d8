#include "delivery/doors.h"
#include "delivery/report_bounds.h"

#include <gtest/gtest.h>

namespace paquebot::delivery {
namespace {

TEST(Doors, AreAddressesAndNetworksOfOneHost) {
  EXPECT_EQ(Doors::door_of("192.0.2.1", 25), "192.0.2.1:25");
  EXPECT_NE(Doors::door_of("192.0.2.1", 25), Doors::door_of("192.0.2.1", 26));
  EXPECT_NE(Doors::door_of("192.0.2.1", 25), Doors::door_of("192.0.2.2", 25));
  EXPECT_EQ(Doors::door_of("2001:db8:1:2::1", 25), "2001:db8:1:2::/64:25");
  EXPECT_EQ(Doors::door_of("2001:db8:1:2:ffff::1", 25), Doors::door_of("2001:db8:1:2::1", 25));
  EXPECT_NE(Doors::door_of("2001:db8:1:3::1", 25), Doors::door_of("2001:db8:1:2::1", 25));
  EXPECT_EQ(Doors::door_of("fe80::1%eth0", 25), "fe80::/64:25");
  EXPECT_EQ(Doors::door_of("/run/lmtp", 25), "");
}

TEST(Doors, CountUntilTheyAreLeft) {
  Doors doors;
  int left = 0;
  doors.on_left([&] { ++left; });
  DoorHold first = doors.enter("a");
  {
    DoorHold second = doors.enter("a");
    EXPECT_FALSE(doors.room("a", 2));
    EXPECT_TRUE(doors.room("a", 3));
    EXPECT_TRUE(doors.room("b", 1));
    first = std::move(second); // lets go of its own
    EXPECT_EQ(doors.count("a"), 1u);
  }
  EXPECT_EQ(doors.count("a"), 1u);
  first.leave();
  EXPECT_EQ(first.door(), "") << "it is nobody's place there any more";
  first.leave();
  EXPECT_EQ(doors.size(), 0u);
  EXPECT_EQ(left, 2);
  DoorHold none = doors.enter("");
  EXPECT_EQ(doors.size(), 0u);
}

TEST(ReportBounds, AnAddressIsWrittenToSoOftenAnHour) {
  ReportBounds bounds;
  const Instant now{std::chrono::hours(5)};
  int sent = 0;
  for (int i = 0; i < 30; ++i) sent += bounds.allow(i % 2 == 0 ? "a@b.test" : "A@B.test", true, now) ? 1 : 0;
  EXPECT_EQ(sent, 20);
  EXPECT_TRUE(bounds.allow("c@b.test", true, now));
  EXPECT_FALSE(bounds.allow("a@b.test", true, now + std::chrono::minutes(59)));
  EXPECT_TRUE(bounds.allow("a@b.test", true, now + std::chrono::minutes(61)));
}

TEST(ReportBounds, ADomainThatTakesNothingToo) {
  ReportBounds bounds;
  const Instant now{std::chrono::hours(5)};
  int unknown = 0, known = 0;
  for (int i = 0; i < 200; ++i) {
    unknown += bounds.allow("a" + std::to_string(i) + "@silent.test", false, now) ? 1 : 0;
    known += bounds.allow("a" + std::to_string(i) + "@good.test", true, now) ? 1 : 0;
  }
  EXPECT_EQ(unknown, 100);
  EXPECT_EQ(known, 200);
}

TEST(ReportBounds, AreBounded) {
  ReportBounds bounds(10);
  for (int i = 0; i < 100; ++i) bounds.allow("a@" + std::to_string(i) + ".test", false, Instant{std::chrono::hours(i)});
  EXPECT_LE(bounds.size(), 11u);
  for (int i = 0; i < 100; ++i)
    bounds.allow("b" + std::to_string(i) + "@x.test", true, Instant{std::chrono::hours(200)});
  EXPECT_LE(bounds.size(), 11u);
}

} // namespace
} // namespace paquebot::delivery
