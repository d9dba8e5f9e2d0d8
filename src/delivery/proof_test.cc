#include "delivery/proof.h"

#include <gtest/gtest.h>
#include <iterator>
#include <tuple>

namespace paquebot::delivery {
namespace {

using queue::Need;

TEST(Proof, SatisfiesWhatAsksForNoMore) {
  const Proof clear, encrypted{.encrypted = true};
  const Proof named{.encrypted = true, .name = "mx.example", .roots = "CA"};
  const Need any, tls{.hop = Need::Encrypted{}}, pkix{.hop = Need::Pkix{"mx.example", "CA"}};
  const std::tuple<const Proof*, const Need*, bool> cases[] = {
      {&clear, &any, true},     {&clear, &tls, false},    {&clear, &pkix, false},
      {&encrypted, &any, true}, {&encrypted, &tls, true}, {&encrypted, &pkix, false},
      {&named, &any, true},     {&named, &tls, true},     {&named, &pkix, true},
  };
  for (std::size_t i = 0; i < std::size(cases); ++i) {
    const auto& [proof, need, wanted] = cases[i];
    EXPECT_EQ(satisfies(*proof, *need), wanted) << i;
  }
}

TEST(Proof, IsOfOneNameAndItsRoots) {
  const Proof named{.encrypted = true, .name = "mx.example", .roots = "CA"};
  EXPECT_FALSE(satisfies(named, {.hop = Need::Pkix{"other.example", "CA"}}));
  EXPECT_FALSE(satisfies(named, {.hop = Need::Pkix{"mx.example", "another CA"}}));
  EXPECT_FALSE(satisfies(named, {.hop = Need::Pkix{"mx.example", ""}}));
  const Proof nobody{.encrypted = true};
  EXPECT_FALSE(satisfies(nobody, {.hop = Need::Pkix{"", ""}}));
}

TEST(Proof, TheHostsPromiseIsAskedForOnItsOwn) {
  Proof named{.encrypted = true, .name = "mx.example"};
  const Need onward{.hop = Need::Pkix{"mx.example", ""}, .onward = true};
  EXPECT_FALSE(satisfies(named, onward));
  named.onward = true;
  EXPECT_TRUE(satisfies(named, onward));
  EXPECT_TRUE(satisfies(named, {}));
  EXPECT_FALSE(satisfies({.encrypted = true, .onward = true}, onward));
}

} // namespace
} // namespace paquebot::delivery
