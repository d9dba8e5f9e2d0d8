#include "service/compression.h"

#include <gtest/gtest.h>
#include <random>
#include <vector>
#include <zlib.h>

namespace paquebot::service {
namespace {

std::string unpack_all(Compression& compression, std::string_view packed) {
  std::string out;
  compression.take(packed);
  while (compression.waits()) {
    const auto piece = compression.unpack();
    if (!piece) return "broken";
    EXPECT_LE(piece->size(), Compression::kPiece);
    out += *piece;
  }
  return out;
}

TEST(Compression, GoesBothWaysInPieces) {
  const auto a = Compression::begin(), b = Compression::begin();
  std::mt19937 chance(7);
  for (int i = 0; i < 200; ++i) {
    std::string text;
    const auto size = chance() % 60'000;
    const bool noise = chance() % 4 == 0;
    while (text.size() < size) text += static_cast<char>(noise ? chance() : 'a' + chance() % 3);
    const std::string packed(a->pack(text));
    const auto cut = packed.empty() ? 0 : chance() % packed.size();
    std::string back = unpack_all(*b, packed.substr(0, cut));
    back += unpack_all(*b, packed.substr(cut));
    ASSERT_EQ(back, text);
    if (i % 10 == 0) a->rest(), b->rest();
  }
}

TEST(Compression, ABombComesInSmallPieces) {
  const auto sender = Compression::begin(), taker = Compression::begin();
  const std::string packed(sender->pack(std::string(50u << 20, 'A')));
  ASSERT_LT(packed.size(), 1u << 20);
  std::size_t octets = 0;
  taker->take(packed);
  while (taker->waits()) {
    const auto piece = taker->unpack();
    ASSERT_TRUE(piece);
    ASSERT_LE(piece->size(), Compression::kPiece);
    octets += piece->size();
  }
  EXPECT_EQ(octets, 50u << 20);
}

TEST(Compression, WhatIsNoDeflateIsAnError) {
  const auto one = Compression::begin();
  EXPECT_EQ(unpack_all(*one, "\xFF\xFF a NOOP\r\n"), "broken");
  const auto other = Compression::begin(), sender = Compression::begin();
  std::string packed(sender->pack("hello"));
  packed[0] = static_cast<char>(packed[0] ^ 6); // the kind of block
  EXPECT_NE(unpack_all(*other, packed), "hello");
}

TEST(Compression, BehindAnEndNothingCounts) {
  z_stream out{};
  ASSERT_EQ(deflateInit2(&out, 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string text = "bye", packed(100, '\0');
  out.next_in = reinterpret_cast<Bytef*>(text.data());
  out.avail_in = 3;
  out.next_out = reinterpret_cast<Bytef*>(packed.data());
  out.avail_out = 100;
  ASSERT_EQ(deflate(&out, Z_FINISH), Z_STREAM_END);
  packed.resize(100 - out.avail_out);
  deflateEnd(&out);
  const auto one = Compression::begin();
  EXPECT_EQ(unpack_all(*one, packed + "more"), "bye");
  EXPECT_EQ(unpack_all(*one, "more"), "");
}

TEST(Compression, ThereAreBoundedMany) {
  std::vector<std::unique_ptr<Compression>> all;
  while (Compression::has_room()) {
    ASSERT_LE(all.size(), Compression::kMost);
    all.push_back(Compression::begin());
    ASSERT_TRUE(all.back());
  }
  EXPECT_EQ(Compression::begin(), nullptr);
  all.pop_back();
  EXPECT_TRUE(Compression::has_room());
}

} // namespace
} // namespace paquebot::service
