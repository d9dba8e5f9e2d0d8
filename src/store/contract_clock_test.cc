// What a wall clock that was wrong may do to what is in the store: nothing that can't be undone.

#include "store/test_contract.h"

#include <limits>

namespace paquebot::store {
namespace {

constexpr std::int64_t kOneDay = 24LL * 3600 * 1000;
constexpr std::chrono::hours kADay{24};
constexpr std::int64_t kNoTime = std::numeric_limits<std::int64_t>::max();

Ulid odd_id(const char* text) { return Ulid::parse(text).value(); }

TEST_P(StoreContract, MailIsAsOldAsItsArrivalWhateverItsId) {
  const Account anna = make_account("anna@example.org");
  const Ulid ancient = deliver(anna, odd_id("00000000000000000000000001"));
  const Ulid distant = deliver(anna, odd_id("7ZZZZZZZZZZZZZZZZZZZZZZZZZ"));
  deliver(anna);
  EXPECT_EQ(expire(now() - kOneDay), 0u);
  maintain();
  EXPECT_TRUE(run(store().trail().trace(ancient)));
  clock().advance(kADay * 2);
  EXPECT_EQ(expire(now() - kOneDay), 3u);
  clock().advance(kADay * 31);
  maintain();
  EXPECT_FALSE(run(store().trail().trace(ancient)));
  EXPECT_FALSE(run(store().trail().trace(distant))) << "an id of the future keeps no trail for ever";
  expect_sound();
}

TEST_P(StoreContract, WhatWasHeldForLongIsNotOldWhenItIsLetGo) {
  const Account anna = make_account("anna@example.org");
  AcceptRequest request = message();
  request.recipients = {to_remote("anna@example.org", "example.org")};
  request.recipients[0].handling = Handling::held;
  request.recipients[0].reason = "held for the operator";
  const Ulid held = accepted(request);
  clock().advance(kADay * 400);
  QueueFilter filter;
  filter.message = held;
  ASSERT_EQ(run(store().queue().operate(QueueAction::release, filter, "an operator", now())).value_or(0), 1u);
  ASSERT_EQ(claim("example.org").size(), 1u);
  const Ulid home = deliver(anna, [&] { // as Homecoming does: an id of the same time
    Ulid id = held;
    id.bytes[15] ^= 1;
    return id;
  }());
  ASSERT_TRUE(record({held, 0, State::expanded, 0, true, Owed::none, peer_said(250, "taken in")}));
  EXPECT_EQ(expire(now() - 365 * kOneDay), 0u);
  clock().advance(kADay * 29);
  maintain();
  EXPECT_TRUE(run(store().trail().trace(held)));
  EXPECT_TRUE(run(store().trail().trace(home)));
  clock().advance(kADay * 2);
  maintain();
  EXPECT_FALSE(run(store().trail().trace(held)));
  EXPECT_FALSE(run(store().trail().trace(home)));
  expect_sound();
}

TEST_P(StoreContract, WhatCameByAClockThatWasAheadHoldsUpNothingBehindIt) {
  const Account anna = make_account("anna@example.org");
  const std::int64_t start = now();
  clock().set_wall(from_millis(start + 20 * kOneDay));
  deliver(anna);
  clock().set_wall(from_millis(start));
  deliver(anna);
  EXPECT_EQ(expire(now() - 2 * kOneDay), 0u) << "that was the round of the day that looks at everything";
  clock().set_wall(from_millis(start + 3 * kOneDay));
  EXPECT_EQ(expire(now() - 2 * kOneDay), 1u) << "the second, behind one of the future";
  EXPECT_EQ(inbox_count(anna), 1u);
  deliver(anna);
  clock().advance(kADay * 18); // the first seems to be a day old now, and the third is eighteen
  EXPECT_EQ(expire(now() - 2 * kOneDay), 1u);
  EXPECT_EQ(inbox_count(anna), 1u);
  clock().advance(kADay * 2);
  EXPECT_EQ(expire(now() - 2 * kOneDay), 1u);
  expect_sound();
}

TEST_P(StoreContract, WhatCameByAClockThatWasBehindIsNotOldWhenItIsRight) {
  const Account anna = make_account("anna@example.org");
  const std::int64_t start = now();
  ASSERT_TRUE(run(store().upkeep().beat(start)));
  clock().set_wall(from_millis(start - 400 * kOneDay));
  reopen();
  deliver(anna);
  const Ulid far = queue("far.example");
  clock().set_wall(from_millis(100 * kOneDay)); // 1970
  queue("far.example");
  expect_sound();
  clock().set_wall(from_millis(start + 1000));
  EXPECT_EQ(expire(now() - 365 * kOneDay), 0u);
  EXPECT_GT(trail(far).message.expires_at, now());
  EXPECT_TRUE(run(store().queue().claim_expired("far.example", now(), 10)).value().empty());
}

TEST_P(StoreContract, WhatItsSenderHasGivenTimeForByAClockThatIsBehindIsNotLate) {
  const std::int64_t behind = 400 * kOneDay;
  ASSERT_TRUE(run(store().upkeep().beat(now())));
  clock().set_wall(from_millis(now() - behind));
  clock().advance(kADay * 7); // the last time that was believed is long ago
  AcceptRequest by = message();
  by.sender.deliver_by = {.mode = mail::DeliverBy::Mode::give_back, .seconds = 3600, .at = now() + 3'599'000};
  by.recipients = {to_remote("a@by.example", "by.example")};
  by.recipients[0].deadline = by.sender.deliver_by.at;
  const Ulid fresh = accepted(by);
  AcceptRequest again = by; // it was given time by a clock that was right, and went through another of our addresses
  again.id = message().id;
  again.sender.deliver_by.at = again.recipients[0].deadline = now() + behind + 600'000;
  const Ulid known = accepted(again);
  AcceptRequest held = message();
  held.sender.hold = {mail::Hold::Kind::until, 0, now() + behind + 7 * kOneDay, "until;2026-01-15T00:00:00Z"};
  held.expires_at = held.sender.hold.until + 5 * kOneDay;
  held.recipients = {to_remote("a@held.example", "held.example")};
  held.recipients[0].due = held.sender.hold.until;
  const Ulid later = accepted(held);
  expect_sound();
  clock().set_wall(from_millis(now() + behind));
  EXPECT_EQ(trail(fresh).message.sender.deliver_by.at, by.sender.deliver_by.at + behind);
  EXPECT_EQ(trail(fresh).message.expires_at, by.expires_at + behind);
  EXPECT_EQ(trail(known).message.sender.deliver_by.at, again.sender.deliver_by.at);
  EXPECT_EQ(trail(later).message.expires_at, held.expires_at);
  EXPECT_EQ(run(store().queue().earliest_deadline()).value_or(0), again.sender.deliver_by.at);
  EXPECT_TRUE(run(store().queue().claim_overdue(now(), 10)).value().empty());
}

TEST_P(StoreContract, TheHeartbeatIsOnlyWhatWasWrittenDown) {
  EXPECT_EQ(run(store().upkeep().last_beat()).value_or(-1), 0);
  const std::int64_t start = now();
  ASSERT_TRUE(run(store().upkeep().beat(start)));
  clock().set_wall(from_millis(start + 400 * kOneDay));
  reopen();
  deliver(make_account("anna@example.org"));
  reopen();
  EXPECT_EQ(run(store().upkeep().last_beat()).value_or(-1), start);
}

TEST_P(StoreContract, NothingIsDueLaterThanItsMessageLives) {
  AcceptRequest request = message();
  request.expires_at = now() + kOneDay;
  request.recipients = {to_remote("a@far.example", "far.example", true)};
  request.recipients[0].due = now() + 400 * kOneDay;
  const Ulid id = accepted(request);
  EXPECT_EQ(trail(id).recipients.at(0).due, request.expires_at);
  ASSERT_TRUE(record({id, 0, State::waiting, now() + 400 * kOneDay, true, Owed::none, peer_said(450, "later")}));
  EXPECT_EQ(run(store().queue().earliest_due("far.example")).value_or(0), request.expires_at);
  clock().advance(kADay);
  ASSERT_EQ(claim("far.example").size(), 1u);
  ASSERT_TRUE(record({id, 0, State::waiting, now() + 400 * kOneDay, false}));
  EXPECT_EQ(run(store().queue().earliest_due("far.example")).value_or(0), request.expires_at);
}

/// Whether a life is over is judged by a clock that is believed; claims go by the wall clock, which may be another.
TEST_P(StoreContract, WhatIsDeferredPastItsLifeByADoubtedClockIsNotDueAtOnce) {
  const Ulid id = queue("far.example");
  const std::int64_t start = now();
  clock().set_wall(from_millis(start + 400 * kOneDay));
  for (const bool attempted : {true, false}) {
    ASSERT_EQ(claim("far.example").size(), 1u);
    ASSERT_TRUE(record({id, 0, State::waiting, now() + 60'000, attempted, Owed::none,
                        attempted ? peer_said(450, "later") : mail::Told{}}));
    EXPECT_EQ(claim("far.example").size(), 0u);
    EXPECT_EQ(run(store().queue().earliest_due("far.example")).value_or(0), now() + 60'000);
    clock().set_wall(from_millis(now() + 60'000));
  }
  expect_sound();
  clock().set_wall(from_millis(start));
  ASSERT_TRUE(run(store().queue().pull_forward(now(), now() + kOneDay)));
  EXPECT_EQ(claim("far.example").size(), 1u);
  expect_sound();
}

/// In hand while the clock is put right, and back with the next start, or unattempted: it is not left where it was due
/// by then.
TEST_P(StoreContract, WhatIsInHandWhenAClockIsPutBackWaitsNoLongerThanItLives) {
  const std::int64_t start = now();
  const Ulid old = queue("old.example"); // put off, and taken in hand again, by the clock that is ahead
  claim("old.example");
  clock().set_wall(from_millis(start + 400 * kOneDay));
  EXPECT_TRUE(record({old, 0, State::waiting, now() + 1000, true, Owed::none, peer_said(450, "later")}));
  AcceptRequest request = message();
  request.recipients = {to_remote("a@new.example", "new.example", true),
                        to_remote("b@new.example", "new.example", true)};
  request.recipients[0].due = request.recipients[1].due = now();
  const Ulid fresh = accepted(request);
  clock().set_wall(from_millis(start));
  ASSERT_TRUE(run(store().queue().pull_forward(now(), now() + kOneDay)));
  EXPECT_TRUE(record({.message = fresh, .index = 0, .attempted = false}));
  const auto due = [&](std::uint32_t index) { return trail(fresh).recipients[index].due; };
  EXPECT_LE(due(0), now() + kOneDay);
  expect_sound();
  reopen();
  EXPECT_EQ(trail(fresh).recipients[1].state, State::waiting);
  EXPECT_LE(due(1), now() + kOneDay);
  expect_sound();
}

TEST_P(StoreContract, WhatAClockAheadPutOffIsPulledForward) {
  const std::int64_t start = now();
  const std::int64_t latest = start + kOneDay;
  AcceptRequest later = message();
  later.sender.hold = {mail::Hold::Kind::until, 0, start + 7 * kOneDay, "until;2026-01-08T00:00:00Z"};
  later.expires_at = later.sender.hold.until + 5 * kOneDay;
  later.recipients = {to_remote("a@held.example", "held.example")};
  later.recipients[0].due = later.sender.hold.until;
  const Ulid held = accepted(later);
  const Ulid old = queue("far.example");
  claim("far.example");

  clock().set_wall(from_millis(start + 400 * kOneDay)); // now the clock is ahead
  std::vector<Outcome> deferred = {{old, 0, State::waiting, now() + 1000, true, Owed::none, peer_said(450, "later")}};
  ASSERT_TRUE(run(store().queue().record(deferred, DestinationUpdate{"far.example", now() + kOneDay, "450 later"})));
  const Ulid fresh = queue("new.example");
  AcceptRequest by = message();
  by.sender.hold = {mail::Hold::Kind::interval, 3600, now() + 3'600'000, "for;3600"};
  by.sender.deliver_by = {.mode = mail::DeliverBy::Mode::give_back, .seconds = 7200, .at = now() + 7'200'000};
  by.expires_at = by.sender.hold.until + 5 * kOneDay;
  by.recipients = {to_remote("a@by.example", "by.example")};
  by.recipients[0].due = by.sender.hold.until;
  by.recipients[0].deadline = by.sender.deliver_by.at;
  accepted(by);

  clock().set_wall(from_millis(start));
  EXPECT_EQ(run(store().queue().pull_forward(now(), latest)).value_or(0), 5u) << "three recipients, two messages";
  EXPECT_EQ(claim("far.example").size(), 1u);
  const auto facts = run(store().queue().list_destinations(false)).value();
  for (const DestinationFacts& place : facts) EXPECT_LE(place.backoff_until, latest) << place.key;
  const auto items = claim("new.example");
  ASSERT_EQ(items.size(), 1u);
  EXPECT_EQ(items[0].message.id, fresh);
  EXPECT_EQ(items[0].message.accepted_at, now());
  EXPECT_LT(items[0].message.expires_at, latest + 5 * kOneDay);
  EXPECT_EQ(run(store().queue().earliest_due("by.example")).value_or(0), now() + 3'600'000);
  EXPECT_EQ(run(store().queue().earliest_deadline()).value_or(0), now() + 7'200'000);
  EXPECT_EQ(trail(held).recipients.at(0).due, start + 7 * kOneDay) << "its sender wanted it so";
  EXPECT_EQ(run(store().queue().pull_forward(now(), latest)).value_or(9), 0u);
  expect_sound();
}

/// All that waits looks as if it had come from the future.
TEST_P(StoreContract, AClockThatIsBehindMakesNothingThatWaitsOld) {
  const std::int64_t start = now();
  const Ulid plain = queue("far.example");
  AcceptRequest by = message();
  by.sender.hold = {mail::Hold::Kind::interval, 7200, start + 7'200'000, "for;7200"};
  by.sender.deliver_by = {.mode = mail::DeliverBy::Mode::give_back, .seconds = 10'000, .at = start + 10'000'000};
  by.expires_at = by.sender.hold.until + 5 * kOneDay;
  by.recipients = {to_remote("a@by.example", "by.example")};
  by.recipients[0].due = by.sender.hold.until;
  by.recipients[0].deadline = by.sender.deliver_by.at;
  accepted(by);
  clock().advance(std::chrono::minutes(1));
  ASSERT_TRUE(run(store().upkeep().beat(now())));
  const Trace before = trail(plain);

  for (const std::int64_t behind : {400 * kOneDay, 2 * kOneDay, start - kOneDay}) { // the last: it says 1970
    clock().set_wall(from_millis(start - behind));
    reopen();
    EXPECT_TRUE(run(store().queue().pull_forward(now(), now() + kOneDay)));
    EXPECT_EQ(trail(plain).message.accepted_at, before.message.accepted_at);
    EXPECT_EQ(trail(plain).message.expires_at, before.message.expires_at);
    EXPECT_LE(run(store().queue().earliest_due("far.example")).value_or(kNoTime), now()) << "but it may be tried";
    EXPECT_EQ(run(store().queue().earliest_due("by.example")).value_or(0), by.sender.hold.until);
    EXPECT_EQ(run(store().queue().earliest_deadline()).value_or(0), by.sender.deliver_by.at);
    expect_sound();
  }
  clock().set_wall(from_millis(start + 120'000));
  EXPECT_TRUE(run(store().queue().pull_forward(now(), now() + kOneDay)));
  EXPECT_TRUE(run(store().queue().claim_expired("far.example", now(), 10)).value().empty());
  EXPECT_TRUE(run(store().queue().claim_overdue(now(), 10)).value().empty());
  EXPECT_EQ(claim("far.example").size(), 1u);
}

TEST_P(StoreContract, WhatCameInTheFutureCountsFromTheLastTimeThatWasBelieved) {
  const std::int64_t start = now();
  ASSERT_TRUE(run(store().upkeep().beat(start)));
  clock().set_wall(from_millis(start + 400 * kOneDay));
  const Ulid id = queue("far.example");
  clock().set_wall(from_millis(start - 400 * kOneDay)); // from one that is wrong to another
  EXPECT_EQ(run(store().queue().pull_forward(now(), now() + kOneDay)).value_or(0), 2u);
  EXPECT_GE(trail(id).message.accepted_at, start);
  EXPECT_LE(trail(id).message.accepted_at, start + 60'000);
  clock().set_wall(from_millis(start + 120'000));
  EXPECT_TRUE(run(store().queue().claim_expired("far.example", now(), 10)).value().empty());
  EXPECT_EQ(run(store().queue().pull_forward(now(), now() + kOneDay)).value_or(9), 0u);
}

TEST_P(StoreContract, ALeaseIsKeptByAskingAgain) {
  const std::chrono::seconds time(30);
  EXPECT_TRUE(run(store().upkeep().lease("upkeep", time)).value());
  clock().advance(std::chrono::seconds(20));
  EXPECT_TRUE(run(store().upkeep().lease("upkeep", time)).value()) << "it has it";
  EXPECT_TRUE(run(store().upkeep().lease("reports", time)).value()) << "another one";
  reopen();
  EXPECT_TRUE(run(store().upkeep().lease("upkeep", time)).value()) << "it ended with its epoch";
}

TEST_P(StoreContract, WhatNothingWaitsForAnyMoreDidNeverFail) {
  const Ulid id = queue("far.example");
  claim("far.example");
  std::vector<Outcome> failed = {{id, 0, State::failed, 0, true, Owed::none, peer_said(550, "no")}};
  ASSERT_TRUE(run(store().queue().record(failed, DestinationUpdate{"far.example", now() + 1000, "450 no answer"})));
  maintain();
  queue("far.example");
  const auto facts = run(store().queue().list_destinations(false)).value();
  ASSERT_EQ(facts.size(), 1u);
  EXPECT_EQ(facts[0].failures, 0u);
  EXPECT_EQ(facts[0].backoff_until, 0);
  EXPECT_EQ(facts[0].last_error, "");
}

} // namespace
} // namespace paquebot::store
