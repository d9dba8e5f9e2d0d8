// What MAIL says of time, priority and safety (RFC 2852, 4865, 6710, 8689), through the store.

#include "store/test_contract.h"

namespace paquebot::store {
namespace {

constexpr std::int64_t kHourMillis = 3600 * 1000;

TEST_P(StoreContract, WhatTheSenderWishedComesBack) {
  AcceptRequest request = message();
  mail::Sender& sender = request.sender;
  sender.tls = mail::TlsWish::required;
  sender.priority = -9;
  sender.deliver_by = {.mode = mail::DeliverBy::Mode::give_back, .trace = true, .seconds = 60, .at = now() + 60'000};
  sender.hold = {mail::Hold::Kind::interval, 30, now() + 30'000, "for;30"};
  request.recipients = {to_remote("a@far.example", "far.example")};
  accepted(request);
  reopen();
  const auto items = claim("far.example");
  ASSERT_EQ(items.size(), 1u);
  const mail::Sender& read = items[0].message.sender;
  EXPECT_EQ(read.tls, mail::TlsWish::required);
  EXPECT_EQ(read.priority, -9);
  EXPECT_EQ(read.deliver_by.mode, mail::DeliverBy::Mode::give_back);
  EXPECT_TRUE(read.deliver_by.trace);
  EXPECT_EQ(read.deliver_by.at, sender.deliver_by.at);
  EXPECT_EQ(read.hold.until, sender.hold.until);
  EXPECT_EQ(read.hold.request, "for;30");
}

TEST_P(StoreContract, UrgentWorkIsClaimedFirst) {
  std::vector<Ulid> ids;
  for (const int priority : {0, -3, 2, 9, 2}) {
    AcceptRequest request = message();
    request.sender.priority = priority;
    request.recipients = {to_remote("a@far.example", "far.example")};
    request.recipients[0].due = now() - 10 + static_cast<std::int64_t>(ids.size());
    ids.push_back(accepted(request));
  }
  AcceptRequest later = message();
  later.sender.priority = 9;
  later.recipients = {to_remote("a@far.example", "far.example")};
  later.recipients[0].due = now() + kHourMillis;
  accepted(later);
  const auto first = claim("far.example", 2);
  ASSERT_EQ(first.size(), 2u);
  EXPECT_EQ(first[0].message.id, ids[3]);
  EXPECT_EQ(first[1].message.id, ids[2]);
  const auto rest = claim("far.example");
  ASSERT_EQ(rest.size(), 3u) << "what is not due stays";
  EXPECT_EQ(rest[0].message.id, ids[4]);
  EXPECT_EQ(rest[1].message.id, ids[0]) << "0 and below only by due time: the window in memory sorts them";
  EXPECT_EQ(rest[2].message.id, ids[1]);
}

TEST_P(StoreContract, OverdueWorkIsClaimedWhateverItWaitsFor) {
  EXPECT_EQ(run(store().queue().earliest_deadline()).value_or(-1), 0);
  AcceptRequest request = message();
  request.recipients = {to_remote("a@far.example", "far.example"), to_remote("b@near.example", "near.example"),
                        to_remote("c@near.example", "near.example")};
  for (NewRecipient& r : request.recipients) r.due = now() + 2 * kHourMillis;
  request.recipients[0].deadline = now() + kHourMillis;
  request.recipients[1].deadline = now() + 10;
  const Ulid id = accepted(request);
  EXPECT_EQ(run(store().queue().earliest_deadline()).value_or(-1), now() + 10);
  EXPECT_TRUE(run(store().queue().claim_overdue(now(), 10)).value().empty());
  const auto items = run(store().queue().claim_overdue(now() + kHourMillis, 10)).value();
  ASSERT_EQ(items.size(), 1u);
  ASSERT_EQ(items[0].recipients.size(), 2u);
  EXPECT_EQ(items[0].recipients[0].address, "b@near.example") << "the earliest first";
  EXPECT_EQ(run(store().queue().earliest_deadline()).value_or(-1), 0) << "in hand";
  reopen();
  EXPECT_EQ(run(store().queue().claim_overdue(now() + kHourMillis, 10)).value().size(), 1u)
      << "a crash does not forget it";
  // A notice is owed for one, and it waits on as before; the other is returned.
  EXPECT_TRUE(record({.message = id,
                      .index = 1,
                      .due = now() + 2 * kHourMillis,
                      .attempted = false,
                      .owed = Owed::delay,
                      .reply = peer_said(450, "late", {4, 4, 7}),
                      .deadline_met = true}));
  EXPECT_TRUE(record({.message = id,
                      .index = 0,
                      .to = State::failed,
                      .attempted = false,
                      .owed = Owed::failure,
                      .reply = peer_said(554, "late", {5, 4, 7}),
                      .deadline_met = true}));
  EXPECT_EQ(run(store().queue().earliest_deadline()).value_or(-1), 0);
  const Trace trace = trail(id);
  EXPECT_EQ(trace.recipients[0].state, State::failed);
  EXPECT_EQ(trace.recipients[0].attempts, 0u);
  EXPECT_EQ(trace.recipients[1].state, State::waiting);
  EXPECT_EQ(trace.recipients[1].due, now() + 2 * kHourMillis);
  EXPECT_EQ(trace.recipients[1].owed, Owed::delay);
}

TEST_P(StoreContract, OrdersLeaveAloneWhatIsHeldForLater) {
  const std::int64_t until = now() + kHourMillis;
  AcceptRequest later = message();
  later.sender.hold = {mail::Hold::Kind::until, 0, until, "for;3600"};
  later.recipients = {to_remote("a@far.example", "far.example")};
  later.recipients[0].due = until;
  const Ulid held = accepted(later);
  AcceptRequest other = message();
  other.recipients = {to_remote("b@far.example", "far.example")};
  other.recipients[0].due = until;
  accepted(other);
  const auto order = [&](QueueAction action, QueueFilter filter) {
    return run(store().queue().operate(action, filter, "test", now())).value_or(99);
  };
  EXPECT_EQ(order(QueueAction::retry, {}), 1u);
  EXPECT_EQ(order(QueueAction::retry, {.message = held}), 0u);
  EXPECT_EQ(order(QueueAction::release, {}), 0u) << "not named";
  EXPECT_EQ(order(QueueAction::release, {.destination = "far.example"}), 0u);
  EXPECT_EQ(run(store().queue().list({.held_only = true}, std::nullopt, 10)).value().size(), 1u);
  // An operator's hold in between keeps the sender's.
  EXPECT_EQ(order(QueueAction::hold, {.message = held}), 1u);
  EXPECT_EQ(order(QueueAction::release, {}), 1u);
  EXPECT_EQ(trail(held).recipients[0].due, until);
  EXPECT_EQ(order(QueueAction::release, {.message = held}), 1u);
  EXPECT_LE(trail(held).recipients[0].due, now());
  EXPECT_TRUE(run(store().queue().list({.held_only = true}, std::nullopt, 10)).value().empty());
  EXPECT_EQ(claim("far.example").size(), 2u);
}

TEST_P(StoreContract, WhatIsHeldForLaterCanBeCancelled) {
  const std::int64_t until = now() + kHourMillis;
  AcceptRequest later = message();
  later.sender.hold = {mail::Hold::Kind::until, 0, until, "for;3600"};
  later.recipients = {to_remote("a@far.example", "far.example")};
  later.recipients[0].due = until;
  const Ulid held = accepted(later);
  EXPECT_EQ(run(store().queue().operate(QueueAction::cancel, {.message = held}, "test", now())).value_or(0), 1u);
  EXPECT_EQ(trail(held).recipients[0].state, State::dropped);
}

} // namespace
} // namespace paquebot::store
