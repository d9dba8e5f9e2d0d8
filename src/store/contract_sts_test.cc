#include "store/test_contract.h"

namespace paquebot::store {
namespace {

TEST_P(StoreContract, PoliciesOfOthersAreKept) {
  const StsRow one{"a.test", "1", "version: STSv1\nmode: enforce\n", 5},
      other{"b.test", "2", std::string("x\0y", 3), 6};
  ASSERT_TRUE(run(store().books().save_sts(one)));
  ASSERT_TRUE(run(store().books().save_sts(other)));
  StsRow newer = one;
  newer.id = "3";
  newer.fetched = 7;
  ASSERT_TRUE(run(store().books().save_sts(newer)));
  reopen();
  EXPECT_EQ(run(store().books().load_sts("", 9)).value(), (std::vector<StsRow>{newer, other}));
  EXPECT_EQ(run(store().books().load_sts("", 1)).value(), (std::vector<StsRow>{newer}));
  EXPECT_EQ(run(store().books().load_sts("a.test", 9)).value(), (std::vector<StsRow>{other}));
  ASSERT_TRUE(run(store().books().drop_sts("a.test")));
  ASSERT_TRUE(run(store().books().drop_sts("a.test"))) << "it is gone already";
  EXPECT_EQ(run(store().books().load_sts("", 9)).value(), (std::vector<StsRow>{other}));
}

TEST_P(StoreContract, ReportsOnTlsAreKeptApartFromThoseOfDmarc) {
  constexpr std::int64_t kDay = 24LL * 3600 * 1000;
  const DmarcDay mail{10 * kDay, "a.test"}, tls{10 * kDay, "a.test", DmarcDay::Kind::tls};
  ASSERT_EQ(run(store().books().count_dmarc(
                {{mail, "v=DMARC1", {"192.0.2.1", "x", 1}}, {tls, "v=TLSRPTv1", {"mx.a.test", "y", 2}}})),
            0u);
  const auto first = run(store().books().list_dmarc(11 * kDay, {}, 9)).value();
  ASSERT_EQ(first.size(), 1u);
  EXPECT_EQ(first[0].of, mail);
  const auto second = run(store().books().list_dmarc(11 * kDay, {.kind = DmarcDay::Kind::tls}, 9)).value();
  ASSERT_EQ(second.size(), 1u);
  EXPECT_EQ(second[0].of, tls);
  EXPECT_EQ(second[0].policy, "v=TLSRPTv1");
  EXPECT_EQ(run(store().books().read_dmarc(tls, std::nullopt, 9))->at(0).source, "mx.a.test");
  ASSERT_TRUE(run(store().books().drop_dmarc(tls)));
  EXPECT_EQ(run(store().books().list_dmarc(11 * kDay, {}, 9))->size(), 1u);
  EXPECT_TRUE(run(store().books().list_dmarc(11 * kDay, {.kind = DmarcDay::Kind::tls}, 9))->empty());
}

} // namespace
} // namespace paquebot::store
