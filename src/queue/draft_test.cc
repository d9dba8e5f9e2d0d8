#include "queue/draft.h"

#include <gtest/gtest.h>

namespace paquebot::queue {
namespace {

TEST(Draft, ExpandsRoutesAndHandsNotifyOn) {
  Draft draft;
  draft.sender.reverse_path = {"s", "example.net"};
  DraftRecipient team;
  team.recipient.address = {"team", "example.org"};
  team.recipient.notify = mail::kNotifySuccess;
  team.nodes = {{.address = "team@example.org", .handling = store::Handling::expanded},
                {.address = "alice@example.org", .handling = store::Handling::mailbox, .account = 7, .parent = 0},
                {.address = "out@Example.com", .handling = store::Handling::remote, .parent = 0}};
  DraftRecipient again = team;
  draft.recipients = {team, again};
  RouteTable routes(std::vector<Route>{{.name = "com", .to = "example.com"}});
  Schedule schedule;
  auto request = build_request(std::move(draft), routes, schedule, from_millis(1000));
  ASSERT_EQ(request->recipients.size(), 3u);
  EXPECT_EQ(request->recipients[0].handling, store::Handling::expanded);
  EXPECT_EQ(request->recipients[1].account, 7);
  EXPECT_EQ(request->recipients[1].parent, 0);
  EXPECT_EQ(request->recipients[1].owed, store::Owed::success);
  EXPECT_EQ(request->recipients[2].via, "team@example.org");
  EXPECT_EQ(request->recipients[2].destination, "route:com");
  EXPECT_EQ(request->recipients[2].orcpt, "rfc822;team@example.org");
  EXPECT_EQ(request->recipients[2].owed, store::Owed::none);
  EXPECT_EQ(request->recipients[2].due, 1000);
  EXPECT_EQ(request->expires_at, 1000 + 5LL * 86400 * 1000);
}

TEST(Draft, WhatStandsBehindTheSeparatorNamesTheMailbox) {
  const auto mailbox_of = [](const std::string& address, char separator) {
    Draft draft;
    draft.special_use = 16;
    draft.tag_separator = separator;
    directory::Node node;
    node.address = address;
    node.account = 1;
    draft.recipients.push_back({{}, {node}});
    const auto request = build_request(std::move(draft), RouteTable(), Schedule(), from_millis(1));
    EXPECT_EQ(request->recipients.at(0).special_use, 16);
    return request->recipients.at(0).mailbox;
  };
  EXPECT_EQ(mailbox_of("ann+work@example.org", '+'), "work");
  EXPECT_EQ(mailbox_of("ann+Work/2026@example.org", '+'), "Work/2026");
  EXPECT_EQ(mailbox_of("ann+a+b@example.org", '+'), "a+b");
  EXPECT_EQ(mailbox_of("ann+work@example.org", 0), "");
  EXPECT_EQ(mailbox_of("ann@a+b.example", '+'), "");
  EXPECT_EQ(mailbox_of("+work@example.org", '+'), "");
  EXPECT_EQ(mailbox_of("ann+@example.org", '+'), "");
}

TEST(Draft, ADomainsOwnLmtpRouteKeepsItsMailboxes) {
  const auto way = [](std::string address, store::MessageClass klass, bool lmtp) {
    Draft draft;
    draft.klass = klass;
    DraftRecipient one;
    one.nodes = {{.address = std::move(address), .handling = store::Handling::mailbox, .account = 7}};
    draft.recipients = {one};
    RouteTable routes(std::vector<Route>{{.name = "store", .to = "example.org", .lmtp = lmtp},
                                         {.name = "rest", .to = "*", .lmtp = true}});
    const auto row = build_request(std::move(draft), routes, Schedule(), from_millis(1000))->recipients.at(0);
    return (row.handling == store::Handling::mailbox ? "mailbox" : row.destination) + " " + std::to_string(row.account);
  };
  using enum store::MessageClass;
  EXPECT_EQ(way("ann@Example.org", incoming, true), "route:store 0");
  EXPECT_EQ(way("ann@example.org", incoming, false), "mailbox 7"); // another smarthost is for mail that goes out
  EXPECT_EQ(way("ann@example.net", incoming, true), "mailbox 7");  // "*" means what is not ours
  EXPECT_EQ(way("ann@example.org", imported, true), "mailbox 7");
}

/// RFC 6533 section 3: type rfc822 carries ASCII only.
TEST(Draft, TypeOfAnOriginalRecipientOfOurs) {
  Draft draft;
  DraftRecipient group;
  group.recipient.address = {"gr\xC3\xB6\xC3\x9F"
                             "e",
                             "example.org"};
  group.nodes = {{.address = "gr\xC3\xB6\xC3\x9F"
                             "e@example.org",
                  .handling = store::Handling::expanded},
                 {.address = "out@example.com", .handling = store::Handling::remote, .parent = 0}};
  draft.recipients = {group};
  auto request = build_request(std::move(draft), RouteTable(std::vector<Route>{}), Schedule{}, from_millis(1000));
  ASSERT_EQ(request->recipients.size(), 2u);
  EXPECT_EQ(request->recipients[1].orcpt, "utf-8;gr\xC3\xB6\xC3\x9F"
                                          "e@example.org");
}

Draft draft_to(std::vector<directory::Node> nodes) {
  Draft draft;
  draft.sender.reverse_path = {"s", "example.net"};
  DraftRecipient row;
  row.recipient.address = *mail::parse_address(nodes.front().address);
  row.recipient.notify = mail::kNotifySuccess;
  row.nodes = std::move(nodes);
  draft.recipients = {std::move(row)};
  return draft;
}

TEST(Draft, WhatIsHeldWaitsUnexpandedForItsDomain) {
  RouteTable routes(std::vector<Route>{{.name = "all", .to = "*"}});
  const std::vector<std::vector<directory::Node>> cases = {
      {{.address = "alice@Example.org", .handling = store::Handling::mailbox, .account = 7}},
      {{.address = "team@example.org", .handling = store::Handling::expanded},
       {.address = "alice@example.org", .handling = store::Handling::mailbox, .account = 7, .parent = 0}},
      {{.address = "out@example.com", .handling = store::Handling::remote}},
  };
  for (const auto& nodes : cases) {
    Draft draft = draft_to(nodes);
    draft.sender.hold = {mail::Hold::Kind::until, 0, 5000, "for;4"};
    const auto request = build_request(std::move(draft), routes, Schedule{}, from_millis(1000));
    ASSERT_EQ(request->recipients.size(), 1u);
    const auto& row = request->recipients[0];
    EXPECT_EQ(row.handling, store::Handling::remote);
    // Mail for our own domains never takes a route.
    EXPECT_EQ(row.destination, nodes.front().handling == store::Handling::remote ? "route:all" : "example.org");
    EXPECT_EQ(row.due, 5000);
    EXPECT_EQ(row.owed, store::Owed::none) << "it is not delivered yet";
    EXPECT_EQ(row.notify, mail::kNotifySuccess);
    EXPECT_EQ(request->expires_at, 5000 + 5LL * 86400 * 1000) << "its life begins with its release";
  }
}

TEST(Draft, AHoldThatIsOverIsNone) {
  Draft draft = draft_to({{.address = "alice@example.org", .handling = store::Handling::mailbox, .account = 7}});
  draft.sender.hold = {mail::Hold::Kind::until, 0, 1000, "for;4"};
  const auto request = build_request(std::move(draft), RouteTable(), Schedule{}, from_millis(1000));
  EXPECT_EQ(request->recipients[0].handling, store::Handling::mailbox);
}

TEST(Draft, WhatIsKeptAsideIsHeldUnexpanded) {
  RouteTable routes(std::vector<Route>{{.name = "all", .to = "*"}});
  const std::vector<std::vector<directory::Node>> cases = {
      {{.address = "team@example.org", .handling = store::Handling::expanded},
       {.address = "alice@example.org", .handling = store::Handling::mailbox, .account = 7, .parent = 0}},
      {{.address = "out@example.com", .handling = store::Handling::remote}},
  };
  for (const auto& nodes : cases) {
    Draft draft = draft_to(nodes);
    draft.recipients[0].hold = "why";
    draft.sender.hold = {mail::Hold::Kind::until, 0, 5000, "for;4"}; // counts once it is released
    const auto request = build_request(std::move(draft), routes, Schedule{}, from_millis(1000));
    ASSERT_EQ(request->recipients.size(), 1u);
    const auto& row = request->recipients[0];
    EXPECT_EQ(row.handling, store::Handling::held);
    EXPECT_EQ(row.reason, "why");
    EXPECT_EQ(row.notify, mail::kNotifySuccess);
    EXPECT_EQ(row.destination, nodes.front().handling == store::Handling::remote ? "route:all" : "");
  }
}

TEST(Draft, DeadlinesAreThoseThatCanStillPass) {
  for (const auto& [at, deadline] : {std::pair{2000, 2000}, {1000, 0}, {500, 0}}) {
    Draft draft = draft_to({{.address = "out@example.com", .handling = store::Handling::remote}});
    draft.sender.deliver_by = {.mode = mail::DeliverBy::Mode::notify, .at = at};
    const auto request = build_request(std::move(draft), RouteTable(), Schedule{}, from_millis(1000));
    EXPECT_EQ(request->recipients[0].deadline, deadline) << at;
  }
}

} // namespace
} // namespace paquebot::queue
