#include "delivery/places.h"

#include <gtest/gtest.h>

namespace paquebot::delivery {
namespace {

TEST(Places, AConnectionCountsWhetherItWorksOrNot) {
  Places places;
  places.move("p", Share::none, Share::opening);
  places.move("p", Share::none, Share::opening);
  EXPECT_EQ(places.connected("p"), 0u);
  places.move("p", Share::opening, Share::open);
  places.move("p", Share::opening, Share::refused);
  EXPECT_EQ(places.connected("p"), 1u);
  EXPECT_EQ(places.count("p", Share::refused), 1u);
  places.move("p", Share::open, Share::working);
  EXPECT_EQ(places.connected("p"), 1u);
  EXPECT_EQ(places.count("p", Share::working), 1u);
  EXPECT_EQ(places.connected("other"), 0u);
}

TEST(Places, AreForgottenOnceNobodyIsThere) {
  Places places;
  places.move("p", Share::none, Share::working);
  places.move("q", Share::none, Share::none);
  EXPECT_EQ(places.size(), 1u);
  places.move("p", Share::working, Share::none);
  EXPECT_EQ(places.size(), 0u);
}

} // namespace
} // namespace paquebot::delivery
