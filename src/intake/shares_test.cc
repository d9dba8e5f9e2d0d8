#include "intake/shares.h"
#include "net/task_group.h"
#include "net/test_support.h"

#include <deque>
#include <gtest/gtest.h>

namespace paquebot::intake {
namespace {

std::string network(const char* address) { return Shares::network_of(*mailauth::parse_ip(address)); }

TEST(Shares, AreOfNetworks) {
  EXPECT_EQ(network("192.0.2.1"), network("192.0.2.254"));
  EXPECT_NE(network("192.0.2.1"), network("192.0.3.1"));
  EXPECT_EQ(network("2001:db8:7:1::1"), network("2001:db8:7:ffff::2"));
  EXPECT_NE(network("2001:db8:7::1"), network("2001:db8:8::1"));
  EXPECT_NE(network("50.0.0.1"), network("3200::1"));
  const auto client = [](const char* address) { return Shares::client_of(*mailauth::parse_ip(address)); };
  EXPECT_NE(client("192.0.2.1"), client("192.0.2.2"));
  EXPECT_EQ(client("2001:db8:7:1::1"), client("2001:db8:7:1::2"));
  EXPECT_NE(client("2001:db8:7:1::1"), client("2001:db8:7:2::1"));
}

Task<void> wait_for(OneShot turn, bool* has) {
  co_await turn.wait();
  *has = true;
}

/// Lets all that can go on do so.
Task<bool> settle() {
  for (int i = 0; i < 5; ++i) co_await net::give_way();
  co_return true;
}

TEST(Shares, OneNetworkLeavesTheOthersTheirs) {
  Shares shares;
  net::test::Loop loop;
  const std::string greedy = network("192.0.2.1"), other = network("198.51.100.1");
  std::deque<Shares::Place> places;
  const OneShot none, first_turn, second_turn;
  for (std::size_t i = 0; i < Shares::kEach; ++i) {
    ASSERT_TRUE(shares.enter(greedy, Shares::kEach, none));
    places.emplace_back(shares, greedy);
  }
  bool first = false, second = false;
  EXPECT_FALSE(shares.enter(greedy, Shares::kEach, first_turn));
  EXPECT_FALSE(shares.enter(greedy, Shares::kEach, second_turn));
  loop.start(wait_for(first_turn, &first));
  loop.start(wait_for(second_turn, &second));
  {
    ASSERT_TRUE(shares.enter(other, Shares::kEach, none));
    const Shares::Place place(shares, other);
  }
  loop.run(settle());
  EXPECT_FALSE(first) << "that place was another's";
  places.pop_back();
  loop.run(settle());
  EXPECT_TRUE(first);
  EXPECT_FALSE(second);
  places.emplace_back(shares, greedy); // the first one's
  places.clear();
  loop.run(settle());
  EXPECT_TRUE(second);
  {
    const Shares::Place last(shares, greedy);
  }
  for (std::size_t i = 0; i < Shares::kEach; ++i) {
    EXPECT_TRUE(shares.enter(greedy, Shares::kEach, none));
    places.emplace_back(shares, greedy);
  }
}

} // namespace
} // namespace paquebot::intake
