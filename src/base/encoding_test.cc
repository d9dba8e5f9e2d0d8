#include "base/encoding.h"
#include "base/random.h"

#include <gtest/gtest.h>

namespace paquebot {
namespace {

TEST(Base64, VectorsOfRfc4648) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"", ""},
      {"f", "Zg=="},
      {"fo", "Zm8="},
      {"foo", "Zm9v"},
      {"foob", "Zm9vYg=="},
      {"fooba", "Zm9vYmE="},
      {"foobar", "Zm9vYmFy"},
      {"\xFB\xFF\xFE", "+//+"},
  };
  for (const auto& [bytes, text] : cases) {
    EXPECT_EQ(base64_encode(bytes), text);
    EXPECT_EQ(base64_decode(text), bytes);
  }
}

TEST(Base64, RefusesEverythingElse) {
  for (const std::string_view text :
       {"Zg", "Zg=", "Z===", "====", "Zg==Zg==", "Zm9v\n", " Zm9", "Zm-_", "Zh==", "Zm9=", "="}) {
    EXPECT_FALSE(base64_decode(text)) << text;
  }
}

TEST(Xtext, RoundTrip) {
  EXPECT_EQ(xtext_encode("a+b=c d\xC3\xA9~!"), "a+2Bb+3Dc+20d+C3+A9~!");
  std::string all;
  for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
  EXPECT_EQ(xtext_decode(xtext_encode(all)), all);
  EXPECT_EQ(xtext_decode("a+2bc"), "a+c");
}

TEST(Xtext, RefusesMalformed) {
  for (const std::string_view text : {"a+", "a+2", "a+2G", "a b", "a=b", "\xC3\xA9", "a\x7F"}) {
    EXPECT_FALSE(xtext_decode(text)) << text;
  }
}

TEST(Encoding, HexRandomAndComparison) {
  EXPECT_EQ(hex_encode(std::string_view("\0\x1f\xff", 3)), "001fff");
  EXPECT_EQ(random_bytes(0), "");
  EXPECT_EQ(random_bytes(1000).size(), 1000U);
  EXPECT_NE(random_bytes(16), random_bytes(16));
  EXPECT_TRUE(equal_constant_time("secret", "secret"));
  EXPECT_FALSE(equal_constant_time("secret", "secreT"));
  EXPECT_FALSE(equal_constant_time("secret", "secre"));
  EXPECT_TRUE(equal_constant_time("", ""));
}

} // namespace
} // namespace paquebot
