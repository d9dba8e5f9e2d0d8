#include "base/units.h"

#include <gtest/gtest.h>

namespace paquebot {
namespace {

TEST(Units, Octets) {
  const struct {
    const char* text;
    std::int64_t octets; ///< -1: refused
  } cases[] = {{"0", 0},
               {"100", 100},
               {"1k", 1024},
               {"64KiB", 65536},
               {"10M", 10 << 20},
               {"2MB", 2 << 20},
               {"1.5 GiB", 1'610'612'736},
               {"2GB", 2LL << 30},
               {"1T", 1LL << 40},
               {"812 B", 812},
               {" 5 MiB ", 5 << 20},
               {"", -1},
               {"x", -1},
               {"-5", -1},
               {"1.2.3", -1},
               {".", -1},
               {".5G", -1},
               {"5.", -1},
               {"1.5", -1},
               {"5 parsecs", -1},
               {"1e9", -1},
               {"99999999T", -1},
               {"99999999999999999999", -1},
               {"5 h", -1}};
  for (const auto& c : cases) {
    const auto octets = parse_octets(c.text);
    EXPECT_EQ(octets ? static_cast<std::int64_t>(*octets) : -1, c.octets) << c.text;
  }
}

TEST(Units, Seconds) {
  const struct {
    const char* text;
    std::int64_t seconds; ///< -1: refused
  } cases[] = {{"0", 0},
               {"90", 90},
               {"30s", 30},
               {"5m", 300},
               {"5 min", 300},
               {"4h", 14400},
               {"1 hour", 3600},
               {"5 d", 432000},
               {"2 days", 172800},
               {"", -1},
               {"m", -1},
               {"-5s", -1},
               {"5 weeks", -1},
               {"1.5h", -1},
               {"99999999999999999999", -1},
               {"9999999999999999h", -1},
               {"5 MiB", -1}};
  for (const auto& c : cases) EXPECT_EQ(parse_seconds(c.text).value_or(-1), c.seconds) << c.text;
}

TEST(Units, WhateverIsPrintedCanBeWritten) {
  for (std::uint64_t octets = 1; octets < (1ULL << 50U); octets = octets * 7 / 2 + 1) {
    const auto back = parse_octets(octets_text(octets));
    ASSERT_TRUE(back) << octets_text(octets);
    EXPECT_EQ(octets_text(*back), octets_text(octets));
  }
  for (std::int64_t seconds = 0; seconds < 1'000'000'000; seconds = seconds * 7 / 2 + 1) {
    const auto back = parse_seconds(seconds_text(seconds));
    ASSERT_TRUE(back) << seconds_text(seconds);
    EXPECT_EQ(seconds_text(*back), seconds_text(seconds));
  }
  EXPECT_EQ(octets_text(3'355'443), "3.2 MiB");
  EXPECT_EQ(seconds_text(-5), "0 s");
}

} // namespace
} // namespace paquebot
