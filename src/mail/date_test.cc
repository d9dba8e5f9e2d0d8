#include "mail/date.h"

#include <gtest/gtest.h>

namespace paquebot::mail {
namespace {

TEST(Date, Format) {
  EXPECT_EQ(format_date(from_millis(0)), "Thu, 1 Jan 1970 00:00:00 +0000");
  EXPECT_EQ(format_date(from_millis(1795435092999)), "Mon, 23 Nov 2026 11:58:12 +0000");
  EXPECT_EQ(format_date(from_millis(1795435092000), 330), "Mon, 23 Nov 2026 17:28:12 +0530");
  EXPECT_EQ(format_date(from_millis(0), -90), "Wed, 31 Dec 1969 22:30:00 -0130");
}

TEST(Date, Parse) {
  const std::pair<std::string_view, std::int64_t> cases[] = {
      {"Mon, 23 Nov 2026 11:58:12 +0000", 1795435092},
      {"23 Nov 2026 11:58:12 +0000", 1795435092},
      {" mon,23 NOV 2026 17:28:12 +0530 (IST)", 1795435092},
      {"Mon, (a (nested) comment) 23 Nov 2026 06:58:12 EST", 1795435092},
      {"Mon, 23 Nov 26 11:58:12 GMT", 1795435092},
      {"Mon, 23 Nov 126 11:58:12 Z", 1795435092},
      {"23 Nov 2026 11:58 -0000", 1795435080},
      {"23 November 2026 11:58:12", 1795435092},
      {"Mon, 23 Nov 2026\r\n 11:58:12 XYZ", 1795435092},
      {"Thu, 1 Jan 70 00:00:00 +0000", 0},
  };
  for (const auto& [text, seconds] : cases) {
    const auto date = parse_date(text);
    ASSERT_TRUE(date) << text;
    EXPECT_EQ(millis(*date), seconds * 1000) << text;
  }
}

TEST(Date, RefusesTheRest) {
  for (const std::string_view text :
       {"", "Mon", "23 Nov 2026", "32 Nov 2026 00:00:00 +0000", "31 Feb 2026 00:00:00 +0000",
        "1 Foo 2026 00:00:00 +0000", "1 Jan 1 00:00:00 +0000", "1 Jan 12345 00:00:00 +0000",
        "1 Jan 1800 00:00:00 +0000", "1 Jan 2026 24:00:00 +0000", "1 Jan 2026 00:60:00 +0000",
        "1 Jan 2026 00:00:61 +0000", "1 Jan 2026 0:0:0:0 +0000", "1 Jan 2026 00:00:00 +000",
        "1 Jan 2026 00:00:00 +0075", "-1 Jan 2026 00:00:00 +0000", "((((((", "1 Jan 2026 (00:00:00 +0000"}) {
    EXPECT_FALSE(parse_date(text)) << text;
  }
  EXPECT_FALSE(parse_date(std::string(100000, '(')));
}

} // namespace
} // namespace paquebot::mail
