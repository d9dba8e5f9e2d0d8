#include "delivery/doors.h"

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
  doors.on_left([&](const std::string& door) {
    EXPECT_EQ(door, "a");
    ++left;
  });
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

} // namespace
} // namespace paquebot::delivery
