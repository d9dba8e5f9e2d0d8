// Operators' standing orders: mail of an account, or to a domain, is held until they end.
#include "store/test_contract.h"

namespace paquebot::store {
namespace {

using Of = Suspension::Of;
using Phase = Suspension::Phase;

constexpr std::int64_t kSuspendedFor = 3600 * 1000;

Suspension about(Of of, const std::string& name, std::int64_t until = 0) {
  Suspension one{.of = of, .name = name, .until = until};
  one.who = "operator test";
  one.why = "they move";
  return one;
}

Suspension only_one(Store& store) {
  const auto all = run(store.queue().list_suspensions()).value();
  EXPECT_EQ(all.size(), 1u);
  return all.empty() ? Suspension() : all.front();
}

TEST_P(StoreContract, SuspendedAccountsMailIsHeldAsAWhole) {
  const Account anna = make_account("anna@example.org"), bob = make_account("bob@example.org");
  EXPECT_EQ(run(store().queue().suspend(about(Of::account, "nobody@example.org"))).error().code, Errc::not_found);
  ASSERT_TRUE(run(store().queue().suspend(about(Of::account, anna.login))));
  AcceptRequest one = submission(anna, {}, {"a@far.example"});
  one.recipients.push_back(to_mailbox(bob));
  one.recipients[0].in_hand = true;
  EXPECT_TRUE(accept(one).held);
  EXPECT_EQ(inbox_count(bob), 0u);
  for (const RecipientFacts& r : trail(one.id).recipients) {
    EXPECT_EQ(r.state, State::held);
    EXPECT_EQ(r.hold, HoldKind::suspended);
    EXPECT_EQ(r.reason, "mail of anna@example.org is suspended by operator test: they move");
  }
  EXPECT_EQ(trail(one.id).events.back().kind, EventKind::held);
  EXPECT_FALSE(accept(submission(bob, {}, {"a@far.example"})).held) << "others are not touched";
  reopen();
  EXPECT_TRUE(accept(submission(anna, {}, {"a@far.example"})).held) << "it survives";
  run(store().directory().remove_account(anna.login)).value();
  EXPECT_EQ(only_one(store()).phase, Phase::ending) << "it goes with the account";
  expect_sound();
}

TEST_P(StoreContract, SuspendedDomainsRecipientsAreHeldAndNoOthers) {
  const Account bob = make_account("bob@example.org");
  ASSERT_TRUE(run(store().queue().suspend(about(Of::domain, "far.example", now() + kSuspendedFor))));
  AcceptRequest one = message();
  one.recipients = {to_remote("a@near.example", "near.example", true), to_remote("b@FAR.example", "route:isp", true),
                    to_mailbox(bob), to_remote("c@far.example", "far.example")};
  const AcceptResult result = accept(one);
  EXPECT_FALSE(result.held);
  EXPECT_EQ(result.suspended, (std::vector<std::uint32_t>{1, 3}));
  EXPECT_EQ(inbox_count(bob), 1u);
  const Trace trace = trail(one.id);
  EXPECT_EQ(trace.recipients[0].state, State::in_hand);
  for (const int index : {1, 3}) {
    EXPECT_EQ(trace.recipients.at(index).state, State::held);
    EXPECT_EQ(trace.recipients.at(index).hold, HoldKind::suspended);
  }
  EXPECT_EQ(run(store().queue().count_held()).value_or(0), 2u);
  clock().advance(std::chrono::hours(1));
  AcceptRequest late = message();
  late.recipients = {to_remote("b@far.example", "far.example")};
  EXPECT_TRUE(accept(late).suspended.empty()) << "its time is over";
  EXPECT_EQ(trail(late.id).recipients[0].state, State::waiting);
  expect_sound();
}

TEST_P(StoreContract, WhatIsSuspendedComesBackToHoldAndGoesWhenNoOrderStands) {
  const Account anna = make_account("anna@example.org");
  const AcceptRequest sent = submission(anna, {}, {"a@far.example"});
  ASSERT_TRUE(accept(sent).suspended.empty());
  AcceptRequest in_hand = submission(anna, {}, {"b@far.example"});
  in_hand.recipients[0].in_hand = true;
  ASSERT_TRUE(accept(in_hand).suspended.empty());
  const auto order = [this](QueueAction action, QueueFilter filter) {
    return run(store().queue().operate(action, std::move(filter), "the words of it", now())).value_or(99);
  };
  const QueueFilter held{.holds = bit_of(HoldKind::suspended)};
  ASSERT_TRUE(run(store().queue().suspend(about(Of::domain, "far.example"))));
  EXPECT_EQ(order(QueueAction::set_aside, {.domain = "other.example"}), 0u);
  EXPECT_EQ(order(QueueAction::set_aside, {.domain = "far.example"}), 1u) << "the other is in hand";
  EXPECT_EQ(trail(sent.id).recipients[0].reason, "the words of it");
  EXPECT_TRUE(
      record({in_hand.id, 0, State::waiting, now() + kSuspendedFor, true, Owed::none, peer_said(450, "later")}));
  EXPECT_EQ(trail(in_hand.id).recipients[0].hold, HoldKind::suspended) << "it may not wait again";
  EXPECT_TRUE(claim("elsewhere.example").empty());
  ASSERT_TRUE(run(store().queue().suspend(about(Of::account, anna.login))));
  ASSERT_TRUE(run(store().queue().end_suspension(Of::domain, "far.example")));
  EXPECT_EQ(order(QueueAction::resume, held), 0u) << "the account still is";
  ASSERT_TRUE(run(store().queue().end_suspension(Of::account, anna.login)));
  EXPECT_EQ(order(QueueAction::resume, held), 2u);
  EXPECT_EQ(trail(sent.id).events.back().kind, EventKind::released);
  clock().advance(std::chrono::hours(2));
  EXPECT_EQ(claim("elsewhere.example").size(), 2u);
  expect_sound();
}

TEST_P(StoreContract, OrdersThatStandAreKeptUntilAllIsDone) {
  EXPECT_EQ(run(store().queue().end_suspension(Of::domain, "far.example")).error().code, Errc::not_found);
  const std::int64_t until = now() + kSuspendedFor;
  ASSERT_TRUE(run(store().queue().suspend(about(Of::domain, "far.example", until))));
  reopen();
  Suspension one = only_one(store());
  EXPECT_EQ(one.of, Of::domain);
  EXPECT_EQ(one.name, "far.example");
  EXPECT_EQ(one.phase, Phase::begun);
  EXPECT_EQ(one.until, until);
  EXPECT_EQ(one.who, "operator test");
  EXPECT_EQ(one.why, "they move");
  EXPECT_TRUE(one.holds(now()));
  EXPECT_FALSE(one.holds(until));
  EXPECT_TRUE(run(store().queue().advance_suspension(one, Phase::whole)).value());
  EXPECT_FALSE(run(store().queue().advance_suspension(one, Phase::over)).value()) << "it is another one by now";
  ASSERT_TRUE(run(store().queue().end_suspension(Of::domain, "far.example")));
  EXPECT_EQ(only_one(store()).phase, Phase::ending);
  EXPECT_EQ(only_one(store()).ended, now());
  EXPECT_EQ(run(store().queue().end_suspension(Of::domain, "far.example")).error().code, Errc::not_found);
  EXPECT_TRUE(run(store().queue().advance_suspension(only_one(store()), Phase::over)).value());
  EXPECT_EQ(only_one(store()).phase, Phase::over) << "its time was no delay";
  clock().advance(std::chrono::hours(24 * 8));
  ASSERT_TRUE(run(store().queue().suspend(about(Of::site, "mx:mx.near.example"))));
  EXPECT_EQ(only_one(store()).phase, Phase::whole) << "the other one is forgotten";
  ASSERT_TRUE(run(store().queue().end_suspension(Of::site, "mx:mx.near.example")));
  EXPECT_EQ(only_one(store()).phase, Phase::over) << "nothing is held for it";
}

TEST_P(StoreContract, SuspensionsAreBounded) {
  for (std::size_t i = 0; i < kMostSuspensions; ++i)
    ASSERT_TRUE(run(store().queue().suspend(about(Of::domain, "d" + std::to_string(i) + ".example")))) << i;
  EXPECT_EQ(run(store().queue().suspend(about(Of::domain, "more.example"))).error().code, Errc::conflict);
  EXPECT_TRUE(run(store().queue().suspend(about(Of::domain, "d0.example", now() + kSuspendedFor))))
      << "one of them anew";
}

} // namespace
} // namespace paquebot::store
