#include "base/clock.h"
#include "directory/test_server.h"
#include "net/test_support.h"
#include "service/imap_driver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace paquebot::service {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

/// Sessions over socket pairs, and a store that others use beside them.
class ImapDriverTest : public ::testing::Test {
protected:
  void SetUp() override {
    server_.domain("example.org");
    account_ = server_.account("anna@example.org", "secret");
    told_ = server_.store().subscribe([this](const store::Change& change) {
      if (change.kind == store::Change::Kind::mailbox) news_.tell(change.id);
    });
  }

  void deliver(int count, const std::string& body = "hello\r\n") {
    for (int i = 1; i <= count; ++i) {
      auto request = std::make_shared<store::AcceptRequest>();
      request->id = ids_.next();
      request->head = "Subject: " + std::to_string(i) + "\r\n\r\n";
      request->body.bytes = body;
      request->body.size = body.size();
      request->accepted_at = request->expires_at = 1;
      store::NewRecipient to;
      to.address = account_.login;
      to.handling = store::Handling::mailbox;
      to.account = account_.id;
      request->recipients.push_back(to);
      std::shared_ptr<const store::AcceptRequest> sealed = request;
      ASSERT_EQ(directory::run_task(server_.store().acceptance().accept(sealed)).status, store::AcceptStatus::accepted);
    }
  }

  /// A client whose session is logged in.
  net::Stream connect(const std::string& expected = "a OK") {
    auto options = std::make_shared<ImapListenerOptions>();
    auto session = std::make_shared<imap::ServerOptions>();
    session->hostname = "mx.example.org";
    session->login_in_clear = true;
    options->session = session;
    options->max_per_account = 2;
    net::test::StreamPair pair = loop_.pair();
    const ImapMeans means{
        server_.store(), news_, seats_, ids_, {server_.store(), server_.directory(), sessions_, throttle_, nullptr}};
    auto connection =
        std::make_shared<ImapConnection>(means, std::move(options), std::move(pair.left), loop_.executor());
    loop_.start(ImapConnection::serve(std::move(connection)));
    net::Stream client = std::move(pair.right);
    read(client, "ready\r\n");
    EXPECT_THAT(ask(client, "a LOGIN anna@example.org secret"), StartsWith(expected));
    return client;
  }
  /// What comes up to `end`.
  std::string read(net::Stream& client, std::string end) {
    auto all = [](net::Stream& stream, std::string last) -> Task<std::string> {
      std::string in;
      while (!in.ends_with(last)) {
        const auto got = co_await stream.read();
        if (!got || got->empty()) co_return in + "<end>";
        in += *got;
      }
      co_return in;
    };
    return loop_.run(all(client, std::move(end)));
  }
  void send(net::Stream& client, const std::string& text) {
    auto write = [](net::Stream& stream, std::string line) -> Task<bool> {
      const auto written = co_await stream.write(line);
      co_return written.has_value();
    };
    EXPECT_TRUE(loop_.run(write(client, text)));
  }
  /// All up to the line that begins with the command's tag.
  std::string ask(net::Stream& client, const std::string& command) {
    send(client, command + "\r\n");
    const std::string tag = command.substr(0, command.find(' ') + 1);
    std::string said;
    for (;;) {
      const std::string more = read(client, "\r\n");
      said += more;
      const auto last = said.rfind("\r\n", said.size() - 3);
      const std::string line = last == std::string::npos ? said : said.substr(last + 2);
      if (line.starts_with(tag) || said.ends_with("<end>")) return said;
    }
  }

  directory::TestServer server_;
  UlidSource ids_;
  store::Account account_;
  Sessions sessions_;
  MailboxNews news_;
  AccountSeats seats_;
  directory::LoginThrottle throttle_;
  net::test::Loop loop_;
  std::unique_ptr<store::Subscription> told_;
};

TEST_F(ImapDriverTest, ReadsWhatWasDelivered) {
  deliver(2);
  net::Stream client = connect();
  EXPECT_THAT(ask(client, "b SELECT INBOX"), HasSubstr("* 2 EXISTS\r\n"));
  EXPECT_THAT(ask(client, "c FETCH 2 BODY[TEXT]"), HasSubstr("* 2 FETCH (BODY[TEXT] {7}\r\nhello\r\n FLAGS (\\Seen))"));
  EXPECT_THAT(ask(client, "d STATUS INBOX (UNSEEN)"), HasSubstr("(UNSEEN 1)"));
}

TEST_F(ImapDriverTest, ALargeMessageIsAppendedAndReadInPieces) {
  net::Stream client = connect();
  const std::string message = "Subject: large\r\n\r\n" + std::string(900'000, 'x') + "\r\n";
  EXPECT_THAT(ask(client, "b APPEND Sent (\\Seen $Label) {" + std::to_string(message.size()) + "+}\r\n" + message),
              HasSubstr("b OK [APPENDUID "));
  EXPECT_THAT(ask(client, "c SELECT Sent"), HasSubstr("* 1 EXISTS"));
  const std::string read = ask(client, "d FETCH 1 (FLAGS BODY.PEEK[])");
  EXPECT_THAT(read.substr(0, 60), HasSubstr("FLAGS (\\Seen $Label) BODY[] {" + std::to_string(message.size()) + "}"));
  EXPECT_NE(read.find(message), std::string::npos);
  EXPECT_THAT(ask(client, "e FETCH 1 BODY.PEEK[TEXT]<899999.10>"), HasSubstr("{3}\r\nx\r\n)"));
  EXPECT_EQ(directory::run_task(server_.store().upkeep().verify()).value(), std::vector<std::string>());
}

TEST_F(ImapDriverTest, WhoIdlesIsToldOfAllThatHappens) {
  deliver(1);
  net::Stream client = connect();
  ask(client, "b SELECT INBOX");
  send(client, "c IDLE\r\n");
  read(client, "+ idling\r\n");
  deliver(1);
  EXPECT_EQ(read(client, "RECENT\r\n"), "* 2 EXISTS\r\n* 0 RECENT\r\n");
  net::Stream other = connect();
  ask(other, "b SELECT INBOX");
  ask(other, "c STORE 1 +FLAGS.SILENT (\\Deleted)");
  EXPECT_THAT(read(client, ")\r\n"), HasSubstr("FLAGS (\\Deleted)"));
  ask(other, "d EXPUNGE");
  EXPECT_EQ(read(client, "EXPUNGE\r\n"), "* 1 EXPUNGE\r\n");
  send(client, "DONE\r\n");
  EXPECT_THAT(read(client, "\r\n"), StartsWith("c OK"));
}

TEST_F(ImapDriverTest, MovesKeepTheStoreSound) {
  deliver(5);
  net::Stream client = connect();
  ask(client, "b SELECT INBOX");
  EXPECT_THAT(ask(client, "c STORE 2 +FLAGS (one two)"), HasSubstr("FLAGS (one two)"));
  EXPECT_THAT(ask(client, "d MOVE 2:3 Archive"), HasSubstr("* 3 EXPUNGE\r\n* 2 EXPUNGE\r\nd OK"));
  EXPECT_THAT(ask(client, "e COPY 1:* Archive"), HasSubstr("COPYUID"));
  EXPECT_THAT(ask(client, "f SELECT Archive"), HasSubstr("* 5 EXISTS"));
  EXPECT_THAT(ask(client, "g SEARCH KEYWORD two"), HasSubstr("* SEARCH 1\r\n"));
  EXPECT_THAT(ask(client, "h DELETE Archive"), HasSubstr("h OK"));
  EXPECT_EQ(directory::run_task(server_.store().upkeep().verify()).value(), std::vector<std::string>());
}

TEST_F(ImapDriverTest, AnAccountHasSoManySessions) {
  net::Stream one = connect();
  net::Stream two = connect();
  net::Stream three = connect("a NO [LIMIT]");
  EXPECT_THAT(ask(one, "b LOGOUT"), HasSubstr("* BYE"));
  read(one, "never");
  EXPECT_THAT(ask(three, "c LOGIN anna@example.org secret"), StartsWith("c OK"));
}

TEST_F(ImapDriverTest, WhatIsSaidIsWrittenDownForWhoWatches) {
  deliver(1, "of no concern to others\r\n");
  net::Stream client = connect();
  ask(client, "b SELECT INBOX");
  auto transcript = std::make_shared<net::Transcript>();
  transcript->watch_until(millis(system_clock().wall()) + 60'000);
  const auto seen = loop_.run(sessions_.watch(1, transcript));
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->facts.protocol, "imap");
  EXPECT_EQ(seen->facts.account, "anna@example.org");
  EXPECT_THAT(ask(client, "c FETCH 1 BODY[]"), HasSubstr("of no concern"));
  EXPECT_THAT(ask(client, "d LOGIN anna wonderland"), HasSubstr("d BAD"));
  ask(client, "e APPEND Sent {13+}\r\nA: b\r\n\r\nbody!");
  std::string said;
  for (const net::Transcript::Line& line : transcript->lines()) said += line.text + "\n";
  EXPECT_THAT(said, HasSubstr("c FETCH 1 BODY[]\n"));
  EXPECT_THAT(said, HasSubstr("c OK"));
  EXPECT_THAT(said, HasSubstr("d LOGIN (hidden)\n"));
  EXPECT_THAT(said, HasSubstr("e APPEND Sent {13+}\n"));
  EXPECT_THAT(said, HasSubstr("e OK [APPENDUID"));
  EXPECT_THAT(said, Not(AnyOf(HasSubstr("concern"), HasSubstr("wonderland"), HasSubstr("body!"))));
}

TEST_F(ImapDriverTest, ASessionEndsWithItsAccount) {
  net::Stream client = connect();
  send(client, "b IDLE\r\n");
  read(client, "+ idling\r\n");
  sessions_.end_account(account_.id);
  EXPECT_THAT(read(client, "never"), StartsWith("* BYE [EXPIRED]"));
}

TEST(MailboxNewsTest, SeatsAreCounted) {
  AccountSeats seats;
  EXPECT_TRUE(seats.take(1, 2));
  EXPECT_TRUE(seats.take(1, 2));
  EXPECT_FALSE(seats.take(1, 2));
  EXPECT_TRUE(seats.take(2, 2));
  seats.leave(1);
  EXPECT_TRUE(seats.take(1, 2));
}

} // namespace
} // namespace paquebot::service
