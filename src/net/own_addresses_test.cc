#include "net/own_addresses.h"

#include <gtest/gtest.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <netinet/in.h>

namespace paquebot::net {
namespace {

TEST(OwnAddresses, KnowsTheLoopbackAndNoOthers) {
  for (const char* address : {"127.0.0.1", "127.9.8.7", "::1", "0.0.0.0", "::ffff:127.0.0.1"})
    EXPECT_TRUE(is_own_address(address)) << address;
  for (const char* address : {"192.0.2.1", "2001:db8::1", "", "localhost", "/run/socket"})
    EXPECT_FALSE(is_own_address(address)) << address;
}

TEST(OwnAddresses, KnowsItsInterfaces) {
  ifaddrs* all = nullptr;
  ASSERT_EQ(getifaddrs(&all), 0);
  int known = 0;
  for (const ifaddrs* one = all; one != nullptr; one = one->ifa_next) {
    if (one->ifa_addr == nullptr) continue;
    const int family = one->ifa_addr->sa_family;
    if (family != AF_INET && family != AF_INET6) continue;
    char text[NI_MAXHOST] = {};
    const socklen_t size = family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
    ASSERT_EQ(getnameinfo(one->ifa_addr, size, text, sizeof text, nullptr, 0, NI_NUMERICHOST), 0);
    const std::string address(text);
    EXPECT_TRUE(is_own_address(address.substr(0, address.find('%')))) << address;
    ++known;
  }
  freeifaddrs(all);
  EXPECT_GT(known, 0);
}

TEST(OwnAddresses, WhereSocketsListen) {
  struct Case {
    Endpoint target;
    std::vector<Endpoint> listeners;
    bool leads;
  };
  const Case cases[] = {
      {{"127.0.0.1", 25}, {{"127.0.0.1", 25}}, true},
      {{"127.0.0.1", 26}, {{"127.0.0.1", 25}}, false},
      {{"127.0.0.2", 25}, {{"127.0.0.1", 25}}, false}, // somebody else may listen there
      {{"127.0.0.2", 25}, {{"192.0.2.9", 25}, {"0.0.0.0", 25}}, true},
      {{"::1", 25}, {{"0.0.0.0", 25}}, false},
      {{"::1", 25}, {{"::", 25}}, true},
      {{"127.0.0.1", 25}, {{"::", 25}}, true},
      {{"127.9.8.7", 25}, {{"::", 25}}, true},
      {{"192.0.2.1", 25}, {{"::", 25}}, false},
      {{"127.0.0.1", 26}, {{"::", 25}}, false},
      {{"::ffff:127.0.0.1", 25}, {{"::", 25}}, true},
      {{"::ffff:127.0.0.1", 25}, {{"0.0.0.0", 25}}, true}, // the kernel sends it by IPv4
      {{"::ffff:127.0.0.1", 25}, {{"127.0.0.1", 25}}, true},
      {{"0.0.0.0", 25}, {{"::", 25}}, true},
      {{"0:0:0:0:0:0:0:1", 25}, {{"::1", 25}}, true},
      {{"192.0.2.1", 25}, {{"0.0.0.0", 25}}, false},
      {{"192.0.2.1", 25}, {{"192.0.2.1", 25}}, true},
      {{"192.0.2.1", 25}, {}, false},
      {{"0.0.0.0", 25}, {{"127.0.0.1", 25}}, true},
      {{"::", 25}, {{"::1", 25}}, true},
      {{"/run/socket", 0}, {{"/run/socket", 0}}, false},
  };
  for (const Case& c : cases) EXPECT_EQ(leads_to(c.target, c.listeners), c.leads) << c.target.to_string();
}

} // namespace
} // namespace paquebot::net
