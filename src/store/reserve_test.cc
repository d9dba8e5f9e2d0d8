#include "store/reserve.h"

#include <gtest/gtest.h>

namespace paquebot::store {
namespace {

TEST(Reserve, IsAQuarterOfASmallDiskAndNeverMuch) {
  EXPECT_EQ(Reserve::size(0), 0u);
  EXPECT_EQ(Reserve::size(24u << 20), 6u << 20);
  EXPECT_EQ(Reserve::size(256u << 20), 64u << 20);
  EXPECT_EQ(Reserve::size(std::uint64_t{4} << 40), 64u << 20);
}

TEST(Reserve, OfAFolder) {
  EXPECT_EQ(Reserve::of("/nowhere/at/all"), Reserve::size(std::uint64_t{4} << 40));
  EXPECT_GT(Reserve::of("/"), 0u);
}

TEST(Reserve, WhereNothingIsKnownMailIsTaken) {
  EXPECT_TRUE(Reserve("/nowhere/at/all").spared());
  EXPECT_TRUE(Reserve("/proc").spared()); // a file system without blocks
}

} // namespace
} // namespace paquebot::store
