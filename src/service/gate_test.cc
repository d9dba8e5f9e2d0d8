#include "service/gate.h"

#include <gtest/gtest.h>
#include <string>

namespace paquebot::service {
namespace {

TEST(Gate, BoundsInTotalAndForEachAddress) {
  Gate gate;
  GateLimits limits{.total = 3, .per_address = 2};
  EXPECT_EQ(gate.enter("a", limits), Gate::Verdict::welcome);
  EXPECT_EQ(gate.enter("a", limits), Gate::Verdict::welcome);
  EXPECT_EQ(gate.enter("a", limits), Gate::Verdict::too_many);
  EXPECT_EQ(gate.enter("b", limits), Gate::Verdict::welcome);
  EXPECT_EQ(gate.enter("c", limits), Gate::Verdict::full);
  gate.leave("a");
  gate.leave("nobody");
  EXPECT_EQ(gate.total(), 2u);
  EXPECT_EQ(gate.enter("c", limits), Gate::Verdict::welcome);
}

TEST(Gate, AnAddressOfIpv6IsItsNetwork) {
  Gate gate;
  const GateLimits limits{.total = 1000, .per_address = 2};
  EXPECT_EQ(gate.enter("2001:db8:1:1::1", limits), Gate::Verdict::welcome);
  EXPECT_EQ(gate.enter("2001:db8:1:1:ffff::2", limits), Gate::Verdict::welcome);
  EXPECT_EQ(gate.enter("2001:db8:1:1::3", limits), Gate::Verdict::too_many);
  for (int i = 2; i < 8; ++i)
    EXPECT_EQ(gate.enter("2001:db8:1:" + std::to_string(i) + "::1", limits), Gate::Verdict::welcome) << i;
  EXPECT_EQ(gate.enter("2001:db8:1:9::1", limits), Gate::Verdict::too_many); // the site
  EXPECT_EQ(gate.enter("2001:db8:2:1::1", limits), Gate::Verdict::welcome);
  EXPECT_EQ(gate.total(), 9u);
  gate.leave("2001:db8:1:1::2"); // any of its network
  EXPECT_EQ(gate.enter("2001:db8:1:9::1", limits), Gate::Verdict::welcome);
  EXPECT_EQ(gate.total(), 9u);
}

TEST(Gate, EachAddressOfIpv4IsOne) {
  Gate gate;
  const GateLimits limits{.total = 1000, .per_address = 1};
  for (const char* address : {"192.0.2.1", "192.0.2.2", "::ffff:192.0.2.3", "::ffff:192.0.2.4", "/run/socket"}) {
    EXPECT_EQ(gate.enter(address, limits), Gate::Verdict::welcome) << address;
    EXPECT_EQ(gate.enter(address, limits), Gate::Verdict::too_many) << address;
  }
  for (const char* address : {"192.0.2.1", "192.0.2.2", "::ffff:192.0.2.3", "::ffff:192.0.2.4", "/run/socket"})
    gate.leave(address);
  EXPECT_EQ(gate.total(), 0u);
  EXPECT_EQ(gate.enter("fe80::1%eth0", limits), Gate::Verdict::welcome);
  gate.leave("fe80::1%eth0");
  EXPECT_EQ(gate.total(), 0u);
}

TEST(Gate, UsersFindRoomWhereStrangersDoNot) {
  Gate gate;
  const GateLimits limits{.total = 10, .per_address = 1000};
  const auto fill = [&](Guest guest) {
    unsigned let_in = 0;
    while (gate.enter("192.0.2.1", limits, guest) == Gate::Verdict::welcome) ++let_in;
    return let_in;
  };
  EXPECT_FALSE(gate.in_reserve(limits));
  EXPECT_EQ(fill(Guest::stranger), 8u);
  EXPECT_TRUE(gate.in_reserve(limits));
  EXPECT_EQ(fill(Guest::user), 1u);
  EXPECT_EQ(gate.enter("2001:db8::1", limits, Guest::stranger), Gate::Verdict::full);
  EXPECT_EQ(fill(Guest::known), 1u);
}

} // namespace
} // namespace paquebot::service
