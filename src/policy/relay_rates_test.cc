#include "base/fake_clock.h"
#include "policy/relay_rates.h"

#include <gtest/gtest.h>

namespace paquebot::policy {
namespace {

TEST(RelayRates, CountsAnHour) {
  FakeClock clock;
  RelayRates rates(clock);
  const RelayLimits limits{.messages_per_hour = 2, .recipients_per_hour = 4};
  const auto ask = [&](const char* address, bool first) { return rates.count(address, limits, first).to_string(); };
  EXPECT_EQ(rates.count("192.0.2.1", limits, true).code, 0);
  EXPECT_EQ(rates.count("192.0.2.1", limits, false).code, 0);
  EXPECT_EQ(rates.count("192.0.2.1", limits, true).code, 0);
  EXPECT_EQ(ask("192.0.2.1", true),
            "452 4.7.1 the limit of 192.0.2.1 is 2 messages an hour, 2 used: try again after 2026-01-01 01:00 UTC");
  EXPECT_EQ(rates.count("192.0.2.1", limits, false).code, 0) << "what was refused was not counted";
  EXPECT_EQ(ask("192.0.2.1", false),
            "452 4.7.1 the limit of 192.0.2.1 is 4 recipients an hour, 4 used: try again after 2026-01-01 01:00 UTC");
  EXPECT_EQ(rates.count("192.0.2.2", limits, true).code, 0);
  clock.advance(std::chrono::hours(1));
  EXPECT_EQ(rates.count("192.0.2.1", limits, true).code, 0);
}

TEST(RelayRates, IsOffAndBounded) {
  FakeClock clock;
  RelayRates rates(clock);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(rates.count("192.0.2.1", {}, true).code, 0);
  const RelayLimits one{.messages_per_hour = 1};
  for (std::size_t i = 0; i <= RelayRates::kAddresses; ++i)
    EXPECT_EQ(rates.count("client " + std::to_string(i), one, true).code, 0);
  EXPECT_EQ(rates.count("client 0", one, true).code, 0) << "forgotten";
  EXPECT_EQ(rates.count("client 0", one, true).code, 452);
}

} // namespace
} // namespace paquebot::policy
