#include "net/public_address.h"

#include <gtest/gtest.h>

namespace paquebot::net {
namespace {

TEST(PublicAddress, KnowsWhatIsNotOfTheInternet) {
  for (const char* one : {"8.8.8.8", "1.1.1.1", "172.15.0.1", "172.32.0.1", "100.63.0.1", "100.128.0.1", "198.20.0.1",
                          "2606:4700::1111", "2a01:4f8::1", "::ffff:8.8.8.8", "64:ff9b::808:808"})
    EXPECT_TRUE(is_public_address(one)) << one;
  for (const char* one : {"127.0.0.1",
                          "127.9.9.9",
                          "0.0.0.0",
                          "10.1.2.3",
                          "172.16.0.1",
                          "172.31.255.255",
                          "192.168.7.7",
                          "169.254.169.254",
                          "100.64.0.1",
                          "192.0.2.1",
                          "198.51.100.1",
                          "203.0.113.1",
                          "198.18.0.1",
                          "224.0.0.1",
                          "255.255.255.255",
                          "::",
                          "::1",
                          "::127.0.0.1",
                          "fe80::1",
                          "fe80::1%eth0",
                          "fc00::1",
                          "fd12::1",
                          "ff02::1",
                          "2001:db8::1",
                          "3fff::1",
                          "2002:7f00:1::",
                          "2001:0:7f00:1::",
                          "::ffff:127.0.0.1",
                          "::ffff:10.0.0.1",
                          "64:ff9b::7f00:1",
                          "64:ff9b::a00:1",
                          "64:ff9b:1::a00:1",
                          "fec0::1",
                          "example.org",
                          "",
                          "1",
                          "0x7f.1",
                          "127.1"})
    EXPECT_FALSE(is_public_address(one)) << one;
}

} // namespace
} // namespace paquebot::net
