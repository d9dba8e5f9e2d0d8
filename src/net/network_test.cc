#include "net/network.h"

#include <gtest/gtest.h>

namespace paquebot::net {
namespace {

TEST(Networks, Contains) {
  const struct {
    std::vector<std::string> networks;
    std::string_view address;
    bool inside;
  } cases[] = {
      {{"10.0.0.0/8"}, "10.255.0.1", true},
      {{"10.0.0.0/8"}, "11.0.0.1", false},
      {{"10.128.0.0/9"}, "10.127.255.255", false},
      {{"10.128.0.0/9"}, "10.128.0.0", true},
      {{"192.0.2.7"}, "192.0.2.7", true},
      {{"192.0.2.7"}, "192.0.2.8", false},
      {{"192.0.2.7/32"}, "192.0.2.7", true},
      {{"0.0.0.0/0"}, "203.0.113.9", true},
      {{"0.0.0.0/0"}, "2001:db8::1", false},
      {{"::/0"}, "2001:db8::1", true},
      {{"::/0"}, "203.0.113.9", false},
      {{"2001:db8::/32"}, "2001:db8:ffff::1", true},
      {{"2001:db8::/32"}, "2001:db9::1", false},
      {{"2001:db8:8000::/33"}, "2001:db8:7fff::1", false},
      {{"::1"}, "::1", true},
      {{"::1"}, "0:0:0:0:0:0:0:1", true},
      {{"10.0.0.0/8"}, "::ffff:10.1.2.3", true},
      {{"::ffff:10.0.0.0/104"}, "10.1.2.3", true},
      {{"192.0.2.0/24", "::1"}, "::1", true},
      {{}, "::1", false},
      {{"0.0.0.0/0", "::/0"}, "", false},
      {{"0.0.0.0/0", "::/0"}, "/run/socket", false},
      {{"0.0.0.0/0", "::/0"}, "10.0.0.1x", false},
      {{"0.0.0.0/0", "::/0"}, std::string_view("10.0.0.1\0", 9), false},
  };
  for (const auto& c : cases) {
    const auto networks = Networks::parse(c.networks);
    ASSERT_TRUE(networks) << networks.error().message;
    EXPECT_EQ(networks->contains(c.address), c.inside) << (c.networks.empty() ? "" : c.networks[0]) << " " << c.address;
  }
}

TEST(Networks, RefusesWhatIsNone) {
  const std::string refused[] = {
      "",          "10.0.0.0/33", "10.0.0.1/8",   "10.0/8",      "::/129",    "2001:db8::1/32",
      "localhost", "10.0.0.0/",   "10.0.0.0/8/8", "10.0.0.0/-1", " ::1",      "::1/x",
      "[::1]",     "10.0.0.0/8 ", "300.0.0.0/8",  "10.0.0.0/+8", "fe80::1%lo"};
  for (const std::string& text : refused) EXPECT_FALSE(Networks::parse({"::1", text})) << text;
  EXPECT_FALSE(Networks::parse({std::string("10.0.0.0\0", 9)}));
}

TEST(Networks, WritesWhatItReads) {
  const std::vector<std::string> texts{"10.0.0.0/8", "192.0.2.7", "0.0.0.0/0", "2001:db8::/32", "::1", "::/0"};
  EXPECT_EQ(Networks::parse(texts).value().to_texts(), texts);
  EXPECT_EQ(Networks::parse({"::ffff:10.0.0.0/104", "2001:DB8:0::7"}).value().to_texts(),
            (std::vector<std::string>{"10.0.0.0/8", "2001:db8::7"}));
  EXPECT_TRUE(Networks().to_texts().empty());
}

} // namespace
} // namespace paquebot::net
