#include "base/fake_clock.h"
#include "directory/network_watch.h"

#include <gtest/gtest.h>

namespace paquebot::directory {
namespace {

using namespace std::chrono_literals;

TEST(NetworkWatch, TellsOnceWhenThereAreTooMany) {
  FakeClock clock;
  NetworkWatch watch(clock);
  EXPECT_EQ(watch.note(1, "192.0.2.1"), 0u) << "off until it is configured";
  watch.configure(3);
  const struct {
    const char* address;
    unsigned told;
  } logins[] = {
      {"192.0.2.1", 0},       {"192.0.2.200", 0},   {"198.51.100.1", 0}, {"2001:db8:1:1::1", 0},
      {"2001:db8:1:2::9", 0}, {"2001:db8:2::1", 4}, // the fourth network
      {"192.0.2.1", 0},       {"203.0.113.1", 0},   {"unix", 0},         {"", 0},
      {"198.51.100.7", 4},
  };
  for (const auto& login : logins) EXPECT_EQ(watch.note(1, login.address), login.told) << login.address;
  EXPECT_EQ(watch.note(2, "192.0.2.1"), 0u) << "each account for itself";
}

TEST(NetworkWatch, ForgetsAfterAnHourAndWhenTold) {
  FakeClock clock;
  NetworkWatch watch(clock);
  watch.configure(2);
  EXPECT_EQ(watch.note(1, "192.0.2.1"), 0u);
  clock.advance(40min);
  EXPECT_EQ(watch.note(1, "198.51.100.1"), 0u);
  clock.advance(30min);
  EXPECT_EQ(watch.note(1, "203.0.113.1"), 0u) << "the first is too long ago";
  watch.forget(1);
  EXPECT_EQ(watch.note(1, "192.0.2.1"), 0u);
  EXPECT_EQ(watch.note(1, "198.51.100.1"), 0u);
  EXPECT_EQ(watch.note(1, "203.0.113.1"), 3u);
}

TEST(NetworkWatch, StaysBounded) {
  FakeClock clock;
  NetworkWatch watch(clock);
  watch.configure(1);
  for (store::Id account = 1; account <= 50'000; ++account) EXPECT_EQ(watch.note(account, "192.0.2.1"), 0u);
  EXPECT_EQ(watch.note(50'000, "198.51.100.1"), 2u);
}

} // namespace
} // namespace paquebot::directory
