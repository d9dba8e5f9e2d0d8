// Classes of what was not taken, and addresses that programs send nothing to any more.
#include "store/test_suppression.h"

namespace paquebot::store {
namespace {

using mail::BounceClass;

constexpr auto kDays = std::chrono::hours(24);

TEST_P(SuppressionContract, ClassesAreKeptWithOutcomesAndTold) {
  const Account anna = make_account("anna@example.org");
  store().feed().watch(now() + 1'000'000);
  const Ulid id = sent(anna, "bob@far.example");
  came_to(id, State::waiting, BounceClass::greylist, peer_said(451, "greylisted"));
  EXPECT_EQ(trail(id).recipients[0].bounce, BounceClass::greylist);
  clock().advance(std::chrono::seconds(2));
  ASSERT_EQ(claim("far.example").size(), 1U);
  came_to(id, State::failed, BounceClass::full, is_full);
  const Trace trace = trail(id);
  EXPECT_EQ(trace.recipients[0].bounce, BounceClass::full);
  ASSERT_EQ(trace.events.size(), 3U);
  EXPECT_EQ(trace.events[0].bounce, BounceClass::none);
  EXPECT_EQ(trace.events[1].bounce, BounceClass::greylist);
  EXPECT_EQ(trace.events[2].bounce, BounceClass::full);
  const auto rows = run(store().feed().read(0, 100)).value();
  ASSERT_FALSE(rows.empty());
  EXPECT_EQ(rows.back().events.at(0).bounce, BounceClass::full);
}

TEST_P(SuppressionContract, HardEvidenceSuppressesAtOnce) {
  const Account anna = make_account("anna@example.org"), bert = make_account("bert@example.org");
  fails(anna, "Bob@far.example", BounceClass::no_such_user, no_user);
  EXPECT_EQ(reason_for(anna, "bob@FAR.example"), "no-such-user");
  EXPECT_EQ(reason_for(bert, "bob@far.example"), "") << "it is the sending account's";
  const auto found = run(store().books().find_suppression(anna.id, "bob@far.example")).value();
  EXPECT_NE(found->reply.find("550 5.1.1 no such user"), std::string::npos);
  EXPECT_EQ(found->owner, "anna@example.org");
  EXPECT_EQ(trail(found->message).recipients[0].address, "Bob@far.example") << "the evidence";
  EXPECT_EQ(trail(found->message).events.back().kind, EventKind::warned);
  clock().advance(kDays * 181);
  EXPECT_EQ(reason_for(anna, "bob@far.example"), "") << "it has ended";
  maintain();
  EXPECT_TRUE(all().empty());
}

TEST_P(SuppressionContract, WeakEvidenceAndPeoplesMailDoNot) {
  const Account anna = make_account("anna@example.org");
  fails(anna, "a@far.example", BounceClass::no_such_user, peer_said(550, "no such user"));
  fails(anna, "b@far.example", BounceClass::no_such_user, mail::Told::by({550, {5, 1, 1}, "our own word"}));
  fails(anna, "c@far.example", BounceClass::no_such_user, no_user, false);
  fails(anna, "d@far.example", BounceClass::blocked_source, peer_said(550, "blocked", {5, 7, 1}));
  came_to(sent(anna, "e@far.example"), State::waiting, BounceClass::no_such_user, peer_said(450, "x", {4, 1, 1}));
  EXPECT_TRUE(all().empty());
}

TEST_P(SuppressionContract, FullMailboxesAreAfterThreeMessagesInTwoWeeks) {
  const Account anna = make_account("anna@example.org");
  fails(anna, "bob@far.example", BounceClass::full, is_full);
  clock().advance(kDays * 8);
  fails(anna, "bob@far.example", BounceClass::full, is_full);
  clock().advance(kDays * 8);
  fails(anna, "bob@far.example", BounceClass::full, is_full);
  EXPECT_EQ(reason_for(anna, "bob@far.example"), "") << "the first is too long ago";
  fails(anna, "bob@far.example", BounceClass::disabled, peer_said(550, "off", {5, 2, 1}));
  EXPECT_EQ(reason_for(anna, "bob@far.example"), "disabled");
  clock().advance(kDays * 31);
  EXPECT_EQ(reason_for(anna, "bob@far.example"), "");
}

TEST_P(SuppressionContract, TheAcceptingTransactionJudges) {
  const Account anna = make_account("anna@example.org"), carl = make_account("carl@other.example");
  for (const auto& [scope, of] :
       {std::pair(SuppressScope::server, Id(0)), std::pair(SuppressScope::account, anna.id)}) {
    const auto made = run(store().books().add_suppression({.scope = scope, .of = of, .address = "Bob@far.example"}));
    ASSERT_TRUE(made) << made.error().message;
    AcceptRequest request = message();
    request.klass = MessageClass::submitted;
    request.account = anna.id;
    request.by_api = true;
    request.recipients = {to_remote("ann@far.example", "far.example"), to_remote("BOB@far.example", "far.example")};
    const AcceptResult refused = accept(request);
    EXPECT_EQ(refused.status, AcceptStatus::suppressed);
    EXPECT_EQ(refused.recipients, std::vector<std::uint32_t>{1});
    request.account = carl.id;
    request.id = message().id;
    EXPECT_EQ(accept(request).status, of == 0 ? AcceptStatus::suppressed : AcceptStatus::accepted);
    request.account = anna.id;
    request.id = message().id;
    request.by_api = false;
    EXPECT_EQ(accept(request).status, AcceptStatus::accepted) << "people are warned only";
    const Trace trace = trail(request.id);
    EXPECT_EQ(trace.events.back().kind, EventKind::warned);
    EXPECT_NE(trace.events.back().detail.find("manual since "), std::string::npos) << trace.events.back().detail;
    ASSERT_TRUE(run(store().books().remove_suppression(made->id)));
  }
  EXPECT_TRUE(all().empty());
}

TEST_P(SuppressionContract, WhoIsReachedAfterAllIsForgotten) {
  const Account anna = make_account("anna@example.org");
  fails(anna, "bob@far.example", BounceClass::no_such_user, no_user);
  const Ulid manual = sent(anna, "carl@far.example");
  ASSERT_TRUE(run(store().books().add_suppression(
      {.scope = SuppressScope::account, .of = anna.id, .address = "carl@far.example"})));
  came_to(manual, State::relayed, BounceClass::none);
  EXPECT_EQ(reason_for(anna, "carl@far.example"), "manual") << "that is somebody's wish";
  AcceptRequest by_route = message();
  by_route.recipients = {to_remote("bob@far.example", "route:isp", true)};
  came_to(accepted(by_route), State::relayed, BounceClass::none);
  EXPECT_EQ(reason_for(anna, "bob@far.example"), "no-such-user") << "who passes mail on knows nothing of it";
  came_to(sent(anna, "bob@far.example", false), State::relayed, BounceClass::none);
  EXPECT_EQ(reason_for(anna, "bob@far.example"), "");
}

TEST_P(SuppressionContract, AreListedByWhoseTheyAre) {
  const Account anna = make_account("anna@example.org"), carl = make_account("carl@other.example");
  Books& books = store().books();
  const Id domain = run(store().directory().list_domains()).value().at(0).id; // example.org
  ASSERT_TRUE(run(books.add_suppression({.scope = SuppressScope::account, .of = anna.id, .address = "x@far.example"})));
  ASSERT_TRUE(run(books.add_suppression({.scope = SuppressScope::account, .of = carl.id, .address = "x@far.example"})));
  ASSERT_TRUE(run(books.add_suppression({.scope = SuppressScope::domain, .of = domain, .address = "y@far.example"})));
  ASSERT_TRUE(run(books.add_suppression({.scope = SuppressScope::server, .address = "z@far.example"})));
  EXPECT_EQ(run(books.add_suppression({.scope = SuppressScope::server, .address = "Z@far.example"})).error().code,
            Errc::conflict);
  EXPECT_EQ(
      run(books.add_suppression({.scope = SuppressScope::account, .of = 99, .address = "z@far.example"})).error().code,
      Errc::not_found);
  const auto count = [&](SuppressionFilter filter, Id after = 0, std::size_t most = 100) {
    return run(books.list_suppressions(std::move(filter), after, most)).value().size();
  };
  EXPECT_EQ(count({}), 4U);
  EXPECT_EQ(count({.address = "x@far.example"}), 2U);
  EXPECT_EQ(count({.everybodys = false, .accounts = {anna.id}}), 1U);
  EXPECT_EQ(count({.everybodys = false, .domains = {domain}}), 2U) << "with those of its accounts";
  EXPECT_EQ(count({.address = "x@far.example", .everybodys = false, .domains = {domain}}), 1U);
  EXPECT_EQ(count({.everybodys = false}), 0U);
  EXPECT_EQ(count({.everybodys = false, .servers = true}), 1U);
  EXPECT_EQ(count({.address = "z@far.example", .everybodys = false, .servers = true}), 1U);
  EXPECT_EQ(count({.address = "x@far.example", .everybodys = false, .servers = true}), 0U);
  EXPECT_EQ(count({}, 2), 2U);
  EXPECT_EQ(count({}, 0, 3), 3U);
  ASSERT_TRUE(run(store().directory().remove_account("carl@other.example")));
  EXPECT_EQ(count({}), 3U) << "they go with their account";
}

TEST_P(SuppressionContract, AReturnThatIsProvenCountsOnce) {
  const Account anna = make_account("anna@example.org");
  const Ulid id = sent(anna, "bob@far.example");
  came_to(id, State::relayed, BounceClass::none);
  const auto found = run(store().trail().sent_at(id.millis(), 10)).value();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].id, id);
  EXPECT_EQ(found[0].onward, 1U);
  EXPECT_TRUE(run(store().trail().forwarded_at(id.millis(), 10)).value().empty());
  ProvenReturn proven{.report = message().id, .message = id, .recipient = 0, .most = 3};
  proven.failed.push_back({"other@inner.example", no_user});
  EXPECT_TRUE(run(store().books().note_proven_return(proven)).value());
  const Trace trace = trail(id);
  EXPECT_EQ(trace.recipients[0].bounce, BounceClass::no_such_user);
  const Event& event = trace.events.at(trace.events.size() - 2);
  EXPECT_EQ(event.kind, EventKind::returned);
  EXPECT_EQ(event.bounce, BounceClass::no_such_user);
  EXPECT_NE(event.detail.find("returned later: mx"), std::string::npos) << event.detail;
  EXPECT_EQ(reason_for(anna, "bob@far.example"), "no-such-user");
  EXPECT_TRUE(run(store().books().note_proven_return(proven)).value());
  EXPECT_EQ(trail(id).events.back().bounce, BounceClass::none) << "of the same recipient nothing counts twice";
  EXPECT_TRUE(run(store().books().note_proven_return(proven)).value());
  EXPECT_FALSE(run(store().books().note_proven_return(proven)).value()) << "that is enough";
}

TEST_P(SuppressionContract, AnAnswerThatCameBackIsNoFailure) {
  const Account anna = make_account("anna@example.org");
  const Ulid id = sent(anna, "bob@far.example");
  came_to(id, State::relayed, mail::BounceClass::none);
  store().feed().watch(now() + 1'000'000);
  const Id before = store().feed().last();
  EXPECT_TRUE(run(store().books().note_proven_return({message().id, id, 0, {}, 1})).value());
  EXPECT_FALSE(run(store().books().note_proven_return({message().id, id, 0, {}, 1})).value()) << "it counts";
  EXPECT_EQ(trail(id).recipients[0].bounce, mail::BounceClass::none);
  EXPECT_EQ(trail(id).events.back().kind, EventKind::returned);
  EXPECT_EQ(store().feed().last(), before) << "somebody on holiday is nothing that a program is told of";
}

TEST_P(SuppressionContract, AReturnAddressOfSeveralSuppressesNobody) {
  const Account anna = make_account("anna@example.org");
  AcceptRequest request = message();
  request.klass = MessageClass::submitted;
  request.account = anna.id;
  request.by_api = true;
  request.recipients = {to_remote("a@far.example", "far.example", true),
                        to_remote("b@far.example", "far.example", true)};
  const Ulid id = accepted(request);
  for (const std::uint32_t index : {0U, 1U}) ASSERT_TRUE(record({.message = id, .index = index, .to = State::relayed}));
  ProvenReturn proven{.report = message().id, .message = id, .most = 9};
  proven.failed.push_back({"b@far.example", no_user});
  proven.failed.push_back({"stranger@far.example", no_user});
  EXPECT_TRUE(run(store().books().note_proven_return(proven)).value());
  EXPECT_EQ(trail(id).recipients[0].bounce, BounceClass::none);
  EXPECT_EQ(trail(id).recipients[1].bounce, BounceClass::no_such_user);
  EXPECT_TRUE(all().empty()) << "who got the same transaction could have written it";
}

TEST_P(SuppressionContract, AComplaintCountsOnceAndForGood) {
  const Account anna = make_account("anna@example.org");
  const Ulid id = sent(anna, "bob@far.example"), personal = sent(anna, "carl@far.example", false);
  const Complaint complaint{message().id, id, std::nullopt, "abuse, told by far.example"};
  EXPECT_FALSE(run(store().books().note_complaint(complaint)).value()) << "nobody has it yet";
  came_to(id, State::relayed, BounceClass::none);
  came_to(personal, State::relayed, BounceClass::none);
  EXPECT_TRUE(run(store().books().note_complaint(complaint)).value());
  EXPECT_FALSE(run(store().books().note_complaint(complaint)).value()) << "it was told";
  EXPECT_EQ(trail(id).events.back().kind, EventKind::complained);
  EXPECT_EQ(reason_for(anna, "bob@far.example"), "complaint");
  fails(anna, "dora@far.example", BounceClass::no_such_user, no_user);
  clock().advance(kDays * 1000);
  EXPECT_EQ(reason_for(anna, "bob@far.example"), "complaint");
  EXPECT_TRUE(run(store().books().note_complaint({message().id, personal, 0, "abuse"})).value());
  EXPECT_EQ(reason_for(anna, "carl@far.example"), "") << "of people's mail it is told, and no more";
  EXPECT_FALSE(run(store().books().note_complaint({message().id, message().id, 0, "abuse"})).value());
}

} // namespace
} // namespace paquebot::store
