#include "directory/network_watch.h"
#include "directory/test_server.h"

#include <gtest/gtest.h>

namespace paquebot::directory {
namespace {

class NetworkWatchTest : public testing::Test {
protected:
  unsigned note(store::Id account, const std::string& address) {
    return run_task(watch_.note(account, address)).value();
  }

  TestServer server_;
  NetworkWatch watch_{server_.store().books()};
};

TEST_F(NetworkWatchTest, TellsWhenThereAreTooMany) {
  EXPECT_EQ(note(1, "192.0.2.1"), 0u) << "off until it is configured";
  watch_.configure(3);
  const struct {
    const char* address;
    unsigned told;
  } logins[] = {
      {"192.0.2.1", 0},
      {"192.0.2.200", 0},
      {"198.51.100.1", 0},
      {"2001:db8:1:1::1", 0},
      {"2001:db8:1:2::9", 0},
      {"2001:db8:2::1", 4}, // the fourth network
      {"unix", 5},
      {"", 5}, // no addresses: one network together
  };
  for (const auto& login : logins) EXPECT_EQ(note(1, login.address), login.told) << login.address;
  EXPECT_EQ(note(2, "192.0.2.1"), 0u) << "each account for itself";
  watch_.configure(0);
  EXPECT_EQ(note(1, "203.0.113.1"), 0u);
}

} // namespace
} // namespace paquebot::directory
