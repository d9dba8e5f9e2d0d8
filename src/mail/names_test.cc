#include "mail/names.h"

#include <gtest/gtest.h>
#include <string>

namespace paquebot::mail {
namespace {

TEST(Names, HoweverTheyAreTyped) {
  const std::pair<const char*, const char*> cases[] = {
      {"ann", "ann"},
      {"ANN@Example.ORG", "ann@example.org"},
      {"jos\xC3\xA9", "jos\xC3\xA9"},
      {"jose\xCC\x81", "jos\xC3\xA9"}, // decomposed
      {"JOS\xC3\x89", "jos\xC3\xA9"},
      {"JOSE\xCC\x81@example.org", "jos\xC3\xA9@example.org"},
      {"M\xC3\x9CLLER", "m\xC3\xBCller"},
      {"stra\xC3\x9F\x65", "stra\xC3\x9F\x65"},        // not "strasse"
      {"STRASSE", "strasse"},                          //
      {"\xEF\xBC\xA1\xEF\xBD\x8E\xEF\xBC\xAE", "ann"}, // full width
      {"\xEF\xBE\x8A\xEF\xBE\x9E", "\xE3\x83\x90"},    // half width, with its mark
      {"\xCE\x9D\xCE\x8A\xCE\x9A\xCE\x9F\xCE\xA3", "\xCE\xBD\xCE\xAF\xCE\xBA\xCE\xBF\xCF\x82"}, // final sigma
      {"\xCE\xA3\xCE\x91\xCE\xA3.x", "\xCF\x83\xCE\xB1\xCF\x82.x"},
      {"\xC4\xB0", "i\xCC\x87"},
      {"\xE2\x84\xAA", "k"},            // the Kelvin sign is one to Unicode, too
      {"\xEF\xAC\x81", "\xEF\xAC\x81"}, // a ligature stays: no NFKC
      {"\xD0\x98\xD0\x92\xD0\x90\xD0\x9D", "\xD0\xB8\xD0\xB2\xD0\xB0\xD0\xBD"},
      {"\xE6\x9D\x8E", "\xE6\x9D\x8E"},
      {"A\xFF", "a\xFF"}, // no UTF-8
      {"", ""},
  };
  for (const auto& [typed, kept] : cases) {
    EXPECT_EQ(comparable_name(typed), kept) << typed;
    EXPECT_EQ(comparable_name(kept), kept) << typed;
  }
}

} // namespace
} // namespace paquebot::mail
