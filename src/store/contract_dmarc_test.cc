#include "store/test_contract.h"

namespace paquebot::store {
namespace {

constexpr std::int64_t kDay = 24LL * 3600 * 1000;

DmarcCount count(const DmarcDay& of, const std::string& source, const std::string& detail, std::uint64_t number = 1,
                 const std::string& policy = "v=DMARC1; p=none") {
  return {of, policy, {source, detail, number}};
}

TEST_P(StoreContract, DmarcRowsThatAreAlikeAreCountedTogether) {
  const DmarcDay day{10 * kDay, "a.test"};
  const std::string detail("x\0\xff", 3);
  ASSERT_EQ(run(store().books().count_dmarc({count(day, "192.0.2.1", detail, 2), count(day, "192.0.2.2", detail)})),
            0u);
  ASSERT_EQ(run(store().books().count_dmarc({count(day, "192.0.2.1", detail, 3, "v=DMARC1; p=reject")})), 0u);
  reopen();
  const auto due = run(store().books().list_dmarc(11 * kDay, {}, 100)).value();
  ASSERT_EQ(due.size(), 1u);
  EXPECT_EQ(due[0].of, day);
  EXPECT_EQ(due[0].rows, 2u);
  EXPECT_EQ(due[0].policy, "v=DMARC1; p=reject") << "the last one of the day";
  const auto first = run(store().books().read_dmarc(day, std::nullopt, 1)).value();
  ASSERT_EQ(first.size(), 1u);
  EXPECT_EQ(first[0].source, "192.0.2.1");
  EXPECT_EQ(first[0].detail, detail);
  EXPECT_EQ(first[0].count, 5u);
  const auto second = run(store().books().read_dmarc(day, first[0], 10)).value();
  ASSERT_EQ(second.size(), 1u);
  EXPECT_EQ(second[0].source, "192.0.2.2");
}

TEST_P(StoreContract, DmarcReportsAreDueOnceTheirDayIsOver) {
  const DmarcDay monday{10 * kDay, "a.test"}, tuesday{11 * kDay, "a.test"}, other{10 * kDay, "b.test"};
  ASSERT_TRUE(run(
      store().books().count_dmarc({count(tuesday, "::1", "x"), count(other, "::1", "x"), count(monday, "::1", "x")})));
  EXPECT_TRUE(run(store().books().list_dmarc(10 * kDay, {}, 9))->empty());
  const auto due = run(store().books().list_dmarc(11 * kDay, {}, 9)).value();
  ASSERT_EQ(due.size(), 2u);
  EXPECT_EQ(due[0].of, monday);
  EXPECT_EQ(due[1].of, other);
  EXPECT_EQ(run(store().books().list_dmarc(12 * kDay, {}, 2))->size(), 2u);
  const auto next = run(store().books().list_dmarc(12 * kDay, other, 9)).value();
  ASSERT_EQ(next.size(), 1u);
  EXPECT_EQ(next[0].of, tuesday);
}

TEST_P(StoreContract, DmarcReportAndItsRowsChangeHandsAtOnce) {
  const DmarcDay monday{10 * kDay, "a.test"}, tuesday{11 * kDay, "a.test"};
  ASSERT_TRUE(run(store().books().count_dmarc({count(monday, "::1", "x"), count(tuesday, "::1", "x")})));
  AcceptRequest report = message();
  report.recipients.push_back(to_remote("rua@a.test", "a.test"));
  report.dmarc = monday;
  accepted(report);
  EXPECT_TRUE(run(store().books().read_dmarc(monday, std::nullopt, 9))->empty());
  EXPECT_EQ(run(store().books().list_dmarc(20 * kDay, {}, 9))->size(), 1u) << "another day is left alone";
  AcceptRequest again = message();
  again.recipients = report.recipients;
  again.dmarc = monday;
  EXPECT_EQ(accept(again).status, AcceptStatus::duplicate);
  EXPECT_FALSE(run(store().trail().trace(again.id))) << "nothing of it is left";
}

TEST_P(StoreContract, DmarcReportThatNobodyWantsIsDropped) {
  const DmarcDay monday{10 * kDay, "a.test"};
  ASSERT_TRUE(run(store().books().count_dmarc({count(monday, "::1", "x")})));
  EXPECT_TRUE(run(store().books().drop_dmarc(monday)));
  EXPECT_EQ(run(store().books().drop_dmarc(monday)).error().code, Errc::not_found);
  EXPECT_TRUE(run(store().books().list_dmarc(20 * kDay, {}, 9))->empty());
}

TEST_P(StoreContract, DmarcStrangersCantMakeItGrowWithoutBound) {
  const DmarcDay monday{10 * kDay, "a.test"}, tuesday{11 * kDay, "b.test"};
  std::vector<DmarcCount> flood;
  for (std::uint64_t i = 0; i < kMaxDmarcRowsOfReport + 7; ++i)
    flood.push_back(count(monday, "192.0.2.1", std::to_string(i)));
  EXPECT_EQ(run(store().books().count_dmarc(flood)), 7u);
  EXPECT_EQ(run(store().books().count_dmarc({count(monday, "192.0.2.1", "0", 5)})), 0u)
      << "what is known is counted on";
  EXPECT_EQ(run(store().books().count_dmarc({count(tuesday, "192.0.2.1", "0")})), 0u) << "another report has room";
  EXPECT_EQ(run(store().books().count_dmarc({count(tuesday, "::1", std::string(kMaxDmarcDetail + 1, 'x'), 3)})), 3u);
  flood.clear();
  for (std::uint64_t i = 0; i < kMaxDmarcReports + 5; ++i)
    flood.push_back(count({12 * kDay, "d" + std::to_string(i)}, "::1", "x"));
  EXPECT_EQ(run(store().books().count_dmarc(flood)), 7u) << "two reports were there before";
}

TEST_P(StoreContract, DmarcReportsThatCouldNotBeSentAreForgotten) {
  const std::int64_t today = now() / kDay * kDay;
  const std::int64_t old = today - kKeepDmarcMs - kDay;
  ASSERT_TRUE(run(store().books().count_dmarc(
      {count({old, "a.test"}, "::1", "x"), count({old, "b.test"}, "::1", "x"), count({today, "a.test"}, "::1", "x")})));
  for (int i = 0; i < 10 && run(store().upkeep().maintain(now())).value(); ++i) {
  }
  const auto left = run(store().books().list_dmarc(today + kDay, {}, 9)).value();
  ASSERT_EQ(left.size(), 1u);
  EXPECT_EQ(left[0].of.day, today);
}

} // namespace
} // namespace paquebot::store
