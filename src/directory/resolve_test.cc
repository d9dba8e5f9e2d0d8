#include "base/fake_clock.h"
#include "directory/test_server.h"

#include <algorithm>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>

namespace paquebot::directory {
namespace {

using Kind = Resolution::Kind;
using ::testing::Contains;
using ::testing::UnorderedElementsAre;

/// "team@example.org > mailbox ann@example.org" for each node: parent, handling, address. The store chooses the order
/// of targets.
std::vector<std::string> told(const Resolution& resolution) {
  static const std::map<store::Handling, std::string> names = {{store::Handling::mailbox, "mailbox"},
                                                               {store::Handling::remote, "remote"},
                                                               {store::Handling::expanded, "expanded"},
                                                               {store::Handling::held, "held"}};
  std::vector<std::string> lines;
  for (const auto& node : resolution.nodes) {
    std::string line = names.at(node.handling) + " " + node.address;
    if (node.parent >= 0) line = resolution.nodes.at(static_cast<std::size_t>(node.parent)).address + " > " + line;
    lines.push_back(std::move(line));
  }
  return lines;
}

class Resolve : public ::testing::Test {
protected:
  Resolve() {
    server.domain("example.org");
    ann = server.account("ann@example.org").id;
    bob = server.account("bob@example.org").id;
  }
  Resolution resolve(const std::string& local, const std::string& domain = "example.org") {
    auto result = run_task(server.directory().resolve(mail::Address{local, domain}));
    EXPECT_TRUE(result) << result.error().message;
    // What memory knows by now is the same.
    if (const auto now = server.directory().resolve_now(mail::Address{local, domain}); now && result) {
      EXPECT_EQ(now->kind, result->kind) << local;
      EXPECT_EQ(told(*now), told(*result));
      EXPECT_EQ(now->nodes.at(0).account, result->nodes.at(0).account);
      EXPECT_EQ(now->mailbox_full, result->mailbox_full);
      EXPECT_EQ(now->fallback, result->fallback);
      EXPECT_EQ(now->senders, result->senders);
    }
    return result.value_or(Resolution{});
  }
  bool known(const std::string& local, const std::string& domain = "example.org") {
    return server.directory().resolve_now(mail::Address{local, domain}).has_value();
  }

  TestServer server;
  store::Id ann = 0;
  store::Id bob = 0;
};

TEST_F(Resolve, MailboxWithoutRegardToCase) {
  for (const char* local : {"bob", "BOB", "Bob"}) {
    const auto found = resolve(local);
    EXPECT_EQ(found.kind, Kind::found);
    ASSERT_EQ(found.nodes.size(), 1U);
    EXPECT_EQ(found.nodes[0].account, bob);
    EXPECT_EQ(found.nodes[0].address, std::string(local) + "@example.org");
  }
}

TEST(ResolveAtANewDomain, WhatNobodyHasIsNotYetThereForAWhile) {
  FakeClock clock; // that of the store is the system's
  clock.set_wall(system_clock().wall());
  TestServer server({.hostname = "mx.example.org", .new_domain_grace = std::chrono::minutes(60)}, clock);
  server.domain("example.org");
  server.account("ann@example.org");
  server.alias("soon", "example.org", {"later@example.org"});
  const auto kind_of = [&server](const char* local, bool program = false) {
    const mail::Address address{local, "example.org"};
    auto& directory = server.directory();
    const auto found = run_task(program ? directory.resolve_local(address) : directory.resolve(address));
    return found.value_or(Resolution{}).kind;
  };
  clock.advance(std::chrono::minutes(59));
  for (const char* local : {"later", "later+tag", "soon"}) {
    EXPECT_EQ(kind_of(local), Kind::not_yet) << local;
    EXPECT_EQ(kind_of(local, true), Kind::not_yet) << local;
  }
  EXPECT_EQ(kind_of("ann"), Kind::found);
  EXPECT_EQ(kind_of("postmaster"), Kind::found);
  clock.advance(std::chrono::minutes(2));
  for (const char* local : {"later", "later+tag", "soon"}) EXPECT_EQ(kind_of(local), Kind::unknown) << local;
  // A clock that was ahead when the domain was added puts nothing off for ever.
  clock.set_wall(from_millis(millis(system_clock().wall()) - 24LL * 3600 * 1000));
  EXPECT_EQ(kind_of("later"), Kind::unknown);
  server.account("later@example.org");
  EXPECT_EQ(kind_of("soon"), Kind::found);
}

TEST_F(Resolve, MemoryAnswersOnlyForAMailboxWithoutMore) {
  server.alias("team", "example.org", {"ann@example.org"});
  server.account("small@example.org", {}, 1000);
  for (const char* local : {"bob", "team", "small", "bob+tag", "nobody", "postmaster"}) {
    EXPECT_FALSE(known(local)) << local; // nothing was asked before
    resolve(local);
    EXPECT_EQ(known(local), std::string_view(local) == "bob") << local;
  }
  resolve("bob", "example.net");
  EXPECT_FALSE(known("bob", "example.net"));
  EXPECT_FALSE(known("bob", ""));
  server.account("carol@example.org"); // the directory has changed: all is asked anew
  EXPECT_FALSE(known("bob"));
}

TEST_F(Resolve, TagsAreStrippedButExactComesFirst) {
  EXPECT_EQ(resolve("bob+lists").nodes.at(0).account, bob);
  EXPECT_EQ(resolve("Bob+a+b").nodes.at(0).account, bob);
  server.address("bob+ann", "example.org", ann);
  EXPECT_EQ(resolve("bob+ann").nodes.at(0).account, ann);
  EXPECT_EQ(resolve("+bob").kind, Kind::unknown);
}

TEST_F(Resolve, NotOursAndUnknown) {
  EXPECT_EQ(resolve("bob", "example.net").kind, Kind::not_ours);
  EXPECT_EQ(resolve("bob", "[127.0.0.1]").kind, Kind::not_ours);
  EXPECT_EQ(resolve("nobody").kind, Kind::unknown);
  EXPECT_EQ(resolve("bob%example.net").kind, Kind::unknown);
  EXPECT_EQ(resolve("example.net!bob").kind, Kind::unknown);
  EXPECT_EQ(resolve("bob@example.net").kind, Kind::unknown);
  EXPECT_EQ(resolve("*").kind, Kind::unknown);
}

TEST_F(Resolve, RolesBelongToTheOwner) {
  for (const char* local : {"postmaster", "Abuse", "POSTMASTER", "abuse+x"}) {
    EXPECT_EQ(resolve(local).nodes.at(0).account, ann) << local;
  }
  EXPECT_EQ(resolve("postmaster", "").nodes.at(0).account, ann);
  EXPECT_EQ(resolve("postmaster", "").nodes.at(0).address, "postmaster@mx.example.org");
  EXPECT_EQ(resolve("postmaster", "mx.example.org").nodes.at(0).account, ann);
  EXPECT_EQ(resolve("root", "mx.example.org").nodes.at(0).account, ann);
  EXPECT_FALSE(resolve("root", "mx.example.org").fallback);
  server.domain("empty.example");
  EXPECT_EQ(resolve("postmaster", "empty.example").nodes.at(0).account, ann);
  server.alias("postmaster", "empty.example", {"bob@example.org"});
  EXPECT_EQ(resolve("postmaster", "empty.example").nodes.at(1).account, bob);
}

TEST_F(Resolve, MailOfThisMachineIsNotLost) {
  EXPECT_EQ(resolve("bob", "mx.example.org").nodes.at(0).account, bob);
  const auto found = resolve("backup", "mx.example.org");
  EXPECT_EQ(found.kind, Kind::found);
  EXPECT_TRUE(found.fallback);
  EXPECT_EQ(found.nodes.at(0).account, ann);
  server.alias("stale", "example.org", {"backup@mx.example.org"});
  EXPECT_EQ(resolve("stale").kind, Kind::unknown);
  EXPECT_FALSE(run_task(server.directory().owns(ann, mail::Address{"backup", "mx.example.org"})).value());
}

TEST_F(Resolve, AliasesOfRootAndBareNamesAreFollowed) {
  server.domain("aaa.example"); // the first one by name, which the server's name has nothing to do with
  server.alias("root", "example.org", {"bob@example.org"});
  server.alias("www", "aaa.example", {"bob@example.org"});
  server.alias("postmaster", "aaa.example", {"bob@example.org"});
  EXPECT_EQ(resolve("root", "mx.example.org").nodes.at(1).account, bob);
  EXPECT_EQ(resolve("root+cron", "mx.example.org").nodes.at(1).account, bob);
  EXPECT_EQ(resolve("www", "mx.example.org").nodes.at(1).account, bob);
  EXPECT_EQ(resolve("postmaster", "mx.example.org").nodes.at(0).account, ann);
  server.alias("postmaster", "example.org", {"bob@example.org"});
  EXPECT_EQ(resolve("postmaster", "mx.example.org").nodes.at(1).account, bob);
}

TEST(ResolveAtOrigin, ProgramsFindWhatStrangersDoNot) {
  TestServer server({.hostname = "mx.example.net", .origin = "Example.org"});
  server.domain("aaa.example");
  server.domain("example.org");
  const auto ann = server.account("ann@example.org").id, eve = server.account("eve@aaa.example").id;
  const auto local = [&](const char* name, const char* domain) {
    return run_task(server.directory().resolve_local(mail::Address{name, domain})).value();
  };
  const auto stranger = [&](const char* name, const char* domain) {
    return run_task(server.directory().resolve(mail::Address{name, domain})).value();
  };
  EXPECT_NE(local("root", "example.org").nodes.at(0).account, 0);
  EXPECT_EQ(stranger("root", "example.org").kind, Kind::unknown);
  EXPECT_TRUE(local("backup", "example.org").fallback);
  EXPECT_EQ(local("backup", "aaa.example").kind, Kind::unknown); // not where programs send to by themselves
  EXPECT_EQ(local("ann", "mx.example.net").nodes.at(0).account, ann);
  EXPECT_EQ(local("eve", "mx.example.net").nodes.at(0).account, eve);
  EXPECT_EQ(local("eve", "elsewhere.example").kind, Kind::not_ours);
  server.alias("root", "example.org", {"eve@aaa.example"});
  EXPECT_EQ(local("root", "example.org").nodes.at(1).account, eve);
  EXPECT_EQ(local("root", "mx.example.net").nodes.at(1).account, eve);
  EXPECT_FALSE(run_task(server.directory().owns(ann, mail::Address{"backup", "example.org"})).value());
}

TEST(ResolveAtOrigin, TheServersNameMayBeADomainOfOurs) {
  TestServer server({.hostname = "example.org", .origin = ""});
  server.domain("example.org");
  const auto ann = server.account("ann@example.org").id;
  const auto found = run_task(server.directory().resolve_local(mail::Address{"root", "example.org"}));
  EXPECT_EQ(found->nodes.at(0).account, ann);
  EXPECT_EQ(run_task(server.directory().resolve(mail::Address{"root", "example.org"}))->kind, Kind::unknown);
}

TEST(ResolveAlone, RoleOfNobodyIsHeld) {
  TestServer server;
  server.domain("example.org");
  const auto found = run_task(server.directory().resolve(mail::Address{"postmaster", "example.org"}));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->kind, Kind::found);
  EXPECT_THAT(told(*found), UnorderedElementsAre("held postmaster@example.org"));
  EXPECT_NE(found->nodes[0].reason, "");
}

TEST_F(Resolve, CatchAllComesLast) {
  server.address("*", "example.org", bob);
  EXPECT_EQ(resolve("whoever").nodes.at(0).account, bob);
  EXPECT_EQ(resolve("ann").nodes.at(0).account, ann);
  EXPECT_EQ(resolve("ann+x").nodes.at(0).account, ann);
  EXPECT_EQ(resolve("abuse").nodes.at(0).account, ann);
}

TEST_F(Resolve, AliasesThroughAliases) {
  server.alias("team", "example.org", {"ann@example.org", "bob@example.org", "carol@example.net"});
  server.alias("all", "example.org", {"team@example.org", "dave@example.net"});
  EXPECT_THAT(told(resolve("all")),
              UnorderedElementsAre(
                  "expanded all@example.org", "all@example.org > expanded team@example.org",
                  "all@example.org > remote dave@example.net", "team@example.org > mailbox ann@example.org",
                  "team@example.org > mailbox bob@example.org", "team@example.org > remote carol@example.net"));
}

TEST_F(Resolve, EachMailboxOnce) {
  server.address("bob.smith", "example.org", bob);
  server.alias("team", "example.org",
               {"bob@example.org", "Bob.Smith@example.org", "out@example.net", "bob+x@example.org"});
  const auto found = resolve("team");
  ASSERT_EQ(found.nodes.size(), 3U);
  EXPECT_EQ(std::ranges::count(found.nodes, bob, &Node::account), 1);
  EXPECT_THAT(told(found), Contains("team@example.org > remote out@example.net"));
}

TEST_F(Resolve, Circles) {
  server.alias("a", "example.org", {"b@example.org"});
  server.alias("b", "example.org", {"A@example.org"});
  EXPECT_EQ(resolve("a").kind, Kind::loop);
  server.alias("self", "example.org", {"self@example.org"});
  EXPECT_EQ(resolve("self").kind, Kind::loop);
  server.alias("b", "example.org", {"ann@example.org"});
  EXPECT_THAT(told(resolve("a")),
              UnorderedElementsAre("expanded a@example.org", "a@example.org > expanded b@example.org",
                                   "b@example.org > mailbox ann@example.org"));
}

TEST_F(Resolve, DeadTargets) {
  server.alias("stale", "example.org", {"gone@example.org"});
  EXPECT_EQ(resolve("stale").kind, Kind::unknown);
  server.alias("mixed", "example.org", {"gone@example.org", "ann@example.org"});
  const auto found = resolve("mixed");
  EXPECT_THAT(told(found),
              UnorderedElementsAre("expanded mixed@example.org", "mixed@example.org > held gone@example.org",
                                   "mixed@example.org > mailbox ann@example.org"));
  EXPECT_EQ(std::ranges::find(found.nodes, store::Handling::held, &Node::handling)->reason,
            "the alias mixed@example.org leads to gone@example.org, which does not exist");
}

TEST(ResolveAlone, Bounds) {
  TestServer server({.hostname = "mx.example.org", .max_depth = 3, .max_targets = 5});
  server.domain("example.org");
  server.account("ann@example.org");
  for (int i = 1; i < 6; ++i) {
    server.alias("d" + std::to_string(i), "example.org", {"d" + std::to_string(i - 1) + "@example.org"});
  }
  server.alias("d0", "example.org", {"ann@example.org"});
  const auto kind = [&](const std::string& local) {
    return run_task(server.directory().resolve(mail::Address{local, "example.org"})).value().kind;
  };
  EXPECT_EQ(kind("d2"), Kind::found);
  EXPECT_EQ(kind("d3"), Kind::loop);
  std::vector<std::string> many;
  for (int i = 0; i < 6; ++i) many.push_back("x" + std::to_string(i) + "@example.net");
  server.alias("many", "example.org", many);
  EXPECT_EQ(kind("many"), Kind::too_large);
}

TEST_F(Resolve, FollowsChanges) {
  EXPECT_EQ(resolve("late").kind, Kind::unknown);
  server.alias("late", "example.org", {"ann@example.org"});
  EXPECT_EQ(resolve("late").kind, Kind::found);
  ASSERT_TRUE(run_task(server.store().directory().remove_address("late", "example.org", "")));
  EXPECT_EQ(resolve("late").kind, Kind::unknown);
}

TEST_F(Resolve, DisabledStillReceives) {
  auto account = run_task(server.store().directory().get_account(bob)).value();
  account.disabled = true;
  ASSERT_TRUE(run_task(server.store().directory().update_account(account)));
  EXPECT_EQ(resolve("bob").nodes.at(0).account, bob);
}

store::AcceptStatus deliver(TestServer& server, store::Id account, const std::string& address) {
  auto request = std::make_shared<store::AcceptRequest>();
  request->id = UlidSource().next();
  request->head = "Subject: x\r\n\r\n";
  request->body.bytes = std::string(100, 'x') + "\r\n";
  request->body.size = request->body.bytes.size();
  store::NewRecipient recipient;
  recipient.address = address;
  recipient.handling = store::Handling::mailbox;
  recipient.account = account;
  request->recipients.push_back(recipient);
  return run_task(server.store().acceptance().accept(request)).status;
}

TEST_F(Resolve, FullMailbox) {
  const auto eve = server.account("eve@example.org", "", 200).id;
  EXPECT_FALSE(resolve("eve").mailbox_full);
  EXPECT_FALSE(resolve("eve").mailbox_full);
  while (deliver(server, eve, "eve@example.org") == store::AcceptStatus::accepted) {
  }
  auto account = run_task(server.store().directory().get_account(eve)).value();
  ASSERT_GT(account.used, 100U);
  account.quota = account.used;
  ASSERT_TRUE(run_task(server.store().directory().update_account(account)));
  EXPECT_TRUE(resolve("eve").mailbox_full);
  server.alias("group", "example.org", {"ann@example.org", "eve@example.org"});
  EXPECT_TRUE(resolve("group").mailbox_full);
  EXPECT_FALSE(resolve("ann").mailbox_full);
}

TEST_F(Resolve, Owns) {
  server.address("ann.b", "example.org", ann);
  server.alias("team", "example.org", {"ann@example.org"});
  server.domain("other.example");
  server.address("*", "other.example", bob);
  const struct {
    store::Id account;
    const char* local;
    const char* domain;
    bool owns;
  } cases[] = {
      {ann, "ann", "example.org", true},         {ann, "ANN", "example.org", true},
      {ann, "ann+shop", "example.org", true},    {ann, "ann.b", "example.org", true},
      {ann, "postmaster", "example.org", true},  {ann, "team", "example.org", false},
      {ann, "bob", "example.org", false},        {ann, "nobody", "example.org", false},
      {ann, "ann", "example.net", false},        {bob, "anything", "other.example", true},
      {bob, "postmaster", "example.org", false}, {0, "nobody", "example.net", false},
      {0, "nobody", "example.org", false},
  };
  for (const auto& c : cases) {
    const auto result = run_task(server.directory().owns(c.account, mail::Address{c.local, c.domain}));
    ASSERT_TRUE(result);
    EXPECT_EQ(*result, c.owns) << c.account << " " << c.local << "@" << c.domain;
  }
}

TEST_F(Resolve, AliasDomain) {
  server.alias("team", "example.org", {"ann@example.org", "bob@example.com"});
  ASSERT_TRUE(run_task(server.store().directory().add_alias_domain("example.com", "example.org")));
  EXPECT_EQ(resolve("Ann+shop", "example.com").nodes.at(0).account, ann);
  EXPECT_EQ(resolve("ann", "example.com").nodes.at(0).address, "ann@example.com");
  EXPECT_EQ(resolve("postmaster", "example.com").nodes.at(0).account, resolve("postmaster").nodes.at(0).account);
  EXPECT_EQ(resolve("team", "example.com").nodes.size(), 3U);
  EXPECT_EQ(resolve("nobody", "example.com").kind, Kind::unknown);
  EXPECT_TRUE(run_task(server.directory().owns(ann, mail::Address{"ann", "example.com"})).value());
  EXPECT_FALSE(run_task(server.directory().owns(bob, mail::Address{"ann", "example.com"})).value());
  EXPECT_EQ(run_task(server.directory().main_domain("Example.COM")).value(), "example.org");
  EXPECT_EQ(run_task(server.directory().main_domain("elsewhere.test")).value(), "elsewhere.test");
}

} // namespace
} // namespace paquebot::directory
