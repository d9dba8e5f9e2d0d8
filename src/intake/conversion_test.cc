#include "intake/conversion.h"

#include <gtest/gtest.h>

namespace paquebot::intake {
namespace {

constexpr std::string_view kBinaryLetter =
    "MIME-Version: 1.0\r\nContent-Type: application/x\r\nContent-Transfer-Encoding: binary\r\n\r\na\nb";

std::string converted(Conversion& conversion, std::string_view text, std::size_t piece) {
  std::string all;
  for (std::size_t i = 0; i < text.size(); i += piece)
    if (const auto some = conversion.feed(text.substr(i, piece))) all += *some;
  if (const auto rest = conversion.finish()) all += *rest;
  return all;
}

TEST(Conversion, MakesLinesInAnyPieces) {
  for (const std::size_t piece : {1, 9, 1000}) {
    Conversion conversion;
    EXPECT_FALSE(conversion.on());
    conversion.begin(false);
    EXPECT_TRUE(conversion.on());
    EXPECT_TRUE(converted(conversion, kBinaryLetter, piece).ends_with("base64\r\n\r\nYQpi\r\n")) << piece;
  }
}

TEST(Conversion, OnlyLooksWhetherItCouldBeWhereItStays) {
  Conversion conversion;
  conversion.begin(true);
  EXPECT_TRUE(conversion.stays_binary());
  EXPECT_EQ(converted(conversion, kBinaryLetter, 9), kBinaryLetter);
}

TEST(Conversion, WhatCannotBeConvertedIsRefused) { // signed, with a part of it binary
  const std::string text = "MIME-Version: 1.0\r\nContent-Type: multipart/signed; boundary=b\r\n\r\n"
                           "--b\r\nContent-Transfer-Encoding: binary\r\n\r\na\nb\r\n--b--\r\n";
  for (const bool stays : {true, false}) {
    Conversion conversion;
    conversion.begin(stays);
    Result<std::string_view> said = conversion.feed(text);
    if (said) said = conversion.finish();
    ASSERT_FALSE(said) << stays;
    const mail::Reply reply = not_convertible(said.error());
    EXPECT_EQ(reply.code, 554);
    EXPECT_EQ(reply.enhanced, (mail::EnhancedCode{5, 6, 3}));
  }
  EXPECT_EQ(not_convertible({Errc::invalid, "too much"}).code, 552);
}

} // namespace
} // namespace paquebot::intake
