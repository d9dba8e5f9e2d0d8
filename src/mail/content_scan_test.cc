#include "mail/content_scan.h"

#include <gtest/gtest.h>
#include <string>

namespace paquebot::mail {
namespace {

TEST(ContentScan, EveryWayOfCutting) {
  const struct {
    std::string text;
    bool has_8bit, has_nul, bare_cr, bare_lf;
    std::size_t longest;
  } cases[] = {
      {"", false, false, false, false, 0},
      {"abc\r\nde\r\n", false, false, false, false, 3},
      {"ab\r\ncdef", false, false, false, false, 4},
      {"é\r\n", true, false, false, false, 2},
      {std::string("a\0b\r\n", 5), false, true, false, false, 3},
      {"a\nb\r\n", false, false, false, true, 1},
      {"\n", false, false, false, true, 0},
      {"a\rb\r\n", false, false, true, false, 3},
      {"a\r\r\n", false, false, true, false, 2},
      {"a\r", false, false, true, false, 1},
      {"\r\n\r\n", false, false, false, false, 0},
      {"\r\n\n", false, false, false, true, 0},
      {"\n\r", false, false, true, true, 0},
  };
  for (const auto& c : cases) {
    for (std::size_t step = 1; step <= c.text.size() + 1; ++step) {
      ContentScan scan;
      for (std::size_t at = 0; at < c.text.size(); at += step) scan.feed(std::string_view(c.text).substr(at, step));
      scan.finish();
      EXPECT_EQ(scan.has_8bit, c.has_8bit) << c.text;
      EXPECT_EQ(scan.has_nul, c.has_nul) << c.text;
      EXPECT_EQ(scan.bare_cr, c.bare_cr) << c.text << step;
      EXPECT_EQ(scan.bare_lf, c.bare_lf) << c.text << step;
      EXPECT_EQ(scan.longest_line, c.longest) << c.text << step;
    }
  }
}

} // namespace
} // namespace paquebot::mail
