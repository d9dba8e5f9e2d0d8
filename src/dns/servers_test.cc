#include "dns/servers.h"

#include <gtest/gtest.h>

namespace paquebot::dns {
namespace {

using Strings = std::vector<std::string>;

Strings texts(const std::vector<net::Endpoint>& endpoints) {
  Strings found;
  for (const auto& one : endpoints) found.push_back(one.to_string());
  return found;
}

TEST(Servers, ReadsResolvConf) {
  EXPECT_EQ(texts(read_resolv_conf("# by hand\nnameserver 192.168.1.1 # home\n\tnameserver\t2001:db8::1\n"
                                   "search example.test\nnameserver fe80::1%eth0\nnameserver nonsense\nnameserver\n"
                                   ";nameserver 192.0.2.9\nnameserver 192.0.2.1")),
            (Strings{"192.168.1.1:53", "[2001:db8::1]:53", "[fe80::1]:53", "192.0.2.1:53"}));
  std::string many;
  for (int i = 0; i < 20; ++i) many += "nameserver 192.0.2." + std::to_string(i) + "\n";
  EXPECT_EQ(read_resolv_conf(many).size(), 8u);
}

TEST(Servers, ThoseOfTheConfigurationCount) {
  Options options;
  options.resolvers = {"127.0.0.1:5353", "[2001:db8::1]:53"};
  const Servers servers = servers_of(options);
  EXPECT_EQ(texts(servers.addresses), options.resolvers);
  EXPECT_TRUE(servers.resolvers);
  EXPECT_FALSE(servers_of(Options{}).addresses.empty()); // the system's, or the root's
}

TEST(Servers, KnowsWhichAddressesAreElsewhereInOtherNetworks) {
  for (const char* address : {"127.0.0.53", "::1", "10.0.0.1", "172.31.255.255", "192.168.178.1", "100.64.0.1",
                              "169.254.169.253", "fd00::1", "fe80::1", "::ffff:192.168.1.1"})
    EXPECT_TRUE(is_local_address({address, 53})) << address;
  for (const char* address : {"9.9.9.9", "172.32.0.1", "100.128.0.1", "2620:fe::fe", "192.0.2.1"})
    EXPECT_FALSE(is_local_address({address, 53})) << address;
  EXPECT_TRUE(is_loopback({"127.0.0.53", 53}));
  EXPECT_TRUE(is_loopback({"::1", 53}));
  EXPECT_FALSE(is_loopback({"192.168.1.1", 53}));
}

TEST(Servers, ZonesOfAnAnchor) {
  EXPECT_EQ(anchored_zones(""), Strings{"."});
  EXPECT_EQ(anchored_zones(". IN DS 1 8 2 AA\n. IN DS 2 8 2 BB\n"), Strings{"."});
  EXPECT_EQ(anchored_zones("; ours\nCorp.Example. IN DS 1 8 2 AA\nlab.example IN DNSKEY 257 3 13 AA"),
            (Strings{"corp.example", "lab.example"}));
}

} // namespace
} // namespace paquebot::dns
