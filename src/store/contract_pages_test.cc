// Lists in pages, and orders of which is told first what they would change.
#include "store/test_contract.h"

#include <map>

namespace paquebot::store {
namespace {

TEST_P(StoreContract, OrdersAreCountedAndKeptToWhatTheyName) {
  AcceptRequest held = message();
  held.recipients.assign(3, to_remote("bert@far.example", "far.example"));
  for (NewRecipient& one : held.recipients) one.handling = Handling::held;
  held.recipients[0].hold = HoldKind::quarantine;
  held.recipients[1].hold = HoldKind::takeover;
  held.recipients[2].hold = HoldKind::filter;
  const Ulid id = accepted(held);
  AcceptRequest other = message();
  other.recipients = {to_remote("dora@far.example", "far.example")};
  accepted(other);
  const auto count = [&](QueueAction action, QueueFilter filter, std::size_t most = 100) {
    const QueueCount found = run(store().queue().count(action, std::move(filter), now(), most)).value();
    return std::to_string(found.messages) + " " + std::to_string(found.recipients) + (found.more ? " more" : "");
  };
  EXPECT_EQ(count(QueueAction::release, {}), "1 3");
  EXPECT_EQ(count(QueueAction::retry, {}), "1 1");
  EXPECT_EQ(count(QueueAction::cancel, {}), "2 4");
  EXPECT_EQ(count(QueueAction::cancel, {}, 1), "1 3 more");
  QueueFilter some;
  some.message = id;
  some.holds = bit_of(HoldKind::quarantine) | bit_of(HoldKind::takeover);
  EXPECT_EQ(count(QueueAction::release, some), "1 2");
  some.only = {1, 2};
  EXPECT_EQ(count(QueueAction::release, some), "1 1");
  EXPECT_EQ(run(store().queue().operate(QueueAction::release, some, "a test", now())).value(), 1u);
  EXPECT_EQ(count(QueueAction::release, {}), "1 2");
}

TEST_P(StoreContract, ListsAreReadInPages) {
  DirectoryStore& directory = store().directory();
  const Account anna = make_account("anna@example.org");
  make_account("bert@example.org");
  make_account("anna@example.net");
  ASSERT_TRUE(run(directory.add_address({"sales", "example.org", 0, {"anna@example.org", "x@far.example"}})));
  ASSERT_TRUE(run(directory.add_address({"*", "example.net", 0, {"ANNA@example.org"}})));
  ASSERT_TRUE(run(directory.add_address({"second", "example.org", anna.id, {}})));
  const auto logins = [&](Within within, std::string after, std::size_t most) {
    std::string all;
    const auto page = run(directory.page_accounts(std::move(within), std::move(after), most));
    for (const Account& one : page.value()) all += one.login + " ";
    return all;
  };
  EXPECT_EQ(logins({}, "", 2), "anna@example.net anna@example.org ");
  EXPECT_EQ(logins({}, "anna@example.org", 2), "bert@example.org ");
  EXPECT_EQ(logins({.all = false, .domains = {"example.org"}}, "", 9), "anna@example.org bert@example.org ");
  EXPECT_EQ(logins({.all = false, .domains = {}, .login = "bert@example.org"}, "", 9), "bert@example.org ");
  EXPECT_EQ(logins({.all = false}, "", 9), "");
  const auto aliases = [&](Within within, std::string after, std::size_t most) {
    std::string all;
    const auto page = run(directory.page_aliases(std::move(within), std::move(after), most));
    for (const AddressEntry& one : page.value())
      all += one.local + "@" + one.domain + ":" + std::to_string(one.targets.size()) + " ";
    return all;
  };
  EXPECT_EQ(aliases({}, "", 2), "*@example.net:1 sales@example.org:2 ");
  EXPECT_EQ(aliases({}, "sales@example.org", 2), "second@example.org:0 ");
  EXPECT_EQ(aliases({.all = false, .domains = {"example.org"}}, "", 9), "sales@example.org:2 second@example.org:0 ");
  EXPECT_EQ(run(directory.page_domains({}, "example.net", 9)).value().size(), 1u);
  EXPECT_EQ(run(directory.aliases_to("Anna@example.org", 9)).value(),
            (std::vector<std::string>{"*@example.net", "sales@example.org"}));
  EXPECT_EQ(run(directory.aliases_to("anna@example.org", 1)).value().size(), 1u);
  EXPECT_EQ(run(directory.domains_owned_by(anna.id, 9)).value(), std::vector<std::string>{"example.org"});
  EXPECT_EQ(run(directory.get_domain("EXAMPLE.org")).value().owner, anna.id);
  EXPECT_EQ(run(directory.get_domain("example.com")).error().code, Errc::not_found);
}

TEST_P(StoreContract, RightsHooksMarksAndPlacesAreReadInPages) {
  const Account anna = make_account("anna@example.org"), bert = make_account("bert@example.org"),
                carl = make_account("carl@example.net");
  Rights& rights = store().rights();
  for (const auto& [account, domain] : {std::pair(bert.id, "example.org"), std::pair(bert.id, "example.net"),
                                        std::pair(anna.id, ""), std::pair(carl.id, "example.net")})
    ASSERT_TRUE(run(rights.grant(account, domain)));
  const auto grants = [&](Within within, Grant after, std::size_t most) {
    std::string all;
    const auto page = run(rights.page_grants(std::move(within), std::move(after), most)).value();
    for (const Grant& one : page) all += one.login.substr(0, 4) + ":" + one.domain + " ";
    return all;
  };
  EXPECT_EQ(grants({}, {}, 9), "anna: bert:example.net bert:example.org carl:example.net ");
  EXPECT_EQ(grants({}, {.login = "bert@example.org", .domain = "example.net"}, 1), "bert:example.org ");
  EXPECT_EQ(grants({.all = false, .domains = {"example.net"}}, {}, 9), "carl:example.net ");
  EXPECT_EQ(grants({.all = false, .domains = {}, .login = "anna@example.org"}, {}, 9), "anna: ");

  Feed& feed = store().feed();
  for (const Id account : {Id{0}, anna.id, bert.id, carl.id})
    ASSERT_TRUE(run(feed.add_hook({.account = account, .url = "https://x.example/", .secret = std::string(24, 's')})));
  const auto hooks = [&](std::optional<Id> account, Within within, Id after, std::size_t most) {
    std::string all;
    const auto page = run(feed.page_hooks(account, std::move(within), after, most)).value();
    for (const Hook& one : page) all += one.login.substr(0, 4) + " ";
    return all;
  };
  EXPECT_EQ(hooks({}, {}, 0, 9), " anna bert carl ");
  EXPECT_EQ(hooks({}, {}, 2, 1), "bert ");
  EXPECT_EQ(hooks(bert.id, {}, 0, 9), "bert ");
  EXPECT_EQ(hooks({}, {.all = false, .domains = {"example.org"}}, 0, 9), "anna bert ") << "not the server's own";
  EXPECT_EQ(hooks(carl.id, {.all = false, .domains = {"example.org"}}, 0, 9), "");

  for (const Id account : {carl.id, anna.id})
    ASSERT_TRUE(run(store().books().suspect(account, TakeoverSign::operators_order, "x")));
  const auto marked = [&](Within within, std::string after, std::size_t most) {
    std::string all;
    const auto page = run(store().books().page_suspicions(std::move(within), std::move(after), most)).value();
    for (const Suspicion& one : page) all += one.login + " ";
    return all;
  };
  EXPECT_EQ(marked({}, "", 9), "anna@example.org carl@example.net ");
  EXPECT_EQ(marked({}, "", 1), "anna@example.org ");
  EXPECT_EQ(marked({}, "anna@example.org", 9), "carl@example.net ");
  EXPECT_EQ(marked({.all = false, .domains = {"example.net"}}, "", 9), "carl@example.net ");
  EXPECT_EQ(run(store().books().get_suspicion(carl.id)).value()->login, "carl@example.net");
  EXPECT_FALSE(run(store().books().get_suspicion(bert.id)).value());

  for (const char* place : {"c.example", "a.example", "b.example", "a.example"}) queue(place);
  const auto places = [&](std::string after, std::size_t most) {
    std::string all;
    const auto page = run(store().queue().page_destinations(std::move(after), most)).value();
    for (const DestinationFacts& one : page) all += one.key + ":" + std::to_string(one.waiting) + " ";
    return all;
  };
  EXPECT_EQ(places("", 9), "a.example:2 b.example:1 c.example:1 ");
  EXPECT_EQ(places("", 1), "a.example:2 ");
  EXPECT_EQ(places("a.example", 1), "b.example:1 ");
  EXPECT_EQ(places("c.example", 9), "");
  claim("b.example");
  EXPECT_EQ(places("", 9), "a.example:2 c.example:1 ") << "what is in hand does not wait";
}

TEST_P(StoreContract, WhatWaitsForADestinationIsCountedThroughEveryStep) {
  std::map<std::int64_t, std::string> accepted_at;
  const auto waiting = [&] {
    expect_sound();
    std::string all;
    const auto page = run(store().queue().page_destinations("", 10));
    for (const DestinationFacts& one : page.value())
      all += one.key + " " + std::to_string(one.waiting) + " since " + accepted_at[one.oldest] + "; ";
    return all;
  };
  const auto order = [&](QueueAction action, QueueFilter filter) {
    return run(store().queue().operate(action, std::move(filter), "a test", now())).value();
  };
  AcceptRequest both = message();
  both.recipients = {to_remote("a@near.example", "near.example"), to_remote("b@far.example", "far.example"),
                     to_remote("c@far.example", "far.example", true)};
  const Ulid first = accepted(both);
  clock().advance(std::chrono::milliseconds(5));
  const Ulid second = queue("far.example");
  accepted_at[trail(first).message.accepted_at] = "the first";
  accepted_at[trail(second).message.accepted_at] = "the second";
  EXPECT_EQ(waiting(), "far.example 2 since the first; near.example 1 since the first; ");
  EXPECT_TRUE(record({first, 2, State::waiting, now(), true, Owed::none, peer_said(450, "")}));
  EXPECT_EQ(waiting(), "far.example 3 since the first; near.example 1 since the first; ") << "what was in hand waits";
  EXPECT_EQ(claim("far.example").size(), 2u);
  EXPECT_EQ(waiting(), "near.example 1 since the first; ");
  EXPECT_TRUE(record({second, 0, State::waiting, 0, false, Owed::none, {}}));
  EXPECT_TRUE(record({first, 1, State::relayed, 0, true, Owed::none, peer_said(250, "")}));
  EXPECT_EQ(waiting(), "far.example 1 since the second; near.example 1 since the first; ");
  reopen();
  EXPECT_EQ(waiting(), "far.example 2 since the first; near.example 1 since the first; ")
      << "what was in hand waits again";
  EXPECT_EQ(order(QueueAction::hold, {.destination = "far.example"}), 2u);
  EXPECT_EQ(waiting(), "near.example 1 since the first; ");
  EXPECT_EQ(order(QueueAction::release, {.message = second}), 1u);
  EXPECT_EQ(order(QueueAction::retry, {}), 2u);
  EXPECT_EQ(waiting(), "far.example 1 since the second; near.example 1 since the first; ");
  EXPECT_EQ(order(QueueAction::cancel, {.message = first}), 2u);
  EXPECT_EQ(waiting(), "far.example 1 since the second; ");
}

TEST_P(StoreContract, WhatIsUnfinishedForADestinationIsListedInOrder) {
  std::vector<Ulid> ids;
  for (int i = 0; i < 4; ++i) {
    AcceptRequest many = message();
    many.recipients = {to_remote("a@far.example", "far.example", i == 1), to_remote("b@far.example", "far.example")};
    if (i == 2) many.recipients[0].handling = many.recipients[1].handling = Handling::held;
    ids.push_back(accepted(many));
    clock().advance(std::chrono::milliseconds(1));
    queue("near.example");
  }
  const QueueFilter filter{.destination = "far.example"};
  std::vector<Ulid> listed;
  std::optional<Ulid> after;
  for (;;) {
    const auto page = run(store().queue().list(filter, after, 3)).value();
    for (const WorkItem& one : page) {
      EXPECT_EQ(one.recipients.size(), 2u);
      listed.push_back(one.message.id);
    }
    if (page.size() < 3) break;
    after = listed.back();
  }
  EXPECT_EQ(listed, ids);
}

} // namespace
} // namespace paquebot::store
