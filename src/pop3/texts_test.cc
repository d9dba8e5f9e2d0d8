#include "base/text.h"
#include "pop3/login_text.h"
#include "pop3/texts.h"

#include <gtest/gtest.h>

namespace paquebot::pop3 {
namespace {

std::size_t places(std::string_view words) {
  std::size_t found = 0;
  for (std::size_t at = words.find("{}"); at != std::string_view::npos; at = words.find("{}", at + 2)) ++found;
  return found;
}

TEST(Texts, AreWholeInEveryLanguage) {
  for (std::size_t n = 0; n <= static_cast<std::size_t>(Text::last); ++n) {
    const Text text = static_cast<Text>(n);
    const std::string_view english = words_of(text, Language::en);
    EXPECT_TRUE(is_ascii(english)) << english;
    for (std::size_t l = 0; l < languages().size(); ++l) {
      const std::string_view words = words_of(text, static_cast<Language>(l));
      EXPECT_FALSE(words.empty()) << english;
      EXPECT_TRUE(is_utf8(words)) << words;
      EXPECT_EQ(places(words), places(english)) << words;
      EXPECT_EQ(words.find_first_of("\r\n<>["), std::string_view::npos)
          << words;                           // brackets would look like a code or APOP
      EXPECT_LE(words.size(), 200U) << words; // RFC 2449 section 4: 512 octets a reply
    }
  }
}

TEST(Texts, Languages) {
  const std::pair<const char*, std::optional<Language>> cases[] = {
      {"en", Language::en},     {"DE", Language::de},  {"de-AT", Language::de}, {"fr-x-sorry", Language::fr},
      {"es-419", Language::es}, {"MUL", std::nullopt}, {"d", std::nullopt},     {"", std::nullopt},
      {"-", std::nullopt},      {"deu", std::nullopt}, {"de-", Language::de},   {"*", std::nullopt}};
  for (const auto& [range, expected] : cases) EXPECT_EQ(find_language(range), expected) << range;
  EXPECT_EQ(find_language(std::string(500, '-')), std::nullopt);
}

TEST(LoginText, TakesUtf8WithoutWhatIsProhibited) {
  for (const char* good :
       {"anna", "an na", "\xc3\xa9@b\xc3\xbc\x63her.example", "\xe2\x82\xac", "\xf0\x9f\x94\x91", "\xc2\xa0"})
    EXPECT_TRUE(login_text_allowed(good)) << good;
  for (const char* bad :
       {"\xff", "\xc3", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "a\x7f", "\xc2\x85", "\xe2\x80\xae",
        "\xef\xbf\xbd", "\xee\x80\x80", "\xf0\x9f\xbf\xbe", "\xf3\xa0\x80\x81", "\xe2\x80\xa8", "\xef\xbb\xbf"})
    EXPECT_FALSE(login_text_allowed(bad)) << bad;
  EXPECT_FALSE(login_text_allowed(std::string_view("\0", 1)));
}

} // namespace
} // namespace paquebot::pop3
