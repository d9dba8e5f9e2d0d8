#include "directory/test_server.h"
#include "policy/policy.h"

#include <gtest/gtest.h>

namespace paquebot::policy {
namespace {

using directory::run_task;

class PolicyTest : public ::testing::Test {
protected:
  PolicyTest() : policy(server.directory()) {
    server.domain("example.org");
    ann = server.account("ann@example.org").id;
    server.account("bob@example.org");
    server.alias("team", "example.org", {"bob@example.org", "carol@example.net"});
    server.alias("loop", "example.org", {"loop@example.org"});
  }
  Client stranger() const { return {smtp::Role::mx, "192.0.2.1", "client.example", 0, ""}; }
  Client member() const { return {smtp::Role::submission, "192.0.2.1", "laptop", ann, "ann@example.org"}; }

  std::string sender(const Client& client, const std::string& path) {
    mail::Sender from;
    from.reverse_path = mail::parse_path(path).value().address;
    const std::string said = run_task(policy.check_sender(client, from)).to_string();
    if (const auto now = policy.check_sender_now(client)) {
      EXPECT_EQ(now->to_string(), said);
    }
    return said;
  }
  RecipientVerdict recipient(const Client& client, const std::string& path) {
    mail::Recipient to;
    to.address = mail::parse_path(path).value().address;
    RecipientVerdict verdict = run_task(policy.check_recipient(client, mail::Sender{}, to));
    if (const auto now = policy.check_recipient_now(client, to)) {
      EXPECT_EQ(now->reply.to_string(), verdict.reply.to_string()) << path;
      EXPECT_EQ(now->nodes.size(), verdict.nodes.size());
      EXPECT_EQ(now->nodes.at(0).address, verdict.nodes.at(0).address);
      EXPECT_EQ(now->nodes.at(0).account, verdict.nodes.at(0).account);
    }
    return verdict;
  }

  directory::TestServer server;
  Policy policy;
  store::Id ann = 0;
};

TEST_F(PolicyTest, Senders) {
  EXPECT_EQ(sender(stranger(), "<x@example.net>").substr(0, 3), "250");
  EXPECT_EQ(sender(stranger(), "<>").substr(0, 3), "250");
  EXPECT_EQ(sender(member(), "<ann@example.org>").substr(0, 3), "250");
  EXPECT_EQ(sender(member(), "<Ann+shop@example.org>").substr(0, 3), "250");
  EXPECT_EQ(sender(member(), "<>").substr(0, 3), "250");
  EXPECT_EQ(sender(member(), "<bob@example.org>"),
            "553 5.7.1 <bob@example.org> is not an address of account ann@example.org");
  EXPECT_EQ(sender(member(), "<ann@example.net>").substr(0, 9), "553 5.7.1");
  Client nobody = member();
  nobody.account = 0;
  EXPECT_EQ(sender(nobody, "<ann@example.org>").substr(0, 9), "530 5.7.0");
}

TEST_F(PolicyTest, MemoryAnswersForStrangersMailToMailboxesOnly) {
  mail::Recipient to;
  to.address = {"ann", "example.org"};
  EXPECT_FALSE(policy.check_recipient_now(stranger(), to)); // nothing was asked before
  recipient(stranger(), "<ann@example.org>");
  EXPECT_TRUE(policy.check_recipient_now(stranger(), to));
  EXPECT_FALSE(policy.check_recipient_now(member(), to)); // there are bounds for accounts
  EXPECT_TRUE(policy.check_sender_now(stranger()));
  EXPECT_FALSE(policy.check_sender_now(member()));
}

/// A member's book with these bounds, and what its policy says.
class LimitTest : public PolicyTest {
protected:
  LimitTest() : book(server.store().books(), system_clock()), bounded(server.directory(), &book) {}
  mail::Reply mail_from(std::uint64_t size = 0) {
    mail::Sender from;
    from.reverse_path = {"ann", "example.org"};
    from.declared_size = size;
    return run_task(bounded.check_sender(member(), from));
  }
  mail::Reply rcpt(std::uint32_t before) {
    Client client = member();
    client.recipients = before;
    mail::Recipient to;
    to.address = {"x", "example.net"};
    return run_task(bounded.check_recipient(client, mail::Sender{}, to)).reply;
  }
  void bound(store::LimitKind kind, std::uint64_t most) {
    store::Limits limits;
    limits[kind] = most;
    book.configure(limits);
  }

  LimitBook book;
  Policy bounded;
};

TEST_F(LimitTest, WhatFitsIsLetThrough) {
  using enum store::LimitKind;
  for (const store::LimitKind kind : store::kLimitKinds) {
    bound(kind, 10);
    EXPECT_EQ(mail_from(10).code, 250) << store::name_of(kind);
    EXPECT_EQ(rcpt(9).code, 250) << store::name_of(kind);
  }
}

TEST_F(LimitTest, WhatCanNeverFitIsRefusedForGood) {
  using enum store::LimitKind;
  bound(bytes_per_day, 10);
  EXPECT_EQ(mail_from(11).to_string(),
            "550 5.7.1 the limit of ann@example.org is 10 B a day: this message is beyond it");
  bound(recipients_per_message, 10);
  EXPECT_EQ(rcpt(10).to_string(), "550 5.7.1 the limit of ann@example.org is 10 recipients a message");
}

TEST_F(LimitTest, AnAccountsOwnBoundIsSeenOnceTheBookForgets) {
  using enum store::LimitKind;
  bound(recipients_per_message, 10);
  EXPECT_EQ(rcpt(10).code, 550);
  ASSERT_TRUE(run_task(server.store().books().set_limit(ann, recipients_per_message, 0)));
  book.forget(ann);
  EXPECT_EQ(rcpt(10).code, 250);
}

TEST_F(LimitTest, TheReplySaysWhichHowMuchAndUntilWhen) {
  EXPECT_EQ(
      over_limit({store::LimitKind::messages_per_hour, 300, 1, 300, 1795446000000}, "ann@example.org").to_string(),
      "452 4.7.1 the limit of ann@example.org is 300 messages an hour, 300 used: try again after 2026-11-23 15:00 UTC");
}

/// Every form of address that ever made a server relay for strangers.
TEST_F(PolicyTest, NeverARelayForStrangers) {
  for (const char* path :
       {"<x@example.net>", "<@example.org:x@example.net>", "<x@[192.0.2.9]>", "<x@[IPv6:2001:db8::1]>",
        "<\"x\"@example.net>", "<x@sub.example.org>", "<x@example.org.example.net>"}) {
    const auto verdict = recipient(stranger(), path);
    EXPECT_EQ(verdict.reply.code, 550) << path;
    EXPECT_EQ(verdict.reply.enhanced, (mail::EnhancedCode{5, 7, 1})) << path;
    EXPECT_TRUE(verdict.nodes.empty()) << path;
  }
  for (const char* path : {"<x%example.net@example.org>", "<example.net!x@example.org>",
                           "<\"x@example.net\"@example.org>", "<@example.net:nobody@example.org>",
                           "<nobody@example.org>", "<nobody@mx.example.org>", "<\"@example.net:x\"@example.org>"}) {
    const auto verdict = recipient(stranger(), path);
    EXPECT_EQ(verdict.reply.code, 550) << path;
    EXPECT_EQ(verdict.reply.enhanced, (mail::EnhancedCode{5, 1, 1})) << path;
    EXPECT_TRUE(verdict.nodes.empty()) << path;
  }
  EXPECT_EQ(recipient(stranger(), "<x@example.net>").reply.text,
            "we do not relay: example.net is not a domain of ours");
}

TEST_F(PolicyTest, LmtpIsNoRelayEither) {
  Client client = stranger();
  client.role = smtp::Role::lmtp;
  EXPECT_EQ(recipient(client, "<x@example.net>").reply.code, 550);
  EXPECT_EQ(recipient(client, "<ann@example.org>").reply.code, 250);
}

TEST_F(PolicyTest, Ours) {
  for (const char* path : {"<ann@example.org>", "<ANN+x@Example.ORG>", "<postmaster>", "<Postmaster@example.org>",
                           "<abuse@example.org>", "<@relay.example:ann@example.org>"}) {
    const auto verdict = recipient(stranger(), path);
    EXPECT_EQ(verdict.reply.code, 250) << path;
    ASSERT_EQ(verdict.nodes.size(), 1U) << path;
    EXPECT_EQ(verdict.nodes[0].account, ann) << path;
  }
  const auto verdict = recipient(stranger(), "<team@example.org>");
  ASSERT_EQ(verdict.nodes.size(), 3U);
  EXPECT_EQ(verdict.nodes[2].handling, store::Handling::remote);
  EXPECT_EQ(recipient(stranger(), "<loop@example.org>").reply.to_string().substr(0, 9), "554 5.4.6");
}

TEST(PolicyAtANewDomain, WhoIsNotThereYetIsAskedForAgain) {
  directory::TestServer server({.hostname = "mx.example.org", .new_domain_grace = std::chrono::hours(1)});
  server.domain("example.org");
  Policy policy(server.directory());
  const Client stranger{smtp::Role::mx, "192.0.2.1", "client.example", 0, ""};
  const mail::Sender sender;
  const mail::Recipient to{.address = {"later", "example.org"}};
  EXPECT_EQ(run_task(policy.check_recipient(stranger, sender, to)).reply.to_string().substr(0, 9), "450 4.2.1");
  server.account("later@example.org");
  EXPECT_EQ(run_task(policy.check_recipient(stranger, sender, to)).reply.code, 250);
}

TEST_F(PolicyTest, MembersMaySendAnywhere) {
  const auto verdict = recipient(member(), "<X@example.net>");
  EXPECT_EQ(verdict.reply.code, 250);
  ASSERT_EQ(verdict.nodes.size(), 1U);
  EXPECT_EQ(verdict.nodes[0].handling, store::Handling::remote);
  EXPECT_EQ(verdict.nodes[0].address, "X@example.net");
  EXPECT_EQ(recipient(member(), "<nobody@example.org>").reply.code, 550);
}

TEST_F(PolicyTest, Authors) {
  const struct {
    const char* head;
    const char* reply;
  } cases[] = {
      {"From: Ann <ann@example.org>\r\n\r\n", "250"},
      {"from: \"Ann, B.\" <ANN+x@example.org> (me)\r\nSender: ann@example.org\r\n\r\n", "250"},
      {"From: Ann <ann@example.org>,\r\n ann+y@example.org\r\n\r\n", "250"},
      {"From: ann@example.org, bob@example.org\r\n\r\n", "550 5.7.1 <bob@example.org> in From is not"},
      {"From: boss@example.net\r\n\r\n",
       "550 5.7.1 <boss@example.net> in From is not an address of account ann@example.org"},
      {"From: ann@example.org\r\nSender: bob@example.org\r\n\r\n", "550 5.7.1 <bob@example.org> in Sender"},
      {"From: ann@example.org\r\nFrom: boss@example.net\r\n\r\n", "550 5.7.1 <boss@example.net> in From is not"},
      {"From: boss@example.net\r\nX: y\r\nfrom : ann@example.org\r\n\r\n", "550 5.7.1 <boss@example.net> in From is"},
      {"From: ann@example.org\r\nFrom: Ann [x] <ann+y@example.org>\r\n\r\n", "250"},
      {"From: ann@example.org\r\nFrom: ann\r\n\r\n", "550 5.7.1 "},
      {"From: ann@example.org\r\nFrom: \r\n\r\n", "550 5.7.1 "},
      {"From: ann@example.org\r\nFrom: a:;\r\nFrom: x\r\n\r\n", "550 5.7.1 "},
      {"From: ann@example.org\r\nFrom: ann@example.org\r\nFrom: ann@example.org\r\nFrom: ann@example.org\r\n"
       "From: ann@example.org\r\n\r\n",
       "550 5.7.1 the message has more than 4 From fields: \"ann@example.org\", \"ann@"},
      {"From: ann@example.org\r\nSender: ann@example.org\r\nSender: ann+y@example.org\r\n\r\n",
       "550 5.7.1 the message has more than 1 Sender fields: \"ann@example.org\", \"ann+y@example.org\""},
      {"Subject: x\r\n\r\n", "250"}, // it gets one
      {"Sender: bob@example.org\r\n\r\n", "550 5.7.1 <bob@example.org> in Sender"},
      {"From: ann@example.org <ann@example.org>\r\n\r\n", "250"},
      {"From: Ann [Support] <ann@example.org>\r\n\r\n", "250"},
      {"From: Smith, Ann <ann@example.org>\r\n\r\n", "250"},
      {"From: Shop: Ann; sales @ work <ann@example.org>\r\n\r\n", "250"},
      {"From: J\xf6rg <ann@example.org>\r\n\r\n", "250"},
      {"From: =?utf-8?q?Smith,_Ann?= <ann@example.org>\r\n\r\n", "250"},
      {"From: bob@example.org <ann@example.org>\r\n\r\n", "550 5.7.1 <bob@example.org> in From is not"},
      {"From: =?utf-8?q?=3Cbob=40example.org>,?= <ann@example.org>\r\n\r\n", "550 5.7.1 <bob@example.org> in From is"},
      {"From: \"bob@example.org\" [x] <ann@example.org>\r\n\r\n", "550 5.7.1 <bob@example.org> in From is not"},
      {"From: (\"@example.org, ann@example.org\r\n\r\n", "550 5.7.1 the From field can't be read: "},
      {"From: \r\n\r\n", "550 5.7.1 "},
      {"From\xa0: bob@example.org\r\nFrom: ann@example.org\r\n\r\n", "550 5.7.1 the From field can't be read: a line"},
      {"From: ann@example.org\r\nFrom\r\n : bob@example.org\r\n\r\n", "550 5.7.1 the From field can't be read: a line"},
      {"From: ann@example.org\r\n\x0bSender: bob@example.org\r\n\r\n", "550 5.7.1 the Sender field can't be read: a"},
      {"\xef\xbb\xbf\x46rom: bob@example.org\r\n\r\n", "550 5.7.1 the From field can't be read: a line"},
      {"From: ann@example.org\r\nResent-From\xc2\xa0: bob@example.org\r\n\r\n", "550 5.7.1 the Resent-From field"},
      {"From: undisclosed:;\r\n\r\n", "550 5.7.1 the message has no From"},
      {"From: ann@example.org <boss@example.net>\r\n\r\n", "550 5.7.1 "},
      {"From: <<ann@example.org>\r\n\r\n", "250"},
      {"From: ann\r\n\r\n", "550 5.7.1 "},
  };
  for (const auto& c : cases) {
    const auto reply = run_task(policy.check_header_sender(member(), c.head)).reply.to_string();
    EXPECT_TRUE(reply.starts_with(c.reply)) << c.head << reply;
  }
  EXPECT_TRUE(run_task(policy.check_header_sender(stranger(), "From: boss@example.net\r\n\r\n")).reply.positive());
}

TEST_F(PolicyTest, WhatIsSentOnMayBeByAStranger) {
  const struct {
    const char* head;
    const char* reply;
    bool resent;
  } cases[] = {
      {"Resent-From: ann@example.org\r\nFrom: boss@example.net\r\n\r\n", "250", true},
      {"Resent-From: ann@example.org\r\nFrom: boss@example.net\r\nSender: pa@example.net\r\n\r\n", "250", true},
      {"Resent-From: ann@example.org\r\nFrom: ann@example.org\r\n\r\n", "250", false},
      {"Resent-From: ann@example.org\r\nFrom: ann@example.org\r\nSender: pa@example.net\r\n\r\n", "250", false},
      {"Resent-From: ann@example.org\r\nResent-Sender: ann@example.org\r\nFrom: boss@example.net\r\n\r\n", "250", true},
      {"Resent-From: ann@example.org\r\nResent-Sender: bob@example.org\r\nFrom: boss@example.net\r\n\r\n",
       "550 5.7.1 <boss@example.net> in From", false},
      {"Resent-From: ann@example.org\r\nFrom: bob@example.org\r\n\r\n", "550 5.7.1 <bob@example.org> in From", true},
      {"Resent-From: ann@example.org\r\nFrom: boss@sub.example.org\r\n\r\n", "550 5.7.1 <boss@sub.example.org> in",
       true},
      {"Resent-From: ann@example.org\r\nFrom: boss@example.net, bob@example.org\r\n\r\n", "550 5.7.1 <bob@example.org>",
       true},
      {"Resent-From: ann@example.org\r\nFrom: boss@example.net\r\nSender: bob@example.org\r\n\r\n", "550 5.7.1 <bob@e",
       true},
      {"Resent-From: ann@example.org\r\nFrom: boss@example.net\r\nFrom: ann@example.org\r\n\r\n", "250", true},
      {"Resent-From: ann@example.org\r\nFrom: boss@example.net\r\nFrom: bob@example.org\r\n\r\n",
       "550 5.7.1 <bob@example.org>", true},
      {"Resent-From: bob@example.org\r\nFrom: boss@example.net\r\n\r\n", "550 5.7.1 <boss@example.net> in From", false},
      {"Resent-From: bob@example.org\r\nResent-From: ann@example.org\r\nFrom: boss@example.net\r\n\r\n",
       "550 5.7.1 <boss", false},
      {"Resent-From: ann@example.org\r\nResent-From: bob@example.org\r\nFrom: boss@example.net\r\n\r\n", "250", true},
      {"Resent-From: ann@example.org, boss@example.net\r\nFrom: boss@example.net\r\n\r\n", "550 5.7.1 <boss", false},
      {"Resent-From: \r\nFrom: boss@example.net\r\n\r\n", "550 5.7.1 <boss", false},
  };
  for (const auto& c : cases) {
    const auto verdict = run_task(policy.check_header_sender(member(), c.head));
    EXPECT_TRUE(verdict.reply.to_string().starts_with(c.reply)) << c.head << verdict.reply.to_string();
    EXPECT_EQ(verdict.resent, c.resent) << c.head;
  }
}

TEST_F(PolicyTest, AnAliasMayBeForSomeSendersOnly) {
  server.alias("staff", "example.org", {"bob@example.org", "carol@example.net"});
  server.alias("board", "example.org", {"ann@example.org"});
  server.alias("all", "example.org", {"staff@example.org"});
  const auto only = [&](const std::string& alias, std::vector<std::string> senders) {
    ASSERT_TRUE(run_task(server.store().directory().set_senders(alias, "example.org", std::move(senders))));
  };
  const auto asked = [&](const Client& client, const std::string& from, const std::string& alias) {
    mail::Sender sender;
    sender.reverse_path = mail::parse_path("<" + from + ">").value().address;
    mail::Recipient to;
    to.address = {alias, "example.org"};
    return run_task(policy.check_recipient(client, sender, to)).reply.to_string();
  };
  const std::string ok = asked(stranger(), "x@example.net", "team");
  const struct {
    std::vector<std::string> senders;
    const char* alias;
    bool ann; ///< logged in
  } cases[] = {
      {{"domain"}, "staff", true},           {{"members"}, "staff", false},
      {{"members"}, "board", true},          {{"ANN@example.org"}, "staff", true},
      {{"bob@example.org"}, "staff", false}, {{"bob@example.org", "example.org"}, "staff", true},
      {{"example.net"}, "staff", false},     {{"members", "domain"}, "staff", true},
  };
  for (const auto& c : cases) {
    only(c.alias, c.senders);
    EXPECT_EQ(asked(member(), "ann@example.org", c.alias) == ok, c.ann) << c.alias << ' ' << c.senders.front();
    EXPECT_EQ(asked(member(), "", c.alias) == ok, c.ann) << "an answer of the account's program";
    for (const char* from : {"ann@example.org", "bob@example.org", "carol@example.net", ""})
      EXPECT_NE(asked(stranger(), from, c.alias), ok) << "anybody can say that in MAIL: " << from;
  }
  EXPECT_EQ(
      asked(stranger(), "bob@example.org", "Staff+tag"),
      "550 5.7.1 <Staff+tag@example.org> accepts mail only from its members and senders in example.org, logged in");
  only("staff", {"bob@example.org", "example.net"});
  EXPECT_EQ(asked(member(), "ann@example.org", "staff"),
            "550 5.7.1 <staff@example.org> accepts mail only from certain senders, logged in");
  EXPECT_EQ(asked(stranger(), "x@example.net", "all"), ok) << "what an open alias leads to is its owner's doing";
  only("staff", {});
  EXPECT_EQ(asked(stranger(), "x@example.net", "staff"), ok);
}

TEST_F(PolicyTest, AConfiguredNetworkMaySendToOthers) {
  Client printer = stranger();
  printer.relay =
      std::make_shared<const RelayRules>(RelayRules{.senders = {"partner.example", "scan@printer.example"}});
  const auto asked = [&](const Client& client, const std::string& from, const std::string& to) {
    mail::Sender sender;
    sender.reverse_path = mail::parse_path("<" + from + ">").value().address;
    mail::Recipient recipient;
    recipient.address = mail::parse_address(to).value();
    return run_task(policy.check_recipient(client, sender, recipient)).reply.to_string();
  };
  const std::string out = "x@elsewhere.example";
  for (const char* from : {"ann@example.org", "nobody@example.org", "a@Partner.example", "scan@printer.example"})
    EXPECT_EQ(asked(printer, from, out).substr(0, 3), "250") << from;
  EXPECT_EQ(asked(printer, "other@printer.example", out),
            "550 5.7.1 <other@printer.example> may not send to others from this network: use an address of ours, or "
            "log in");
  EXPECT_EQ(asked(printer, "", out).substr(0, 12), "550 5.7.1 <>");
  EXPECT_EQ(asked(printer, "x@elsewhere.example", "bob@example.org").substr(0, 3), "250") << "mail in, as from anybody";
  EXPECT_EQ(asked(stranger(), "ann@example.org", out).substr(0, 27), "550 5.7.1 we do not relay: ");
  printer.relay = std::make_shared<const RelayRules>(RelayRules{.senders = {"<>"}});
  EXPECT_EQ(asked(printer, "", out).substr(0, 3), "250");
}

} // namespace
} // namespace paquebot::policy
