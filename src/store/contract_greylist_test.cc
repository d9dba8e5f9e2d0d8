#include "store/test_contract.h"

namespace paquebot::store {
namespace {

using GreyState = GreyRow::State;

TEST_P(StoreContract, GreylistRowsAreKeptChangedAndForgotten) {
  const GreyRow waiting{"aa", GreyState::waiting, 1000, 1000, 1, 5000},
      network{"bb", GreyState::network, 2000, 3000, 7, 9000};
  ASSERT_TRUE(run(store().books().save_greylist({waiting, network})));
  EXPECT_EQ(run(store().books().load_greylist("", 10)).value(), (std::vector{waiting, network}));
  EXPECT_EQ(run(store().books().load_greylist("", 1)).value(), std::vector{waiting});
  EXPECT_EQ(run(store().books().load_greylist("aa", 10)).value(), std::vector{network});
  GreyRow passed = waiting;
  passed.state = GreyState::passed;
  passed.expires = 99'000;
  GreyRow gone = network;
  gone.state = GreyState::gone;
  ASSERT_TRUE(run(store().books().save_greylist({passed, gone})));
  EXPECT_EQ(run(store().books().load_greylist("", 10)).value(), std::vector{passed});
}

TEST_P(StoreContract, GreylistRowsOfTwoNodesAreMerged) {
  ASSERT_TRUE(run(store().books().save_greylist({{"aa", GreyState::passed, 2000, 3000, 4, 9000}})));
  ASSERT_TRUE(run(store().books().save_greylist({{"aa", GreyState::waiting, 1000, 1000, 1, 5000}})));
  const GreyRow both{"aa", GreyState::passed, 1000, 3000, 4, 9000};
  EXPECT_EQ(run(store().books().load_greylist("", 10)).value(), std::vector{both});
}

TEST_P(StoreContract, GreylistRowsAreFoundByTheirKeys) {
  const GreyRow waiting{"aa", GreyState::waiting, 1000, 1000, 1, 5000},
      network{"bb", GreyState::network, 2000, 3000, 7, 9000};
  ASSERT_TRUE(run(store().books().save_greylist({waiting, network})));
  EXPECT_EQ(run(store().books().find_greylist({"bb", "cc"})).value(), std::vector{network});
  EXPECT_EQ(run(store().books().find_greylist({"aa", "bb"})).value().size(), 2u);
  EXPECT_TRUE(run(store().books().find_greylist({})).value().empty());
}

TEST_P(StoreContract, GreylistRowsThatHaveExpiredGo) {
  std::vector<GreyRow> rows;
  for (int i = 1000; i < 1600; ++i) rows.push_back({std::to_string(i), GreyState::waiting, 1, 1, 1, i});
  ASSERT_TRUE(run(store().books().save_greylist(rows)));
  for (bool more = true; more;) more = run(store().upkeep().maintain(1599)).value();
  EXPECT_EQ(run(store().books().load_greylist("", 1000)).value(), std::vector{rows.back()});
}

} // namespace
} // namespace paquebot::store
