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

/// RFC 7672 section 3.1.
TEST(Proof, OfATlsaRecordServesWhoeverAsksForIt) {
  const std::string key{"\3\1\1key"}, anchor{"\2\0\1anchor"};
  const auto needs = [](std::vector<std::string> names, std::vector<std::string> records) {
    return Need{.hop = Need::Dane{std::move(names), std::move(records)}};
  };
  const Proof by_key{.encrypted = true, .tlsa = key};
  EXPECT_TRUE(satisfies(by_key, needs({"mx.far.test"}, {"other", key})));
  EXPECT_TRUE(satisfies(by_key, needs({"another.test"}, {key}))) << "names don't count";
  EXPECT_FALSE(satisfies(by_key, needs({"mx.far.test"}, {"other"}))) << "the records have changed";
  EXPECT_FALSE(satisfies(by_key, {.hop = Need::Pkix{"mx.far.test", ""}}));
  EXPECT_TRUE(satisfies(by_key, {.hop = Need::Encrypted{}}));
  const Proof by_anchor{.encrypted = true, .tlsa = anchor, .tlsa_names = {"far.test"}};
  EXPECT_TRUE(satisfies(by_anchor, needs({"mx.far.test", "far.test"}, {anchor})));
  EXPECT_FALSE(satisfies(by_anchor, needs({"mx.far.test", "near.test"}, {anchor}))) << "vouched for another domain";
  for (const Proof& none : {Proof{}, Proof{.encrypted = true}, Proof{.encrypted = true, .name = "mx.far.test"}})
    EXPECT_FALSE(satisfies(none, needs({"mx.far.test"}, {key})));
  EXPECT_FALSE(satisfies({.encrypted = true}, needs({"mx.far.test"}, {""})));
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
