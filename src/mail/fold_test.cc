#include "base/text.h"
#include "mail/content_scan.h"
#include "mail/fold.h"

#include <algorithm>
#include <gtest/gtest.h>

namespace paquebot::mail {
namespace {

/// What holds for whatever is folded.
std::string checked_fold(const std::string& raw) {
  const std::string out = fold_field(raw);
  ContentScan scan;
  scan.feed(out);
  EXPECT_LE(scan.longest_line, kMaxLine) << raw.substr(0, 60);
  EXPECT_FALSE(scan.bare_cr || scan.bare_lf);
  EXPECT_TRUE(out.ends_with("\r\n"));
  const auto lines = split(std::string_view(out).substr(0, out.size() - 2), '\n');
  for (std::size_t i = 1; i < lines.size(); ++i) {
    EXPECT_TRUE(lines[i].starts_with(' ') || lines[i].starts_with('\t')) << lines[i].substr(0, 60);
    EXPECT_NE(lines[i].find_first_not_of(" \t\r"), std::string_view::npos) << "a blank line";
  }
  return out;
}

std::string without_blanks(std::string text) {
  std::erase_if(text, [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; });
  return text;
}

TEST(Fold, WhatIsShortStaysAsItIs) {
  for (const std::string& raw : {std::string("Subject: x\r\n"), std::string("To: a@b.test,\r\n c@d.test\r\n"),
                                 "X: " + std::string(kMaxLine - 3, 'x') + "\r\n"})
    EXPECT_EQ(fold_field(raw), raw);
}

TEST(Fold, AtWhiteSpaceNothingIsAdded) {
  std::string raw = "References:";
  for (int i = 0; i < 200; ++i) raw += " <message-" + std::to_string(i) + "@example.test>";
  raw += "\r\n";
  std::string out = checked_fold(raw);
  for (auto at = out.find("\r\n "); at != std::string::npos; at = out.find("\r\n ")) out.erase(at, 2);
  EXPECT_EQ(out, raw);
}

TEST(Fold, WithoutWhiteSpaceBehindASeparator) {
  std::string raw = "To: ";
  for (int i = 0; i < 200; ++i) raw += "somebody" + std::to_string(i) + "@example.test,";
  raw += "last@example.test\r\n";
  const std::string out = checked_fold(raw);
  EXPECT_EQ(without_blanks(out), without_blanks(raw));
  for (auto at = out.find("\r\n "); at != std::string::npos; at = out.find("\r\n ", at + 1))
    EXPECT_EQ(out[at - 1], ',');
}

TEST(Fold, WhateverComes) {
  std::string umlauts = "Subject: ";
  for (int i = 0; i < 3000; ++i) umlauts += "\xC3\xBC";
  const std::string blanks(5000, ' ');
  for (const std::string& raw :
       {umlauts, "Subject:" + std::string(5000, 'x'), "Subject:" + blanks, "Subject:" + blanks + "x",
        "Subject: x" + blanks, "Subject: x" + blanks + "y" + blanks + "z", "Subject: x\r\n" + blanks + "y",
        "Subject: x\r\n" + blanks, "X: " + std::string(997, 'x') + " y", std::string(2000, 'x'),
        "X:" + std::string(1500, ','), "X: " + std::string(990, 'x') + std::string(20, ' ') + "y"}) {
    const std::string out = checked_fold(raw + "\r\n");
    EXPECT_EQ(without_blanks(out), without_blanks(raw));
  }
  EXPECT_TRUE(is_utf8(unfold(fold_field(umlauts + "\r\n"))));
}

TEST(Fold, OfAHeadOnlyWhatNeedsIt) {
  auto head = Head::parse("Subject: x\r\nX-Long: " + std::string(1200, 'x') + "\r\nTo: a@b.test\r\n\r\n");
  ASSERT_TRUE(head);
  EXPECT_EQ(fold_long_lines(*head), 1u);
  EXPECT_EQ(fold_long_lines(*head), 0u);
  EXPECT_EQ(head->value("Subject"), "x");
  EXPECT_EQ(head->value("To"), "a@b.test");
  EXPECT_EQ(without_blanks(head->value("X-Long")), std::string(1200, 'x'));
}

} // namespace
} // namespace paquebot::mail
