#include "store/test_contract.h"

#include <algorithm>

namespace paquebot::store {
namespace {

TEST_P(StoreContract, AReportWaitsForRecipientsInHandButNotForEver) {
  AcceptRequest request = message();
  request.recipients = {to_remote("a@far.example", "far.example", true),
                        to_remote("b@slow.example", "slow.example", true)};
  const Ulid first = accepted(request);
  request.id = message().id;
  const Ulid second = accepted(request);
  for (const Ulid& id : {first, second}) {
    std::vector<Outcome> failed = {{id, 0, State::failed, 0, true, Owed::failure, peer_said(550, "no")}};
    ASSERT_TRUE(run(store().queue().record(failed, std::nullopt)));
  }
  EXPECT_TRUE(run(store().queue().owed_reports({}, 10)).value().reports.empty());
  std::vector<Outcome> relayed = {{first, 1, State::relayed, 0, true, Owed::none, peer_said(250, "ok")}};
  ASSERT_TRUE(run(store().queue().record(relayed, std::nullopt)));
  const auto owed = run(store().queue().owed_reports({}, 1));
  ASSERT_TRUE(owed);
  ASSERT_EQ(owed->reports.size(), 1u);
  EXPECT_EQ(owed->reports.front().message.id, first);
  EXPECT_EQ(owed->reports.front().recipients.size(), 1u);
  ASSERT_EQ(owed->next, first);
  EXPECT_TRUE(run(store().queue().owed_reports(owed->next, 1)).value().reports.empty()) << "the second still gathers";
  clock().advance(std::chrono::seconds(60));
  EXPECT_EQ(run(store().queue().owed_reports({}, 10)).value().reports.size(), 2u);
  const auto behind = run(store().queue().owed_reports(first, 10));
  ASSERT_EQ(behind.value().reports.size(), 1u);
  EXPECT_EQ(behind->reports.front().message.id, second);
  EXPECT_FALSE(behind->next);
}

TEST_P(StoreContract, ANoticeOfDelayTellsOfAllThatAreTriedAtThatTime) {
  AcceptRequest request = message();
  for (const char* address : {"a@far.example", "b@far.example", "c@other.example", "d@other.example"})
    request.recipients.push_back(to_remote(address, std::string(address).substr(2), true));
  const Ulid id = accepted(request);
  const auto put_off = [&](std::uint32_t index, std::int64_t wait, Owed owed) {
    EXPECT_TRUE(record({id, index, State::waiting, now() + wait, true, owed, peer_said(450, "later")}));
  };
  for (std::uint32_t i = 0; i < 3; ++i) put_off(i, 1000, Owed::none);
  put_off(3, 3'600'000, Owed::none);
  clock().advance(std::chrono::seconds(1));
  const auto told = [&] {
    std::vector<std::size_t> sizes;
    const OwedPage page = run(store().queue().owed_reports({}, 10)).value();
    for (const OwedReport& one : page.reports) sizes.push_back(one.recipients.size());
    return sizes;
  };
  // One job after the other, of two destinations.
  for (const char* destination : {"far.example", "other.example"}) {
    EXPECT_EQ(told(), std::vector<std::size_t>()) << "the others are tried in a moment";
    claim(destination);
    if (std::string_view(destination) == "other.example") {
      put_off(2, 3'600'000, Owed::delay);
    } else {
      for (std::uint32_t i = 0; i < 2; ++i) put_off(i, 3'600'000, Owed::delay);
    }
  }
  EXPECT_EQ(told(), std::vector<std::size_t>{3}) << "whoever is tried an hour later is not waited for";
}

TEST_P(StoreContract, ANoticeOfDelayWaitsAMinuteAtMostAndAFailureForNobodyWhoWaits) {
  AcceptRequest request = message();
  request.recipients = {to_remote("a@far.example", "far.example", true),
                        to_remote("b@other.example", "other.example", true)};
  const Ulid id = accepted(request);
  EXPECT_TRUE(record({id, 1, State::waiting, now() + 1, true, Owed::none, peer_said(450, "later")}));
  EXPECT_TRUE(record({id, 0, State::waiting, now() + 3'600'000, true, Owed::delay, peer_said(450, "later")}));
  EXPECT_TRUE(run(store().queue().owed_reports({}, 10)).value().reports.empty());
  clock().advance(std::chrono::seconds(60));
  EXPECT_EQ(run(store().queue().owed_reports({}, 10)).value().reports.size(), 1u);
  AcceptRequest other = message();
  other.recipients = request.recipients;
  const Ulid failed = accepted(other);
  EXPECT_TRUE(record({failed, 1, State::waiting, now() + 1, true, Owed::none, peer_said(450, "later")}));
  EXPECT_TRUE(record({failed, 0, State::failed, 0, true, Owed::failure, peer_said(550, "no")}));
  EXPECT_EQ(run(store().queue().owed_reports({}, 10)).value().reports.size(), 2u);
}

TEST_P(StoreContract, ANoticeOfDelayWaitsLongerForASlowPlaceThatItTellsOf) {
  struct {
    const char* other; // where the recipient in hand is
    int waits;         // minutes at least
  } const cases[] = {{"far.example", 59}, {"other.example", 0}};
  for (const auto& [other, waits] : cases) {
    SCOPED_TRACE(other);
    AcceptRequest request = message();
    request.recipients = {to_remote("a@far.example", "far.example", true), to_remote("b@x.example", other, true)};
    const Ulid id = accepted(request);
    EXPECT_TRUE(record({id, 0, State::waiting, now() + 5 * 3'600'000, true, Owed::delay, peer_said(450, "later")}));
    const auto told = [&] { return !run(store().queue().owed_reports({}, 10)).value().reports.empty(); };
    EXPECT_FALSE(told());
    clock().advance(std::chrono::minutes(1 + waits) - std::chrono::seconds(1));
    EXPECT_FALSE(told());
    clock().advance(std::chrono::seconds(1));
    EXPECT_TRUE(told());
    ASSERT_TRUE(run(store().queue().waive_reports(id, {0})));
    EXPECT_TRUE(record({id, 1, State::relayed, 0, true, Owed::none, peer_said(250, "")}));
  }
}

TEST_P(StoreContract, AReportSettlesItsMarksInTheAcceptingTransaction) {
  const Account anna = make_account("anna@example.org");
  AcceptRequest request = message();
  request.recipients = {to_remote("a@far.example", "far.example", true),
                        to_remote("b@far.example", "far.example", true)};
  const Ulid id = accepted(request);
  std::vector<Outcome> outcomes = {{id, 0, State::failed, 0, true, Owed::failure, peer_said(550, "no")},
                                   {id, 1, State::waiting, now() + 1, true, Owed::delay, peer_said(450, "later")}};
  ASSERT_TRUE(run(store().queue().record(outcomes, std::nullopt)));
  const auto owed = run(store().queue().owed_reports({}, 10));
  ASSERT_TRUE(owed);
  ASSERT_EQ(owed->reports.size(), 1u);
  EXPECT_EQ(owed->reports.front().recipients.size(), 2u);
  EXPECT_NE(owed->reports.front().message.head, 0) << "the report quotes it";

  AcceptRequest report = message("report");
  report.klass = MessageClass::report;
  report.sender.reverse_path = {};
  report.recipients = {to_mailbox(anna)};
  report.settles = AcceptRequest::Settles{id, {0, 1}, {Owed::failure, Owed::delay}};
  const Ulid report_id = accepted(report);
  EXPECT_TRUE(run(store().queue().owed_reports({}, 10)).value().reports.empty());
  Trace trace = trail(id);
  EXPECT_TRUE(trace.recipients[1].delay_reported);
  EXPECT_FALSE(trace.recipients[0].delay_reported);
  EXPECT_EQ(trace.reports, std::vector<Ulid>{report_id});

  AcceptRequest again = message("report");
  again.klass = MessageClass::report;
  again.recipients = {to_mailbox(anna)};
  again.settles = report.settles;
  EXPECT_EQ(accept(again).status, AcceptStatus::duplicate);
  EXPECT_EQ(inbox_count(anna), 1u);

  clock().advance(std::chrono::minutes(1));
  claim("far.example");
  EXPECT_TRUE(record({id, 1, State::relayed, 0, true, Owed::none, peer_said(250, "")}));
  EXPECT_EQ(trail(id).message.head, 0);
}

TEST_P(StoreContract, ADelayThatBecameAFailureIsNotSettledByTheNotice) {
  AcceptRequest request = message();
  request.recipients = {to_remote("a@far.example", "far.example", true)};
  const Ulid id = accepted(request);
  EXPECT_TRUE(record({id, 0, State::waiting, now(), true, Owed::delay, peer_said(450, "")}));
  claim("far.example");
  EXPECT_TRUE(record({id, 0, State::failed, 0, true, Owed::failure, peer_said(550, "")}));
  AcceptRequest notice = message();
  notice.klass = MessageClass::report;
  notice.recipients = {to_remote("s@elsewhere.example", "elsewhere.example")};
  notice.settles = AcceptRequest::Settles{id, {0}, {Owed::delay}};
  EXPECT_EQ(accept(notice).status, AcceptStatus::duplicate);
  EXPECT_EQ(run(store().queue().owed_reports({}, 10)).value().reports.size(), 1u);
}

TEST_P(StoreContract, ADelayNoticeLapsesWhenTheMailArrives) {
  AcceptRequest request = message();
  request.recipients = {to_remote("a@far.example", "far.example", true)};
  const Ulid id = accepted(request);
  EXPECT_TRUE(record({id, 0, State::waiting, now(), true, Owed::delay, peer_said(450, "")}));
  claim("far.example");
  EXPECT_TRUE(record({id, 0, State::relayed, 0, true, Owed::none, peer_said(250, "")}));
  EXPECT_TRUE(run(store().queue().owed_reports({}, 10)).value().reports.empty());
  EXPECT_EQ(trail(id).message.head, 0);
}

TEST_P(StoreContract, AWaivedReportLetsGoOfTheContent) {
  AcceptRequest request = message();
  request.recipients = {to_remote("a@far.example", "far.example", true),
                        to_remote("b@far.example", "far.example", true)};
  const Ulid id = accepted(request);
  for (std::uint32_t i = 0; i < 2; ++i)
    EXPECT_TRUE(record({id, i, State::failed, 0, true, Owed::failure, peer_said(550, "")}));
  EXPECT_NE(trail(id).message.head, 0);
  ASSERT_TRUE(run(store().queue().waive_reports(id, {0, 1, 1})));
  EXPECT_EQ(trail(id).message.head, 0);
  EXPECT_TRUE(run(store().queue().owed_reports({}, 10)).value().reports.empty());
}

} // namespace
} // namespace paquebot::store
