#include "mailauth/ip.h"

#include <gtest/gtest.h>

namespace paquebot::mailauth {
namespace {

TEST(Ip, Reads) {
  for (const char* bad : {"", "1", "1.2.3", "1.2.3.4.5", "1.2.3.256", "::g", "[::1]", "1.2.3.4/8", "fe80::1%eth0"})
    EXPECT_FALSE(parse_ip(bad)) << bad;
  EXPECT_FALSE(parse_ip(std::string_view("1.2.3.4\0", 8)));
  EXPECT_EQ(parse_ip("192.0.2.1")->to_string(), "192.0.2.1");
  EXPECT_EQ(parse_ip("2001:DB8::CB01")->to_string(), "2001:db8::cb01");
  EXPECT_EQ(parse_ip("::ffff:192.0.2.1"), parse_ip("192.0.2.1"));
}

TEST(Ip, Forms) {
  const auto v4 = parse_ip("192.0.2.3");
  const auto v6 = parse_ip("2001:db8::cb01");
  EXPECT_EQ(v4->dotted(), "192.0.2.3");
  EXPECT_EQ(v4->reverse_name(), "3.2.0.192.in-addr.arpa");
  EXPECT_EQ(v6->dotted(), "2.0.0.1.0.d.b.8.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.c.b.0.1");
  EXPECT_EQ(v6->reverse_name(), "1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa");
}

TEST(Ip, Networks) {
  struct Case {
    const char* ip;
    const char* network;
    unsigned bits;
    bool inside;
  };
  const Case cases[] = {
      {"192.0.2.1", "192.0.2.0", 24, true},     {"192.0.3.1", "192.0.2.0", 24, false},
      {"192.0.3.1", "192.0.2.0", 23, true},     {"10.0.0.1", "192.0.2.0", 0, true},
      {"192.0.2.1", "192.0.2.1", 32, true},     {"192.0.2.1", "192.0.2.1", 33, false},
      {"2001:db8::1", "2001:db8::", 32, true},  {"2001:db9::1", "2001:db8::", 32, false},
      {"2001:db9::1", "2001:db8::", 31, true},  {"::1", "0.0.0.0", 0, false},
      {"192.0.2.129", "192.0.2.128", 25, true}, {"192.0.2.127", "192.0.2.128", 25, false},
  };
  for (const auto& c : cases)
    EXPECT_EQ(in_network(*parse_ip(c.ip), *parse_ip(c.network), c.bits), c.inside) << c.ip << " " << c.network;
}

} // namespace
} // namespace paquebot::mailauth
