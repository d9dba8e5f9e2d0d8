#include "base/fake_clock.h"
#include "policy/client_rates.h"

#include <gtest/gtest.h>

namespace paquebot::policy {
namespace {

using std::chrono::seconds;
constexpr RateLimits kLimits{
    .connections_per_minute = 5, .messages_per_hour = 3, .faults_per_hour = 10, .refused_for = seconds(600)};

TEST(ClientRates, Networks) {
  EXPECT_EQ(network_of("192.0.2.1"), network_of("192.0.2.254"));
  EXPECT_NE(network_of("192.0.2.1"), network_of("192.0.3.1"));
  EXPECT_EQ(network_of("192.0.2.1"), network_of("::ffff:192.0.2.9"));
  EXPECT_NE(network_of("::ffff:192.0.2.1", true), network_of("::ffff:198.51.100.1", true));
  EXPECT_EQ(network_of("2001:db8::1"), network_of("2001:db8::ffff:0:0:1"));
  EXPECT_NE(network_of("2001:db8::1"), network_of("2001:db8:0:1::1"));
  EXPECT_EQ(network_of("2001:db8::1", true), network_of("2001:db8:0:1::1", true));
}

TEST(ClientRates, TooManyConnectionsShutOutForAWhile) {
  FakeClock clock;
  ClientRates rates(clock);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(rates.connected("192.0.2.1", kLimits).count(), 0) << i;
  EXPECT_EQ(rates.connected("192.0.2.1", kLimits), seconds(600));
  clock.advance(seconds(300));
  EXPECT_EQ(rates.connected("192.0.2.1", kLimits), seconds(300)) << "trying does not make it longer";
  EXPECT_EQ(rates.connected("192.0.2.2", kLimits).count(), 0) << "a neighbour";
  clock.advance(seconds(301));
  EXPECT_EQ(rates.connected("192.0.2.1", kLimits).count(), 0);
}

TEST(ClientRates, AsManyAsAreAllowedForEver) {
  FakeClock clock;
  ClientRates rates(clock);
  for (int i = 0; i < 200; ++i) {
    EXPECT_EQ(rates.connected("192.0.2.1", kLimits).count(), 0) << i;
    clock.advance(seconds(12));
  }
}

TEST(ClientRates, ANetworkHasABoundOfItsOwn) {
  FakeClock clock;
  ClientRates rates(clock);
  int welcome = 0;
  for (int i = 0; i < 100; ++i) welcome += rates.connected("192.0.2." + std::to_string(i), kLimits).count() == 0;
  EXPECT_EQ(welcome, 5 * static_cast<int>(kNetworkFactor));
  EXPECT_EQ(rates.connected("192.0.3.1", kLimits).count(), 0);
}

TEST(ClientRates, OneClientDoesNotShutOutItsNetwork) {
  FakeClock clock;
  ClientRates rates(clock);
  for (int i = 0; i < 100; ++i) {
    rates.connected("192.0.2.1", kLimits);
    rates.message("192.0.2.1", kLimits);
    rates.fault("192.0.2.1", 1, kLimits);
  }
  EXPECT_EQ(rates.connected("192.0.2.2", kLimits).count(), 0) << "what is refused is not counted";
  EXPECT_TRUE(rates.message("192.0.2.2", kLimits));
  EXPECT_FALSE(rates.fault("192.0.2.2", 1, kLimits));
}

TEST(ClientRates, ASubscriberOfIpv6IsOneClient) {
  FakeClock clock;
  ClientRates rates(clock);
  int welcome = 0;
  for (int i = 0; i < 100; ++i) welcome += rates.connected("2001:db8::" + std::to_string(i), kLimits).count() == 0;
  EXPECT_EQ(welcome, 5);
}

TEST(ClientRates, MessagesOnlyWait) {
  FakeClock clock;
  ClientRates rates(clock);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(rates.message("192.0.2.1", kLimits));
  EXPECT_FALSE(rates.message("192.0.2.1", kLimits));
  EXPECT_EQ(rates.connected("192.0.2.1", kLimits).count(), 0);
  clock.advance(std::chrono::minutes(21));
  EXPECT_TRUE(rates.message("192.0.2.1", kLimits));
}

TEST(ClientRates, FaultsAddUpOverConnections) {
  FakeClock clock;
  ClientRates rates(clock);
  EXPECT_FALSE(rates.fault("192.0.2.1", 10, kLimits));
  EXPECT_TRUE(rates.fault("192.0.2.1", 1, kLimits));
  EXPECT_GT(rates.connected("192.0.2.1", kLimits).count(), 0);
}

TEST(ClientRates, WithoutABoundNothingHappens) {
  FakeClock clock;
  ClientRates rates(clock);
  const RateLimits none{.faults_per_hour = 0};
  for (int i = 0; i < 1000; ++i) {
    EXPECT_EQ(rates.connected("192.0.2.1", none).count(), 0);
    EXPECT_TRUE(rates.message("192.0.2.1", none));
    EXPECT_FALSE(rates.fault("192.0.2.1", 1, none));
  }
}

} // namespace
} // namespace paquebot::policy
