#include "dns/addresses.h"
#include "dns/fake_zone.h"
#include "net/test_support.h"

#include <gtest/gtest.h>

namespace paquebot::dns {
namespace {

TEST(Addresses, OfAHost) {
  net::test::Loop loop;
  const auto zone =
      FakeZone::parse("a.test AAAA ::1\na.test A 192.0.2.1\nwww.test CNAME a.test\nhalf.test A 192.0.2.2\n"
                      "text.test TXT \"x\"\nbroken.test SERVFAIL\n");
  const auto of = [&](const char* host) { return loop.run(addresses_of(*zone, host)); };
  EXPECT_EQ(of("a.test"), (std::vector<std::string>{"192.0.2.1", "::1"}));
  EXPECT_EQ(of("www.test"), (std::vector<std::string>{"192.0.2.1", "::1"}));
  EXPECT_EQ(of("half.test"), std::vector<std::string>{"192.0.2.2"});
  EXPECT_EQ(of("text.test").error().code, Errc::not_found);
  EXPECT_EQ(of("none.test").error().code, Errc::not_found);
  EXPECT_EQ(of("broken.test").error().code, Errc::temporary);
}

} // namespace
} // namespace paquebot::dns
