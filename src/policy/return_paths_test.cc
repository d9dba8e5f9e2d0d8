#include "base/fake_clock.h"
#include "directory/test_server.h"
#include "policy/policy.h"
#include "policy/return_paths.h"

#include <gtest/gtest.h>
#include <set>

namespace paquebot::policy {
namespace {

using directory::run_task;

class ReturnPathsTest : public ::testing::Test {
protected:
  ReturnPathsTest()
      : ids(clock), paths(server.store(), server.directory(), clock), policy(server.directory(), nullptr, &paths) {
    server.domain("example.org");
    server.domain("other.test");
    server.account("ann@example.org");
  }
  static mail::Address parse(const std::string& text) { return mail::parse_address(text).value(); }
  /// A stranger's message that fwd@example.org hands on to as many others.
  Ulid forwarded(const std::string& sender, unsigned onward = 1) {
    store::AcceptRequest request;
    request.id = ids.next();
    request.accepted_at = request.id.millis();
    request.expires_at = request.accepted_at + 1'000'000'000;
    if (!sender.empty()) request.sender.reverse_path = parse(sender);
    request.head = "Subject: x\r\n\r\n";
    store::NewRecipient named;
    named.address = "fwd@example.org";
    named.handling = store::Handling::expanded;
    request.recipients.push_back(named);
    for (unsigned i = 0; i < onward; ++i) {
      store::NewRecipient away;
      away.address = "bob" + std::to_string(i) + "@next.test";
      away.destination = "next.test";
      away.via = named.address;
      away.parent = 0;
      request.recipients.push_back(away);
    }
    EXPECT_EQ(run_task(server.store().acceptance().accept(std::make_shared<store::AcceptRequest>(request))).status,
              store::AcceptStatus::accepted);
    return request.id;
  }
  mail::Address leaving(const std::string& sender, const std::string& via = "fwd@example.org", unsigned onward = 1,
                        bool vouched = false) {
    const Ulid id = forwarded(sender, onward);
    return run_task(paths.leaving(sender.empty() ? mail::Address{} : parse(sender), id, via, vouched));
  }
  /// How many of the messages that come back, four to each of so many addresses, are taken, and how the others are
  /// refused.
  std::pair<unsigned, std::set<std::string>> returned(const std::string& sender, unsigned addresses, bool vouched) {
    unsigned taken = 0;
    std::set<std::string> refused;
    mail::Address address;
    for (unsigned i = 0; i < addresses * kReportsEach; ++i) {
      if (i % kReportsEach == 0) address = leaving(sender, "fwd@example.org", 1, vouched);
      const auto verdict = recipient(address);
      const mail::Reply reply = run_task(policy.take_return(verdict.returned.value(), "SRS0=x", ids.next()));
      if (reply.code == 0)
        ++taken;
      else
        refused.insert(reply.to_string().substr(0, 9));
    }
    return {taken, refused};
  }
  RecipientVerdict recipient(const mail::Address& to, const std::string& from = "") {
    mail::Sender sender;
    if (!from.empty()) sender.reverse_path = parse(from);
    mail::Recipient named;
    named.address = to;
    return run_task(policy.check_recipient({smtp::Role::mx, "192.0.2.1", "client.example", 0, ""}, sender, named));
  }
  std::string outcome(const mail::Address& to) { return recipient(to).reply.to_string().substr(0, 9); }

  directory::TestServer server;
  FakeClock clock;
  UlidSource ids;
  ReturnPaths paths;
  Policy policy;
};

TEST_F(ReturnPathsTest, WhoIsWrapped) {
  EXPECT_TRUE(leaving("x@far.test").local.starts_with("SRS0="));
  EXPECT_EQ(leaving("x@far.test").domain, "example.org");
  EXPECT_EQ(leaving("x@far.test", "fwd@other.test").domain, "other.test");
  for (const char* same : {"ann@example.org", "anybody@other.test"}) EXPECT_EQ(leaving(same), parse(same));
  EXPECT_TRUE(leaving("").empty());
  EXPECT_EQ(leaving("x@far.test", "").local, "x");
  paths.configure(false);
  EXPECT_EQ(leaving("x@far.test").local, "x");
}

TEST_F(ReturnPathsTest, ABounceFindsItsWay) {
  const mail::Address address = leaving("x@far.test");
  paths.configure(false); // what was given out is taken back all the same
  const auto verdict = recipient(address);
  EXPECT_EQ(verdict.reply.code, 250);
  ASSERT_EQ(verdict.nodes.size(), 2U);
  EXPECT_EQ(verdict.nodes[0].handling, store::Handling::expanded);
  EXPECT_EQ(verdict.nodes[0].address, address.to_string());
  EXPECT_EQ(verdict.nodes[1].handling, store::Handling::remote);
  EXPECT_EQ(verdict.nodes[1].address, "x@far.test");
}

TEST_F(ReturnPathsTest, OnlyReportsPass) {
  EXPECT_EQ(recipient(leaving("x@far.test"), "spammer@far.test").reply.to_string().substr(0, 9), "550 5.7.1");
}

TEST_F(ReturnPathsTest, NobodyRelaysWithIt) {
  mail::Address forged = leaving("x@far.test");
  for (const char* local : {"SRS0=aaaaaa=AA=far.test=x", "SRS0=aaaaaa=AAAAAAAA=far.test=x",
                            "SRS1=aaaaaa=far.test==aaaaaa=AA=b.test=x", "SRS0=x"}) {
    const auto verdict = recipient({local, "example.org"});
    EXPECT_EQ(verdict.reply.to_string().substr(0, 9), "550 5.1.1") << local;
    EXPECT_TRUE(verdict.nodes.empty());
  }
  forged.domain = "far.test"; // not ours: nobody's business
  EXPECT_EQ(recipient(forged).reply.to_string().substr(0, 9), "550 5.7.1");
}

TEST_F(ReturnPathsTest, ADomainThatCameHomeSince) {
  const mail::Address known = leaving("ann@new.test"), unknown = leaving("bob@new.test");
  server.domain("new.test");
  const auto account = server.account("ann@new.test");
  const auto verdict = recipient(known);
  ASSERT_EQ(verdict.nodes.size(), 1U);
  EXPECT_EQ(verdict.nodes[0].account, account.id);
  EXPECT_EQ(recipient(unknown).reply.to_string().substr(0, 9), "550 5.1.1");
}

TEST_F(ReturnPathsTest, TooOld) {
  const mail::Address address = leaving("x@far.test");
  clock.advance(kReturnPathLife);
  EXPECT_EQ(outcome(address), "250 2.1.5");
  clock.advance(std::chrono::hours(1));
  EXPECT_EQ(outcome(address), "550 5.1.1");
}

TEST_F(ReturnPathsTest, AMessageThatNobodyForwardedHasNone) {
  const Ulid id = forwarded("x@far.test", 0);
  EXPECT_EQ(outcome(run_task(paths.leaving(parse("x@far.test"), id, "fwd@example.org", false))), "550 5.1.1");
}

/// A few reports for each whom the message went to; with them the address has served.
TEST_F(ReturnPathsTest, AFewReportsForEachRecipient) {
  for (const unsigned onward : {1U, 3U}) {
    const mail::Address address = leaving("x@far.test", "fwd@example.org", onward);
    for (unsigned i = 0; i < onward * kReportsEach; ++i) {
      const auto verdict = recipient(address);
      ASSERT_TRUE(verdict.returned) << i;
      EXPECT_EQ(verdict.returned->about.named, "fwd@example.org");
      EXPECT_EQ(run_task(policy.take_return(*verdict.returned, "SRS0=x", ids.next())).code, 0);
    }
    EXPECT_EQ(outcome(address), "550 5.7.1");
  }
}

/// Several sessions that were let in before the last one counted.
TEST_F(ReturnPathsTest, WhatComesAtTheSameTimeIsCounted) {
  const auto verdict = recipient(leaving("x@far.test"));
  unsigned taken = 0;
  for (unsigned i = 0; i < 3 * kReportsEach; ++i)
    taken += run_task(policy.take_return(*verdict.returned, "SRS0=x", ids.next())).code == 0 ? 1 : 0;
  EXPECT_EQ(taken, kReportsEach);
}

/// However many addresses somebody had made for him.
TEST_F(ReturnPathsTest, WhomAStrangerNamesGetsSoMuchAnHour) {
  const std::set<std::string> later{"450 4.7.1"};
  EXPECT_EQ(returned("x@far.test", 10, false), std::pair(20U, later));
  EXPECT_EQ(returned("X+tag@far.test", 1, false), std::pair(0U, later)) << "the same mailbox";
  EXPECT_EQ(returned("x@far.test", 6, true), std::pair(20U, later)) << "forged mail takes nothing from him";
  unsigned taken = 0;
  for (char one = 'a'; one < 'j'; ++one) taken += returned(std::string(1, one) + "@far.test", 5, false).first;
  EXPECT_EQ(taken, 80U) << "a hundred for the domain";
  clock.advance(std::chrono::hours(1));
  EXPECT_EQ(returned("x@far.test", 6, false), std::pair(20U, later));
}

TEST_F(ReturnPathsTest, TheAddressTellsWhetherSomebodyVouchedForTheMessage) {
  for (const bool vouched : {false, true})
    EXPECT_EQ(recipient(leaving("x@far.test", "fwd@example.org", 1, vouched)).returned.value().vouched, vouched);
}

TEST_F(ReturnPathsTest, ALargeAliasDoesNotMakeManyReports) {
  const mail::Address address = leaving("x@far.test", "fwd@example.org", 500);
  EXPECT_EQ(recipient(address).returned->most(), kReportsOfMessage);
}

TEST_F(ReturnPathsTest, MailByTheApiHasOnesOfItsOwn) {
  auto request = directory::TestServer::outgoing(ids.next(), "bob@next.test");
  request->by_api = true;
  request->klass = store::MessageClass::submitted;
  request->sender.reverse_path = parse("ann@example.org");
  request->expires_at = request->accepted_at + 1'000'000'000;
  ASSERT_EQ(run_task(server.store().acceptance().accept(request)).status, store::AcceptStatus::accepted);
  const auto leaving_api = [&](const std::string& from, std::optional<std::uint32_t> alone) {
    return run_task(paths.leaving_api(parse(from), request->id, alone));
  };
  EXPECT_EQ(leaving_api("ann@elsewhere.test", 0).to_string(), "ann@elsewhere.test") << "not ours to answer for";
  const mail::Address path = leaving_api("ann@example.org", 0);
  EXPECT_EQ(path.domain, "example.org");
  EXPECT_NE(path.local, "ann");
  const auto verdict = recipient(path);
  ASSERT_TRUE(verdict.returned) << verdict.reply.to_string();
  EXPECT_TRUE(verdict.returned->own);
  EXPECT_EQ(verdict.returned->about.id, request->id);
  EXPECT_EQ(verdict.returned->recipient, 0u);
  EXPECT_EQ(verdict.nodes.at(0).address, "ann@example.org") << "it goes on to the sender";
  EXPECT_FALSE(recipient(leaving_api("ann@example.org", std::nullopt)).returned->recipient);
  EXPECT_FALSE(recipient(path, "eve@evil.test").reply.positive()) << "reports only";
  mail::Address forged = path;
  forged.local.back() = forged.local.back() == 'a' ? 'b' : 'a';
  EXPECT_FALSE(recipient(forged).reply.positive());
  mail::Address elsewhere = path;
  elsewhere.domain = "next.test";
  EXPECT_FALSE(recipient(elsewhere).returned);
  clock.advance(kReturnPathLife + std::chrono::hours(1));
  EXPECT_FALSE(recipient(path).reply.positive()) << "too old";
}

} // namespace
} // namespace paquebot::policy
