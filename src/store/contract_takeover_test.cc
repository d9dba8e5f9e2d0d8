#include "store/test_contract.h"

namespace paquebot::store {
namespace {

/// So many addresses elsewhere; each prefix gives others.
std::vector<std::string> strangers(const std::string& prefix, int count) {
  std::vector<std::string> out;
  for (int i = 0; i < count; ++i) out.push_back(prefix + std::to_string(i) + "@elsewhere.example");
  return out;
}

std::vector<Suspicion> suspicions(Store& store) { return run(store.books().list_suspicions(true)).value(); }

} // namespace

TEST_P(StoreContract, TakeoverNothingIsWatchedUntilRulesAreGiven) {
  const Account anna = make_account("anna@example.org");
  EXPECT_FALSE(accept(submission(anna, {}, strangers("a", 200))).held);
  EXPECT_TRUE(suspicions(store()).empty());
}

TEST_P(StoreContract, TakeoverManyNewRecipientsMarkTheAccountAndHoldTheirMessage) {
  const Account anna = make_account("anna@example.org");
  const Account bob = make_account("bob@example.org");
  store().books().watch_accounts({.new_recipients = 5});
  const std::uint64_t before = store().books().suspicion_generation();
  EXPECT_FALSE(accept(submission(anna, {}, strangers("a", 5))).held);
  EXPECT_FALSE(accept(submission(anna, {}, strangers("a", 5))).held) << "known by now";
  EXPECT_EQ(store().books().suspicion_generation(), before);
  AcceptRequest sixth = submission(anna, {}, strangers("b", 1));
  sixth.recipients.push_back(to_mailbox(bob));
  sixth.recipients[0].in_hand = true;
  const AcceptResult held = accept(sixth);
  EXPECT_EQ(held.status, AcceptStatus::accepted);
  EXPECT_TRUE(held.held);
  EXPECT_GT(store().books().suspicion_generation(), before);
  EXPECT_EQ(inbox_count(bob), 0u) << "nothing leaves the account, not even to a neighbour";
  for (const RecipientFacts& r : trail(sixth.id).recipients) {
    EXPECT_EQ(r.state, State::held);
    EXPECT_TRUE(r.hold == HoldKind::takeover) << r.reason;
  }
  const auto marked = suspicions(store());
  ASSERT_EQ(marked.size(), 1u);
  EXPECT_EQ(marked[0].account, anna.id);
  EXPECT_EQ(marked[0].login, "anna@example.org");
  EXPECT_EQ(marked[0].signal, TakeoverSign::new_recipients);
  EXPECT_EQ(marked[0].held, 2u);
  EXPECT_FALSE(marked[0].told);
  EXPECT_FALSE(accept(submission(bob, {}, strangers("a", 1))).held) << "others are not touched";
  reopen();
  EXPECT_TRUE(accept(submission(anna, {}, strangers("a", 1))).held) << "a mark survives";
}

TEST_P(StoreContract, TakeoverWhatIsUsualIsNoSign) {
  const Account anna = make_account("anna@example.org");
  for (const std::string day : {"mon", "tue"}) { // 20 a day
    accepted(submission(anna, {}, strangers(day, 20)));
    clock().advance(std::chrono::hours(24));
  }
  store().books().watch_accounts({.new_recipients = 5, .times_usual = 3});
  EXPECT_FALSE(accept(submission(anna, {}, strangers("wed", 60))).held);
  EXPECT_TRUE(accept(submission(anna, {}, strangers("x", 1))).held);
}

TEST_P(StoreContract, TakeoverAnAccountWithItsOwnBoundMayWriteToMany) {
  const Account anna = make_account("anna@example.org");
  store().books().watch_accounts({.new_recipients = 5});
  ASSERT_TRUE(run(store().books().set_limit(anna.id, LimitKind::new_recipients_per_day, 100)));
  EXPECT_FALSE(accept(submission(anna, {}, strangers("a", 50))).held);
  ASSERT_TRUE(run(store().books().set_limit(anna.id, LimitKind::new_recipients_per_day, std::nullopt)));
  EXPECT_TRUE(accept(submission(anna, {}, strangers("b", 1))).held);
}

TEST_P(StoreContract, TakeoverWhatAnAliasLeadsToIsExpandedOnlyOnceLetGo) {
  const Account anna = make_account("anna@example.org");
  ASSERT_TRUE(run(store().books().suspect(anna.id, TakeoverSign::operators_order, "told by phone")).value());
  EXPECT_FALSE(run(store().books().suspect(anna.id, TakeoverSign::networks, "again")).value())
      << "the first reason stays";
  EXPECT_FALSE(run(store().books().suspect(9999, TakeoverSign::networks, "nobody")).value());
  AcceptRequest request = submission(anna, {}, {"team@example.org"});
  request.recipients[0].handling = Handling::expanded;
  request.recipients[0].destination.clear();
  NewRecipient child = to_remote("bob@far.example", "far.example", true);
  child.parent = 0;
  request.recipients.push_back(child);
  EXPECT_TRUE(accept(request).held);
  const Trace trace = trail(request.id);
  ASSERT_EQ(trace.recipients.size(), 1u);
  EXPECT_EQ(trace.recipients[0].destination, "example.org") << "it comes home from there";
  EXPECT_EQ(suspicions(store())[0].reason, "told by phone");
}

TEST_P(StoreContract, TakeoverFailuresOfADayMarkTheAccount) {
  const Account anna = make_account("anna@example.org");
  store().books().watch_accounts({.failures = 3, .failure_percent = 50});
  const Ulid id = accepted(submission(anna, {}, strangers("a", 8)));
  ASSERT_EQ(claim("elsewhere.example").size(), 1u);
  const auto fail = [&](std::uint32_t n) {
    const Outcome outcome{
        .message = id, .index = n, .to = State::failed, .reply = peer_said(550, "no such user", {5, 1, 1})};
    ASSERT_TRUE(record(outcome));
  };
  for (std::uint32_t n = 0; n < 3; ++n) fail(n);
  EXPECT_TRUE(suspicions(store()).empty()) << "3 of 8 are not half of them";
  fail(3);
  const auto marked = suspicions(store());
  ASSERT_EQ(marked.size(), 1u);
  EXPECT_EQ(marked[0].signal, TakeoverSign::failures);
  EXPECT_EQ(marked[0].reason, "4 of 8 recipients of one day refused its mail for good");
  // What is in hand and would wait again is held now.
  ASSERT_TRUE(record({.message = id,
                      .index = 4,
                      .to = State::waiting,
                      .due = now() + 1000,
                      .reply = peer_said(450, "later", {4, 2, 0})}));
  ASSERT_TRUE(record({.message = id, .index = 5, .to = State::waiting, .attempted = false}));
  const Trace trace = trail(id);
  for (const std::size_t n : {4u, 5u}) EXPECT_EQ(trace.recipients[n].state, State::held);
  EXPECT_EQ(trace.recipients[4].last_reply.peer.to_string(), "450 4.2.0 later");
  EXPECT_EQ(suspicions(store())[0].held, 2u);
}

TEST_P(StoreContract, TakeoverReportsThatComeByMailCountWhenTheTrailBearsThemOut) {
  const Account anna = make_account("anna@example.org");
  const Account bob = make_account("bob@example.org");
  store().books().watch_accounts({.failures = 3, .failure_percent = 50});
  const Ulid id = accepted(submission(anna, {}, strangers("a", 4)));
  const Ulid other = accepted(submission(anna, {}, strangers("b", 1)));
  ASSERT_EQ(claim("elsewhere.example").size(), 2u);
  for (std::uint32_t n = 0; n < 3; ++n)
    ASSERT_TRUE(record({.message = id, .index = n, .to = State::relayed, .reply = peer_said(250, "ok")}));
  ASSERT_TRUE(record({.message = other, .index = 0, .to = State::relayed, .reply = peer_said(250, "ok")}));
  const auto bounce = [&](const Account& account, const Ulid& about, std::vector<std::string> addresses) {
    return run(store().books().note_bounces({Ulid(), account.id, {Ulid(), about}, std::move(addresses)})).value();
  };
  EXPECT_EQ(bounce(bob, id, {"a0@elsewhere.example"}), 0u) << "bob never sent it";
  EXPECT_EQ(bounce(anna, id, {"x@elsewhere.example"}), 0u) << "nobody wrote to that one";
  EXPECT_EQ(bounce(anna, id, {"a3@elsewhere.example"}), 0u) << "it was not relayed";
  EXPECT_EQ(bounce(anna, id, {"a0@elsewhere.example", "a1@elsewhere.example"}), 2u);
  EXPECT_EQ(bounce(anna, id, {"a0@elsewhere.example"}), 0u) << "once for each";
  EXPECT_TRUE(suspicions(store()).empty());
  EXPECT_EQ(trail(id).events.back().kind, EventKind::returned);
  EXPECT_EQ(trail(id).events.back().recipients, (std::vector<std::uint32_t>{0, 1}));
  EXPECT_EQ(bounce(anna, other, {"forwarded@far.example"}), 1u) << "it can only be about the one";
  ASSERT_EQ(suspicions(store()).size(), 1u);
  EXPECT_EQ(suspicions(store())[0].reason, "3 of 5 recipients of one day refused its mail for good");
}

TEST_P(StoreContract, TakeoverFailuresOfOldMailAndOfStrangersAreNotCounted) {
  const Account anna = make_account("anna@example.org");
  store().books().watch_accounts({.failures = 1, .failure_percent = 1});
  AcceptRequest stranger = message();
  stranger.recipients.push_back(to_remote("x@elsewhere.example", "elsewhere.example"));
  const Ulid foreign = accepted(stranger);
  const Ulid old = accepted(submission(anna, {}, strangers("a", 1)));
  ASSERT_EQ(claim("elsewhere.example").size(), 2u);
  clock().advance(std::chrono::hours(72));
  for (const Ulid& id : {foreign, old})
    ASSERT_TRUE(record({.message = id, .index = 0, .to = State::failed, .reply = peer_said(550, "no")}));
  EXPECT_TRUE(suspicions(store()).empty());
}

TEST_P(StoreContract, TakeoverReleaseClearsTheMarkAndCountsAnew) {
  const Account anna = make_account("anna@example.org");
  store().books().watch_accounts({.new_recipients = 5});
  const AcceptRequest many = submission(anna, {}, strangers("a", 6));
  EXPECT_TRUE(accept(many).held);
  // Somebody else's hold is not the watch's.
  AcceptRequest other = message();
  other.recipients.push_back(to_remote("x@elsewhere.example", "elsewhere.example"));
  const Ulid held_by_hand = accepted(other);
  ASSERT_EQ(run(store().queue().operate(QueueAction::hold, {.message = held_by_hand}, "operator", now())).value(), 1u);
  ASSERT_TRUE(run(store().books().suspicion_told(anna.id)));
  EXPECT_TRUE(suspicions(store())[0].told);

  EXPECT_TRUE(run(store().books().clear_suspicion(anna.id)).value());
  EXPECT_FALSE(run(store().books().clear_suspicion(anna.id)).value());
  const QueueFilter filter{.account = anna.id, .takeover_only = true};
  EXPECT_EQ(run(store().queue().operate(QueueAction::release, filter, "operator", now())).value(), 6u);
  EXPECT_EQ(trail(many.id).recipients[0].state, State::waiting);
  EXPECT_EQ(trail(held_by_hand).recipients[0].state, State::held);
  EXPECT_FALSE(accept(submission(anna, {}, strangers("b", 5))).held) << "counted anew";
  EXPECT_TRUE(accept(submission(anna, {}, strangers("c", 1))).held);
  EXPECT_EQ(limit_use(anna, LimitKind::new_recipients_per_day, {}, now()).used, 12u) << "limits count on";
}

TEST_P(StoreContract, TakeoverWhatWaitsIsHeldByAccountAndTheMarkGoesWithIt) {
  const Account anna = make_account("anna@example.org");
  const Account bob = make_account("bob@example.org");
  const Ulid hers = accepted(submission(anna, {}, strangers("a", 2)));
  const Ulid his = accepted(submission(bob, {}, strangers("a", 2)));
  ASSERT_TRUE(run(store().books().suspect(anna.id, TakeoverSign::networks, "why")).value());
  const std::string who(kTakeoverWatch);
  EXPECT_EQ(run(store().queue().operate(QueueAction::suspend, {.account = anna.id}, who, now())).value(), 2u);
  EXPECT_EQ(trail(hers).recipients[0].state, State::held);
  EXPECT_EQ(trail(his).recipients[0].state, State::waiting);
  EXPECT_EQ(suspicions(store())[0].held, 2u);
  EXPECT_EQ(run(store().queue().operate(QueueAction::cancel, {.account = anna.id, .takeover_only = true}, "x", now()))
                .value(),
            2u);
  ASSERT_TRUE(run(store().directory().remove_account("anna@example.org")));
  EXPECT_TRUE(suspicions(store()).empty());
}

TEST_P(StoreContract, TakeoverNetworksAreCountedUntilTheAccountIsMarked) {
  const Account anna = make_account("anna@example.org");
  const Account bob = make_account("bob@example.org");
  const std::chrono::seconds hour(3600);
  const auto note = [&](const Account& account, const std::string& network) {
    return run(store().books().note_network(account.id, network, hour)).value();
  };
  EXPECT_EQ(note(anna, "a"), 1u);
  EXPECT_EQ(note(anna, "a"), 1u);
  EXPECT_EQ(note(anna, "b"), 2u);
  EXPECT_EQ(note(bob, "b"), 1u) << "each account for itself";
  ASSERT_TRUE(run(store().books().suspect(anna.id, TakeoverSign::networks, "2 networks")).value());
  EXPECT_EQ(note(anna, "c"), 1u);
  EXPECT_EQ(note(anna, "d"), 2u);
  ASSERT_TRUE(run(store().books().clear_suspicion(anna.id)).value());
  EXPECT_EQ(note(anna, "e"), 1u);
  clock().advance(hour);
  EXPECT_EQ(note(anna, "f"), 1u) << "the other one is too long ago";
}

} // namespace paquebot::store
