#include "mail/timestamp.h"

#include <gtest/gtest.h>

namespace paquebot::mail {
namespace {

TEST(Timestamp, Formats) {
  EXPECT_EQ(format_timestamp(from_millis(0)), "1970-01-01T00:00:00Z");
  EXPECT_EQ(format_timestamp(from_millis(1'795'435'092'999)), "2026-11-23T11:58:12Z");
}

TEST(Timestamp, Reads) {
  const struct {
    const char* text;
    std::int64_t ms; ///< -1: refused
  } cases[] = {
      {"1970-01-01T00:00:00Z", 0},
      {"2026-11-23T11:58:12Z", 1'795'435'092'000},
      {"2026-11-23t11:58:12z", 1'795'435'092'000},
      {"2026-11-23T11:58:12.5Z", 1'795'435'092'500},
      {"2026-11-23T11:58:12.123456789Z", 1'795'435'092'123},
      {"2028-02-29T00:00:00Z", 1'835'395'200'000},
      {"2026-12-31T23:59:60Z", 1'798'761'600'000},
      {"2026-02-29T00:00:00Z", -1},
      {"2026-11-23T24:00:00Z", -1},
      {"2026-11-23T10:60:00Z", -1},
      {"2026-13-01T00:00:00Z", -1},
      {"2026-11-23T11:58:12", -1},
      {"2026-11-23T11:58:12+00:00", -1},
      {"2026-11-23T11:58:12.Z", -1},
      {"2026-11-23T11:58:12.1234567890Z", -1},
      {"2026-11-23 11:58:12Z", -1},
      {"1969-12-31T23:59:59Z", -1},
      {"0000-00-00T00:00:00Z", -1},
      {"2026-11-23T11:58:12ZZ", -1},
      {"12026-11-23T11:58:12Z", -1},
      {"", -1},
      {"2026", -1},
      {"2026-1-23T11:58:12Z", -1},
  };
  for (const auto& c : cases) {
    const auto read = parse_timestamp(c.text);
    EXPECT_EQ(read ? millis(*read) : -1, c.ms) << c.text;
  }
}

} // namespace
} // namespace paquebot::mail
