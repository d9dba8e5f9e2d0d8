#include "store/test_contract.h"

#include <algorithm>
#include <map>
#include <set>

namespace paquebot::store {
namespace {

constexpr std::int64_t kHour = 3600 * 1000;

TEST_P(StoreContract, DueWorkIsClaimedOnceOldestFirst) {
  AcceptRequest late = message();
  late.recipients = {to_remote("a@far.example", "far.example")};
  late.recipients[0].due = now() + kHour;
  accepted(late);
  AcceptRequest second = message();
  second.recipients = {to_remote("b@far.example", "far.example"), to_remote("c@other.example", "other.example")};
  accepted(second);
  AcceptRequest first = message();
  first.recipients = {to_remote("d@far.example", "far.example"), to_remote("e@far.example", "far.example")};
  for (NewRecipient& r : first.recipients) r.due = 1;
  accepted(first);

  const auto items = claim("far.example");
  ASSERT_EQ(items.size(), 2u);
  EXPECT_EQ(items[0].message.id, first.id);
  EXPECT_EQ(items[0].recipients.size(), 2u);
  EXPECT_EQ(items[0].recipients[1].address, "e@far.example");
  EXPECT_EQ(items[0].recipients[1].state, State::in_hand);
  EXPECT_EQ(items[0].recipients[1].destination, "far.example");
  EXPECT_EQ(items[1].message.id, second.id);
  EXPECT_EQ(items[1].recipients.size(), 1u);
  EXPECT_TRUE(claim("far.example").empty()) << "in hand already";
  EXPECT_TRUE(claim("nowhere.example").empty());
  clock().advance(std::chrono::hours(2));
  EXPECT_EQ(claim("far.example").size(), 1u);
}

TEST_P(StoreContract, ClaimedMailCarriesAllThatDeliveryNeeds) {
  AcceptRequest request = message("x");
  request.klass = MessageClass::submitted;
  request.sender.body = mail::BodyType::eight_bit;
  request.sender.smtputf8 = true;
  request.sender.ret = mail::Ret::headers;
  request.sender.envid = "QQ+314159";
  request.content_8bit = true;
  NewRecipient list;
  list.address = "list@example.org";
  list.handling = Handling::expanded;
  NewRecipient r = to_remote("a@far.example", "far.example");
  r.orcpt = "rfc822;a@far.example";
  r.notify = mail::kNotifyFailure | mail::kNotifyDelay;
  r.parent = 0;
  r.via = "list@example.org";
  request.recipients = {list, r};
  accepted(request);
  const auto items = claim("far.example");
  ASSERT_EQ(items.size(), 1u);
  const MessageFacts& m = items[0].message;
  EXPECT_EQ(m.klass, MessageClass::submitted);
  EXPECT_EQ(m.sender.reverse_path, request.sender.reverse_path);
  EXPECT_EQ(m.sender.body, mail::BodyType::eight_bit);
  EXPECT_TRUE(m.sender.smtputf8 && m.content_8bit);
  EXPECT_EQ(m.sender.ret, mail::Ret::headers);
  EXPECT_EQ(m.sender.envid, "QQ+314159");
  EXPECT_EQ(m.peer, request.peer);
  EXPECT_EQ(m.expires_at, request.expires_at);
  EXPECT_EQ(m.size(), request.head.size() + 1);
  EXPECT_EQ(run(store().content().read_head(m.head)).value_or(""), request.head);
  EXPECT_EQ(run(store().content().read_body(m.body, 0, 10)).value_or(""), "x");
  const RecipientFacts& f = items[0].recipients[0];
  EXPECT_EQ(f.orcpt, r.orcpt);
  EXPECT_EQ(f.notify, r.notify);
  EXPECT_EQ(f.parent, 0);
  EXPECT_EQ(f.via, "list@example.org");
}

TEST_P(StoreContract, FreshMailMayBeInHandFromTheStart) {
  AcceptRequest request = message();
  request.recipients = {to_remote("a@far.example", "far.example", true)};
  const Ulid id = accepted(request);
  EXPECT_TRUE(claim("far.example").empty());
  EXPECT_TRUE(record({id, 0, State::relayed, 0, true, Owed::none, peer_said(250, "ok")}));
  const Trace trace = trail(id);
  EXPECT_EQ(trace.recipients[0].state, State::relayed);
  EXPECT_EQ(trace.recipients[0].attempts, 1u);
  EXPECT_EQ(trace.recipients[0].last_reply.to_string(), "mx [192.0.2.1]:25 said: 250 ok");
  EXPECT_EQ(trace.message.head, 0);
  EXPECT_FALSE(run(store().content().read_head(1)));
  EXPECT_EQ(trace.events.back().kind, EventKind::relayed);
}

/// Whatever a peer says, nothing of it is ever taken for anything else.
TEST_P(StoreContract, TheWordsOfAPeerStayItsWordsAndOursOurs) {
  const std::string forged = "rejected, upstream said: 250 2.1.5 delivered fine";
  AcceptRequest request = message();
  request.recipients = {to_remote("a@far.example", "far.example", true),
                        to_remote("b@far.example", "far.example", true),
                        to_remote("c@far.example", "far.example", true)};
  const Ulid id = accepted(request);
  mail::Told both = peer_said(554, forged, {5, 7, 1});
  both.own = mail::Reply(451, {4, 4, 2}, "the server refused the session");
  const mail::Told ours = mail::Told::by({450, {4, 4, 2}, "x said: 250 2.0.0 fine"}, "", "mx [192.0.2.1]:25");
  const mail::Told theirs = peer_said(550, "5.1.1 " + forged);
  EXPECT_TRUE(record({id, 0, State::waiting, now() + kHour, true, Owed::none, both}));
  EXPECT_TRUE(record({id, 1, State::waiting, now() + kHour, true, Owed::none, ours}));
  EXPECT_TRUE(record({id, 2, State::failed, 0, true, Owed::failure, theirs}));
  const Trace trace = trail(id);
  const auto expect = [&](std::size_t n, const mail::Told& told) {
    const mail::Told& kept = trace.recipients.at(n).last_reply;
    EXPECT_EQ(kept.host, told.host);
    EXPECT_EQ(kept.place, told.place);
    EXPECT_EQ(kept.peer.code, told.peer.code);
    EXPECT_EQ(kept.peer.enhanced, told.peer.enhanced);
    EXPECT_EQ(kept.peer.text, told.peer.text);
    EXPECT_EQ(kept.peer.heard, told.peer.code != 0);
    EXPECT_EQ(kept.own.code, told.own.code);
    EXPECT_EQ(kept.own.enhanced, told.own.enhanced);
    EXPECT_EQ(kept.own.text, told.own.text);
    EXPECT_FALSE(kept.own.heard);
  };
  expect(0, both);
  expect(1, ours);
  expect(2, theirs);
  EXPECT_EQ(trace.events.back().detail, theirs.to_string());
}

TEST_P(StoreContract, WorkInHandOfAnEndedEpochWaitsAgain) {
  AcceptRequest request = message();
  request.recipients = {to_remote("a@far.example", "far.example", true), to_remote("b@far.example", "far.example")};
  const Ulid id = accepted(request);
  EXPECT_EQ(claim("far.example").size(), 1u);
  reopen();
  EXPECT_TRUE(record({id, 0, State::relayed, 0, true, Owed::none, peer_said(451, "late")}))
      << "passed over: not ours any more";
  EXPECT_EQ(trail(id).recipients[0].state, State::waiting);
  const auto items = claim("far.example");
  ASSERT_EQ(items.size(), 1u);
  EXPECT_EQ(items[0].recipients.size(), 2u);
  EXPECT_EQ(items[0].recipients[0].due, request.recipients[0].due);
}

TEST_P(StoreContract, DeferredWorkComesBackWhenDueAndItsEventsCollapse) {
  AcceptRequest request = message();
  request.recipients = {to_remote("a@far.example", "far.example"), to_remote("b@far.example", "far.example")};
  const Ulid id = accepted(request);
  for (int i = 1; i <= 3; ++i) {
    ASSERT_EQ(claim("far.example").size(), 1u);
    clock().advance(std::chrono::minutes(1));
    const mail::Told reply = peer_said(450, "try " + std::to_string(i));
    std::vector<Outcome> outcomes = {{id, 1, State::waiting, now() + kHour, true, Owed::none, reply},
                                     {id, 0, State::waiting, now() + kHour, true, Owed::none, reply}};
    ASSERT_TRUE(run(store().queue().record(outcomes, std::nullopt)));
    EXPECT_TRUE(claim("far.example").empty());
    EXPECT_EQ(run(store().queue().earliest_due("far.example")).value_or(-1), now() + kHour);
    clock().advance(std::chrono::hours(1));
  }
  const Trace trace = trail(id);
  EXPECT_EQ(trace.recipients[1].attempts, 3u);
  ASSERT_EQ(trace.events.size(), 2u);
  EXPECT_EQ(trace.events[1].kind, EventKind::deferred);
  EXPECT_EQ(trace.events[1].recipients, (std::vector<std::uint32_t>{0, 1}));
  EXPECT_EQ(trace.events[1].times, 3u);
  EXPECT_EQ(trace.events[1].detail, "mx [192.0.2.1]:25 said: 450 try 3");
}

TEST_P(StoreContract, UnattemptedWorkGoesBackAsItWas) {
  AcceptRequest request = message();
  request.recipients = {to_remote("a@far.example", "far.example")};
  const Ulid id = accepted(request);
  claim("far.example");
  EXPECT_TRUE(record({id, 0, State::waiting, 0, false, Owed::none, {}}));
  const Trace trace = trail(id);
  EXPECT_EQ(trace.recipients[0].state, State::waiting);
  EXPECT_EQ(trace.recipients[0].due, request.recipients[0].due);
  EXPECT_EQ(trace.recipients[0].attempts, 0u);
  EXPECT_EQ(trace.events.size(), 1u);
}

TEST_P(StoreContract, UnattemptedWorkMayTellWhy) {
  AcceptRequest request = message();
  request.recipients = {to_remote("a@far.example", "far.example")};
  const Ulid id = accepted(request);
  claim("far.example");
  const mail::Told why = mail::Told::by({451, {4, 4, 3}, "the resolver does not answer"});
  EXPECT_TRUE(record({id, 0, State::waiting, now() + 5000, false, Owed::none, why}));
  const Trace trace = trail(id);
  EXPECT_EQ(trace.recipients[0].state, State::waiting);
  EXPECT_EQ(trace.recipients[0].due, now() + 5000);
  EXPECT_EQ(trace.recipients[0].attempts, 0u);
  ASSERT_EQ(trace.events.size(), 2u);
  EXPECT_EQ(trace.events[1].kind, EventKind::deferred);
  EXPECT_EQ(trace.events[1].detail, why.to_string());
}

TEST_P(StoreContract, ExpiredWorkIsClaimedBeforeItIsDue) {
  AcceptRequest request = message();
  request.recipients = {to_remote("a@far.example", "far.example")};
  request.recipients[0].due = now() + 10 * kHour;
  request.expires_at = now() + kHour;
  accepted(request);
  EXPECT_TRUE(run(store().queue().claim_expired("far.example", now(), 10)).value().empty());
  const auto items = run(store().queue().claim_expired("far.example", now() + kHour, 10));
  ASSERT_TRUE(items);
  EXPECT_EQ(items->size(), 1u);
}

TEST_P(StoreContract, OutcomesCountOnlyOfWhatIsInHand) {
  const Ulid first = queue("far.example"), second = queue("far.example");
  ASSERT_EQ(claim("far.example", 1).size(), 1u);
  const Outcome relayed{first, 0, State::relayed, 0, true, Owed::none, peer_said(250, "ok")};
  std::vector<Outcome> outcomes{relayed, relayed, relayed};
  outcomes[1].message = second; // waits, or is in hand: one of the two does
  outcomes[2].message = message().id;
  EXPECT_EQ(run(store().queue().record(outcomes, std::nullopt)).value_or(9), 1u);
  EXPECT_EQ(run(store().queue().record(outcomes, std::nullopt)).value_or(9), 0u) << "once";
}

TEST_P(StoreContract, WhoLearnsTheSameOfADestinationDoesNotUndoTheOthers) {
  queue("far.example");
  const auto learn = [&](std::int64_t failed_until, const std::string& error) {
    ASSERT_TRUE(run(store().queue().record({}, DestinationUpdate{"far.example", failed_until, error})));
  };
  const auto fares = [&] { return run(store().queue().claim("far.example", now(), 0)).value(); };
  const std::int64_t start = now();
  learn(start + 60'000, "450 first");
  learn(start + 30'000, "450 second");
  EXPECT_EQ(fares().failures, 1u) << "both tried at the same time";
  EXPECT_EQ(fares().backoff_until, start + 60'000);
  EXPECT_EQ(fares().last_error, "450 second");
  clock().advance(std::chrono::seconds(61));
  learn(now() + 120'000, "450 again");
  EXPECT_EQ(fares().failures, 2u);
  EXPECT_EQ(fares().backoff_until, now() + 120'000);
  learn(0, "");
  EXPECT_EQ(fares().failures, 0u);
  EXPECT_EQ(fares().backoff_until, 0);
  EXPECT_EQ(fares().last_error, "");
}

TEST_P(StoreContract, DestinationsTellWhenToLookAgain) {
  AcceptRequest request = message();
  request.recipients = {to_remote("a@one.example", "one.example"), to_remote("b@two.example", "two.example"),
                        to_remote("c@two.example", "two.example"), to_remote("d@three.example", "three.example", true)};
  request.recipients[0].due = 500;
  request.recipients[1].due = 400;
  request.recipients[2].due = 300;
  accepted(request);
  AcceptRequest later = message();
  later.accepted_at = request.accepted_at + kHour;
  later.recipients = {to_remote("e@two.example", "two.example")};
  later.recipients[0].due = 450;
  accepted(later);
  DestinationUpdate update{"one.example", now() + kHour, "connection refused"};
  ASSERT_TRUE(run(store().queue().record({}, update)));
  const auto list = run(store().queue().list_destinations(true));
  ASSERT_TRUE(list);
  ASSERT_EQ(list->size(), 2u) << "three.example has nothing waiting";
  EXPECT_EQ((*list)[0].key, "two.example");
  EXPECT_EQ((*list)[0].earliest_due, 300);
  EXPECT_EQ((*list)[0].waiting, 3u);
  EXPECT_EQ((*list)[0].oldest, request.accepted_at);
  EXPECT_EQ((*list)[1].failures, 1u);
  EXPECT_EQ((*list)[1].backoff_until, now() + kHour);
  EXPECT_EQ((*list)[1].last_error, "connection refused");
  EXPECT_EQ(run(store().queue().earliest_due("one.example")).value_or(-1), 500);
  EXPECT_EQ(run(store().queue().earliest_due("three.example")).value_or(-1), 0);
}

TEST_P(StoreContract, OperatorsHoldReleaseRetryAndCancel) {
  AcceptRequest request = message();
  request.recipients = {to_remote("a@far.example", "far.example"), to_remote("b@far.example", "far.example"),
                        to_remote("c@other.example", "other.example", true)};
  const Ulid id = accepted(request);
  const auto order = [&](QueueAction action, QueueFilter filter) {
    return run(store().queue().operate(action, filter, "root", now())).value_or(999);
  };
  QueueFilter one;
  one.message = id;
  one.address = "A@FAR.example";
  EXPECT_EQ(order(QueueAction::hold, one), 1u);
  EXPECT_EQ(trail(id).recipients[0].state, State::held);
  EXPECT_EQ(trail(id).recipients[0].reason, "held by root");
  EXPECT_EQ(run(store().queue().count_held()).value_or(9), 1u);
  QueueFilter all;
  all.message = id;
  EXPECT_EQ(order(QueueAction::hold, all), 1u) << "one is held, one in hand";
  QueueFilter held;
  held.held_only = true;
  EXPECT_EQ(run(store().queue().list(held, std::nullopt, 10)).value().at(0).recipients.size(), 2u);
  EXPECT_EQ(run(store().queue().count_held()).value_or(9), 2u);
  EXPECT_TRUE(claim("far.example").empty());
  EXPECT_EQ(order(QueueAction::release, one), 1u);
  EXPECT_EQ(run(store().queue().count_held()).value_or(9), 1u);
  EXPECT_EQ(claim("far.example").size(), 1u);
  EXPECT_TRUE(record({id, 0, State::waiting, now() + kHour, true, Owed::none, peer_said(450, "")}));
  DestinationUpdate update{"far.example", now() + kHour, "450"};
  ASSERT_TRUE(run(store().queue().record({}, update)));
  QueueFilter there;
  there.destination = "far.example";
  EXPECT_EQ(order(QueueAction::retry, there), 1u);
  EXPECT_EQ(run(store().queue().list_destinations(false)).value().at(0).backoff_until, 0);
  EXPECT_EQ(claim("far.example").size(), 1u);
  EXPECT_EQ(order(QueueAction::cancel, all), 1u) << "the others are in hand";
  EXPECT_EQ(trail(id).recipients[1].state, State::dropped);
  EXPECT_EQ(trail(id).recipients[1].reason, "cancelled by root");
  EXPECT_TRUE(record({id, 0, State::relayed, 0, true, Owed::none, peer_said(250, "")}));
  EXPECT_TRUE(record({id, 2, State::waiting, 0, false, Owed::none, {}}));
  EXPECT_EQ(order(QueueAction::cancel, all), 1u);
  const Trace trace = trail(id);
  EXPECT_EQ(trace.message.head, 0);
  EXPECT_EQ(trace.events.back().kind, EventKind::dropped);
  EXPECT_EQ(trace.events.back().detail, "cancelled by root");
  EXPECT_TRUE(run(store().queue().list({}, std::nullopt, 10)).value().empty());
}

TEST_P(StoreContract, HeldMailGoesWhereItsDomainSaysOnceReleased) {
  AcceptRequest request = message();
  NewRecipient held;
  held.handling = Handling::held;
  held.address = "a@far.example";
  held.reason = "the queue is held";
  request.recipients = {held};
  const Ulid id = accepted(request);
  EXPECT_EQ(trail(id).events.back().kind, EventKind::held);
  QueueFilter filter;
  filter.message = id;
  EXPECT_EQ(run(store().queue().operate(QueueAction::release, filter, "root", now())).value_or(0), 1u);
  EXPECT_EQ(claim("far.example").size(), 1u);
}

TEST_P(StoreContract, TheQueueIsListedInPages) {
  std::vector<Ulid> ids;
  for (int i = 0; i < 25; ++i) {
    AcceptRequest request = message();
    request.recipients = {to_remote("a@far.example", i % 5 == 0 ? "rare.example" : "far.example")};
    ids.push_back(accepted(request));
  }
  std::vector<Ulid> seen;
  std::optional<Ulid> after;
  for (;;) {
    const auto page = run(store().queue().list({}, after, 10));
    ASSERT_TRUE(page);
    if (page->empty()) break;
    for (const WorkItem& item : *page) seen.push_back(item.message.id);
    after = seen.back();
  }
  EXPECT_EQ(seen, ids);
  QueueFilter rare;
  rare.destination = "rare.example";
  EXPECT_EQ(run(store().queue().list(rare, ids[0], 10)).value().size(), 4u);
}

TEST_P(StoreContract, MessagesAreFoundByEitherAddressInAnyCase) {
  std::vector<Ulid> ids;
  for (int i = 0; i < 3; ++i) {
    AcceptRequest request = message();
    request.sender.reverse_path = {"Anna", "example.org"};
    request.recipients = {to_remote("bert@far.example", "far.example"), to_remote("chris@far.example", "far.example")};
    ids.push_back(accepted(request));
  }
  AcceptRequest other = message();
  other.recipients = {to_remote("dora@far.example", "far.example")};
  accepted(other);
  const std::vector<Ulid> newest_first(ids.rbegin(), ids.rend());
  EXPECT_EQ(run(store().trail().find_messages("anna@EXAMPLE.org", 0, 10)).value().ids, newest_first);
  EXPECT_EQ(run(store().trail().find_messages("Chris@far.example", 0, 10)).value().ids, newest_first);
  EXPECT_EQ(run(store().trail().find_messages("chris@far.example", 0, 2)).value().ids.size(), 2u);
  EXPECT_EQ(run(store().trail().find_messages("chris@far.example", ids[1].millis(), 10)).value().ids.size(), 2u);
  EXPECT_TRUE(run(store().trail().find_messages("nobody@far.example", 0, 10)).value().ids.empty());
  EXPECT_TRUE(run(store().trail().find_messages("", 0, 10)).value().ids.empty());
  AcceptRequest named = message();
  named.head = "Received: x\r\nMessage-Id:\r\n <a.B@c>\r\nSubject: x\r\n\r\n";
  named.recipients = {to_remote("chris@far.example", "far.example")};
  const Ulid known = accepted(named);
  const auto by = [&](TrailFilter filter) {
    return run(store().trail().find_messages(std::move(filter), 0, std::nullopt, 10)).value().ids;
  };
  EXPECT_EQ(by({.message_id = "<a.B@c>"}), std::vector<Ulid>{known});
  EXPECT_EQ(by({.address = "chris@far.example", .message_id = " a.B@c "}), std::vector<Ulid>{known});
  EXPECT_TRUE(by({.message_id = "<a.b@c>"}).empty()) << "case counts (RFC 5322 section 3.6.4)";
  EXPECT_TRUE(by({.address = "nobody@far.example", .message_id = "<a.B@c>"}).empty());
  EXPECT_EQ(run(store().trail().find_messages(TrailFilter{"chris@far.example"}, 0, ids[2], 1)).value().ids,
            std::vector<Ulid>{ids[1]});
  EXPECT_TRUE(run(store().trail().find_messages(TrailFilter{"chris@far.example"}, 0, ids[0], 10)).value().ids.empty());
}

TEST_P(StoreContract, ALookBackIsBoundedAndGoesOn) {
  std::vector<Ulid> ids;
  for (int i = 0; i < 7; ++i) {
    AcceptRequest request = message();
    request.recipients = {to_remote(i % 3 == 0 ? "bert@far.example" : "dora@far.example", "far.example")};
    ids.push_back(accepted(request));
  }
  const auto look = [&](std::optional<Ulid> below, std::size_t most) {
    TrailFilter filter{.address = "bert@far.example"};
    filter.look_at = 2;
    return run(store().trail().find_messages(std::move(filter), 0, below, most)).value();
  };
  FoundMessages found = look(std::nullopt, 10);
  EXPECT_EQ(found.ids, std::vector<Ulid>{ids[6]});
  EXPECT_EQ(found.next, ids[5]);
  found = look(found.next, 10);
  EXPECT_EQ(found.ids, std::vector<Ulid>{ids[3]});
  EXPECT_EQ(found.next, ids[3]);
  found = look(found.next, 10);
  EXPECT_TRUE(found.ids.empty()) << "none among those, and yet there are more";
  EXPECT_EQ(found.next, ids[1]);
  found = look(found.next, 10);
  EXPECT_EQ(found.ids, std::vector<Ulid>{ids[0]});
  EXPECT_FALSE(found.next);
  TrailFilter filter{.address = "bert@far.example"};
  found = run(store().trail().find_messages(std::move(filter), 0, std::nullopt, 2)).value();
  EXPECT_EQ(found.ids, (std::vector<Ulid>{ids[6], ids[3]}));
  EXPECT_EQ(found.next, ids[3]);
}

TEST_P(StoreContract, OldTrailsGoInSlicesButUnfinishedMailStays) {
  const Account anna = make_account("anna@example.org");
  std::vector<Ulid> finished;
  for (int i = 0; i < 450; ++i) {
    AcceptRequest request = message();
    request.recipients = {to_mailbox(anna)};
    finished.push_back(accepted(request));
  }
  AcceptRequest waiting = message();
  waiting.recipients = {to_remote("a@far.example", "far.example")};
  accepted(waiting);
  clock().advance(std::chrono::hours(24 * 31));
  int slices = 1;
  while (run(store().upkeep().maintain(now())).value_or(false)) ++slices;
  EXPECT_GE(slices, 3);
  EXPECT_FALSE(run(store().trail().trace(finished.front())));
  EXPECT_FALSE(run(store().trail().trace(finished.back())));
  EXPECT_TRUE(run(store().trail().trace(waiting.id)));
  EXPECT_EQ(claim("far.example").size(), 1u) << "its destination is still known";
  EXPECT_EQ(inbox_count(anna), 450u) << "the mail itself stays";
  ASSERT_TRUE(run(store().mailboxes().expunge(inbox(anna).id, {1, 2}, "anna"))) << "without a trail to write into";
}

} // namespace
} // namespace paquebot::store
