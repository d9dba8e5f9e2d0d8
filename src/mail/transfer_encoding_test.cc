#include "base/encoding.h"
#include "base/text.h"
#include "mail/transfer_encoding.h"

#include <gtest/gtest.h>

namespace paquebot::mail {
namespace {

template <class Encoder>
std::string encode(std::string_view text, std::size_t step) {
  Encoder encoder;
  std::string out;
  for (; !text.empty(); text.remove_prefix(std::min(step, text.size()))) encoder.feed(text.substr(0, step), out);
  encoder.finish(out);
  return out;
}

TEST(QuotedPrintable, Cases) {
  const std::pair<std::string, std::string> cases[] = {
      {"", ""},
      {"plain\r\n", "plain\r\n"},
      {"a=b\r\n", "a=3Db\r\n"},
      {"é", "=C3=A9"},
      {"end \r\ntab\t\r\n", "end=20\r\ntab=09\r\n"},
      {"a b\tc", "a b\tc"},
      {"a ", "a=20"},
      {"a\rb\r\n", "a=0Db\r\n"},
      {"a \r", "a =0D"},
      {"lf\nonly", "lf\r\nonly"},
      {"\r\n\r\n", "\r\n\r\n"},
      {std::string("\0", 1), "=00"},
      {"From me\r\nnot From", "=46rom me\r\nnot From"},
      {"-- \r\nsignature", "=2D-=20\r\nsignature"},
      {std::string(75, 'x') + "--b", std::string(75, 'x') + "=\r\n=2D-b"},
      {std::string(76, 'x'), std::string(75, 'x') + "=\r\nx"},
      {std::string(75, 'x'), std::string(75, 'x')},
      {std::string(75, 'x') + "From", std::string(75, 'x') + "=\r\n=46rom"},
      {std::string(75, 'x') + " \r\n", std::string(75, 'x') + "=\r\n=20\r\n"},
  };
  for (const auto& [text, wanted] : cases) {
    for (std::size_t step = 1; step < text.size() + 2; ++step) {
      EXPECT_EQ(encode<QuotedPrintableEncoder>(text, step), wanted) << text;
    }
  }
}

TEST(QuotedPrintable, Decode) {
  const std::pair<std::string, std::string> cases[] = {
      {"", ""},
      {"a=3Db", "a=b"},
      {"a=3db", "a=b"},
      {"soft=\r\nbreak", "softbreak"},
      {"soft= \t\r\nbreak", "softbreak"},
      {"lf=\nbreak", "lfbreak"},
      {"end=", "end"},
      {"bad=ZZ", "bad=ZZ"},
      {"bad=4", "bad=4"},
      {"=", ""},
  };
  for (const auto& [text, wanted] : cases) EXPECT_EQ(quoted_printable_decode(text), wanted) << text;
  std::string all;
  for (int i = 0; i < 2000; ++i) all += static_cast<char>(i * 31);
  std::string binary;
  for (const char c : all) {
    if (c != '\n' && c != '\r') binary += c;
  }
  EXPECT_EQ(quoted_printable_decode(encode<QuotedPrintableEncoder>(binary, 17)), binary);
  // "=" and much space, over and over, costs no more than its length.
  std::string hostile;
  for (int i = 0; i < 10'000; ++i) hostile += "=" + std::string(100, ' ');
  EXPECT_FALSE(quoted_printable_decode(hostile).empty());
}

TEST(Encoders, LinesAreBounded) {
  std::string text;
  for (int i = 0; i < 5000; ++i) text += static_cast<char>(i * 7919 % 251);
  for (const std::string& out : {encode<QuotedPrintableEncoder>(text, 100), encode<Base64Encoder>(text, 100)}) {
    for (const std::string_view line : split(out, '\n')) EXPECT_LE(trim(line).size(), 76U);
    EXPECT_TRUE(is_ascii(out));
  }
}

TEST(Base64Encoder, SameAsWholeText) {
  std::string text;
  for (int i = 0; i < 400; ++i) {
    std::string joined;
    for (const char c : encode<Base64Encoder>(text, static_cast<std::size_t>(i % 61 + 1))) {
      if (c != '\r' && c != '\n') joined += c;
    }
    EXPECT_EQ(joined, base64_encode(text));
    text += static_cast<char>(i);
  }
  EXPECT_EQ(encode<Base64Encoder>(std::string(57, 'x'), 57).size(), 76U);
  EXPECT_EQ(encode<Base64Encoder>(std::string(58, 'x'), 58).size(), 76U + 2 + 4);
}

} // namespace
} // namespace paquebot::mail
