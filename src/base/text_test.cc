#include "base/text.h"
#include "base/visible.h"

#include <gtest/gtest.h>

namespace paquebot {
namespace {

TEST(Text, Case) {
  EXPECT_EQ(to_lower("AbC-É9"), "abc-É9");
  EXPECT_TRUE(iequals("StartTLS", "STARTTLS"));
  EXPECT_FALSE(iequals("abc", "abcd"));
  EXPECT_TRUE(istarts_with("From:<a@b>", "FROM:"));
  EXPECT_FALSE(istarts_with("FRO", "FROM:"));
}

TEST(Text, TrimAndSplit) {
  EXPECT_EQ(trim(" \t a b\r\n"), "a b");
  EXPECT_EQ(trim(" \r\n"), "");
  EXPECT_EQ(split("", ','), std::vector<std::string_view>{""});
  EXPECT_EQ(split("a,,b,", ','), (std::vector<std::string_view>{"a", "", "b", ""}));
}

TEST(Text, ParseU64) {
  const struct {
    std::string_view text;
    std::optional<std::uint64_t> value;
  } cases[] = {
      {"0", 0},
      {"007", 7},
      {"18446744073709551615", 18446744073709551615ULL},
      {"18446744073709551616", {}},
      {"", {}},
      {"-1", {}},
      {"+1", {}},
      {" 1", {}},
      {"1 ", {}},
      {"0x1", {}},
  };
  for (const auto& c : cases) EXPECT_EQ(parse_u64(c.text), c.value) << c.text;
}

TEST(Text, Utf8) {
  const struct {
    std::string_view text;
    bool valid;
  } cases[] = {
      {"", true},
      {"plain", true},
      {"é€😀", true},
      {"\xF4\x8F\xBF\xBF", true},  // U+10FFFF
      {"\xF4\x90\x80\x80", false}, // beyond
      {"\xC0\xAF", false},         // overlong
      {"\xE0\x80\xAF", false},     // overlong
      {"\xF0\x8F\xBF\xBF", false}, // overlong
      {"\xED\xA0\x80", false},     // surrogate
      {"\x80", false},             // lone continuation
      {"\xE2\x82", false},         // cut
      {"\xFF", false},
  };
  for (const auto& c : cases) EXPECT_EQ(is_utf8(c.text), c.valid) << printable(c.text);
  EXPECT_TRUE(is_ascii("a\x7F"));
  EXPECT_FALSE(is_ascii("\x80"));
}

TEST(Text, AsciiAtEveryLength) { // many octets are looked at together
  for (std::size_t length = 0; length < 150; ++length) {
    std::string text(length, '\x7F');
    EXPECT_TRUE(is_ascii(text)) << length;
    for (char& c : text) {
      c = '\x80';
      EXPECT_FALSE(is_ascii(text)) << length;
      c = 'a';
    }
  }
}

TEST(Text, Printable) {
  EXPECT_EQ(printable("a é\n\x1b[1m\x7f\xff"), "a é\\x0a\\x1b[1m\\x7f\\xff");
  EXPECT_EQ(printable("\xC2\x9B"), "\\xc2\\x9b"); // C1 control, a terminal's CSI
  EXPECT_EQ(printable("\u202Efdp.exe\u061C"), "\\xe2\\x80\\xaefdp.exe\\xd8\\x9c");
  for (const char* turns : {"\u200E", "\u200F", "\u2028", "\u2029", "\u202A", "\u202E", "\u2066", "\u2069", "\u061C"}) {
    EXPECT_EQ(visible_length(turns), 0u) << printable(turns);
    EXPECT_NE(printable_length(turns), 0u) << printable(turns);
  }
  for (const char* stays :
       {"…", "\u200D", "\u2027", "\u202F", "\u2065", "\u206A", "\u061B", "\u061D", "é", "\U0001F600"})
    EXPECT_EQ(printable(stays), stays);
  EXPECT_EQ(printable("abcdef", 3), "abc…");
  EXPECT_EQ(printable("ab\n", 3), "ab…");
  EXPECT_EQ(printable("abé", 3), "ab…");
  EXPECT_EQ(printable("abc", 3), "abc");
}

} // namespace
} // namespace paquebot
