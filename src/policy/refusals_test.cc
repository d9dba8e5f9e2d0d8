#include "policy/refusals.h"

#include <gtest/gtest.h>

namespace paquebot::policy {
namespace {

Refusal refused(std::int64_t at, std::string from, std::string to) {
  return {at, "192.0.2.1", "", std::move(from), std::move(to), "550 5.1.1 no such mailbox here"};
}

TEST(Refusals, AreFoundByWhoeverTheyConcernNewestFirst) {
  Refusals refusals;
  refusals.add(refused(10, "ann@one.test", "bob@two.test"));
  refusals.add(refused(20, "eve@one.test", "BOB@Two.test"));
  refusals.add({30, "192.0.2.1", "bob@two.test", "", "", "552 5.3.4 too large"});
  refusals.add(refused(40, "", "carol@two.test"));
  const auto found = refusals.find("bob@two.TEST", 0, 10);
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found[0].at, 30);
  EXPECT_EQ(found[1].at, 20);
  EXPECT_EQ(found[2].from, "ann@one.test");
  EXPECT_EQ(refusals.find("bob@two.test", 20, 10).size(), 2U);
  EXPECT_EQ(refusals.find("bob@two.test", 0, 1).size(), 1U);
  EXPECT_EQ(refusals.find("ann@one.test", 0, 10).size(), 1U);
  EXPECT_TRUE(refusals.find("two.test", 0, 10).empty());
  EXPECT_TRUE(refusals.find("", 0, 10).empty()) << "the null sender is nobody to look for";
}

TEST(Refusals, OfManyTheLastAreKeptAndOfLongTextsTheBeginning) {
  Refusals refusals;
  for (std::size_t i = 0; i < Refusals::kMost + 5; ++i)
    refusals.add(refused(static_cast<std::int64_t>(i), "ann@one.test", "bob@two.test"));
  const auto all = refusals.find("bob@two.test", 0, 2 * Refusals::kMost);
  ASSERT_EQ(all.size(), Refusals::kMost);
  EXPECT_EQ(all.back().at, 5);
  refusals.add({1, std::string(1000, 'c'), std::string(1000, 'a'), "long@one.test", std::string(1000, 't'),
                std::string(5000, 'r')});
  const auto found = refusals.find("long@one.test", 0, 10);
  ASSERT_EQ(found.size(), 1U);
  for (const auto* text : {&found[0].client, &found[0].account, &found[0].to})
    EXPECT_EQ(text->size(), Refusals::kMostAddress);
  EXPECT_EQ(found[0].reply.size(), Refusals::kMostReply);
}

} // namespace
} // namespace paquebot::policy
