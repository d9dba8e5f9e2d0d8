#include "mail/charset.h"

#include <gtest/gtest.h>

namespace paquebot::mail {
namespace {

TEST(Charset, TextsOfOthersAreUtf8Then) {
  EXPECT_EQ(to_utf8("caf\xe9", "ISO-8859-1"), "café");
  EXPECT_EQ(to_utf8("\x80 5", "iso-8859-1"), "€ 5") << "as programs of Windows mean it";
  EXPECT_EQ(to_utf8("\xcf\xd2", "koi8-r"), "ор");
  EXPECT_EQ(to_utf8("\x1b$B$3\x1b(B", "ISO-2022-JP"), "こ");
  EXPECT_EQ(to_utf8("caf\xc3\xa9", "utf-8"), "café");
  EXPECT_EQ(to_utf8("plain", "us-ascii"), "plain");
  EXPECT_EQ(to_utf8("caf\xc3\xa9", ""), "café");
}

TEST(Charset, WhatIsMalformedIsShownAsThat) {
  EXPECT_EQ(to_utf8("a\xff"
                    "b",
                    "utf-8"),
            "a\xEF\xBF\xBD"
            "b");
  EXPECT_EQ(to_utf8(std::string("a\0b", 3), "utf-8"), "a\xEF\xBF\xBD"
                                                      "b");
  EXPECT_EQ(to_utf8("a\xff\xff"
                    "b",
                    "euc-jp"),
            "a\xEF\xBF\xBD\xEF\xBF\xBD"
            "b");
  EXPECT_EQ(to_utf8("caf\xe9", "iso-2022-cn-ext"), "caf\xEF\xBF\xBD") << "not one that we ask the library for";
  EXPECT_EQ(to_utf8("x", "../../evil"), "x");
  const std::string much(100'000, '\xe9');
  EXPECT_EQ(to_utf8(much, "iso-8859-2").size(), 200'000U);
}

TEST(Charset, EncodedWordsAreDecoded) {
  // RFC 2047 section 8.
  EXPECT_EQ(words_in_utf8("=?ISO-8859-1?Q?a?="), "a");
  EXPECT_EQ(words_in_utf8("=?ISO-8859-1?Q?a?= b"), "a b");
  EXPECT_EQ(words_in_utf8("=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?="), "ab");
  EXPECT_EQ(words_in_utf8("=?ISO-8859-1?Q?a?=  \r\n =?ISO-8859-1?Q?b?="), "ab");
  EXPECT_EQ(words_in_utf8("=?ISO-8859-1?Q?a_b?="), "a b");
  EXPECT_EQ(words_in_utf8("=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?="), "a b");
  EXPECT_EQ(words_in_utf8("=?utf-8?B?w6k=?= <ann@example.org>"), "é <ann@example.org>");
  EXPECT_EQ(words_in_utf8("=?utf-8?b?4pw=?= =?utf-8?b?kw==?="), "✓") << "a character in two words";
  EXPECT_EQ(words_in_utf8("=?utf-8*en?q?x=20?="), "x ");
  for (const char* odd : {"=?utf-8?x?a?=", "=?utf-8?q?a", "=?utf-8?b?!!?=",
                          "=?"
                          "?=",
                          "=?", "a =?utf-8?q?b c?="})
    EXPECT_EQ(words_in_utf8(odd), odd);
  EXPECT_EQ(words_in_utf8("a\tb\x7f"
                          "c\r\n"),
            "a b c  ");
}

} // namespace
} // namespace paquebot::mail
