#include "mail/line_mender.h"

#include <gtest/gtest.h>
#include <string>

namespace paquebot::mail {
namespace {

std::string mended_in_pieces(std::string_view text, std::size_t step) {
  LineMender mender;
  std::string out;
  for (std::size_t at = 0; at < text.size(); at += step) {
    std::string_view input = text.substr(at, step);
    while (!input.empty()) {
      const auto piece = mender.next(input);
      EXPECT_FALSE(piece.empty());
      out += piece;
    }
  }
  return out;
}

/// What is expected, octet by octet.
std::string with_crlf(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n' && (i == 0 || text[i - 1] != '\r')) out += '\r';
    out += text[i];
  }
  return out;
}

TEST(LineMender, EveryShortWordHoweverItIsCut) {
  std::string word;
  const auto grow = [&](const auto& self) -> void {
    for (const std::size_t step : {std::size_t{1}, std::size_t{2}, std::size_t{3}, std::size_t{9}})
      EXPECT_EQ(mended_in_pieces(word, step), with_crlf(word));
    if (word.size() == 6) return;
    for (const char c : std::string_view("\r\n.a")) {
      word += c;
      self(self);
      word.pop_back();
    }
  };
  grow(grow);
}

TEST(LineMender, WhatIsRightIsNotCopiedNorCut) {
  LineMender mender;
  const std::string text = "Subject: x\r\n\r\none\r\n..two\r\n";
  std::string_view input = text;
  const auto piece = mender.next(input);
  EXPECT_EQ(piece.data(), text.data());
  EXPECT_EQ(piece.size(), text.size());
  EXPECT_EQ(mender.mended(), 0u);
  input = "a\nb\n";
  while (!input.empty()) mender.next(input);
  EXPECT_EQ(mender.mended(), 2u);
}

} // namespace
} // namespace paquebot::mail
