#include "directory/test_server.h"
#include "net/test_support.h"
#include "service/pop3_driver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace paquebot::service {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// A session over a socket pair, and a store that others use beside it.
class Pop3DriverTest : public ::testing::Test {
protected:
  void SetUp() override {
    server_.domain("example.org");
    account_ = server_.account("anna@example.org", "secret");
  }

  void deliver(int count) {
    for (int i = 1; i <= count; ++i) {
      auto request = std::make_shared<store::AcceptRequest>();
      request->id = ids_.next();
      request->head = "Subject: " + std::to_string(i) + "\r\n\r\n";
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
  store::Id inbox() { return directory::run_task(server_.store().mailboxes().open(account_.id, "INBOX"))->id; }
  void expunge(std::vector<std::uint32_t> uids) {
    ASSERT_TRUE(directory::run_task(server_.store().mailboxes().expunge(inbox(), std::move(uids), "another session")));
  }
  std::vector<std::uint32_t> uids_left() {
    std::vector<std::uint32_t> uids;
    const auto entries = directory::run_task(server_.store().mailboxes().list_entries(inbox(), 0, 100)).value();
    for (const store::EntryInfo& entry : entries) uids.push_back(entry.uid);
    return uids;
  }

  void connect() {
    auto options = std::make_shared<Pop3ListenerOptions>();
    auto session = std::make_shared<pop3::ServerOptions>();
    session->hostname = "mx.example.org";
    session->login_in_clear = true;
    options->session = session;
    net::test::StreamPair pair = loop_.pair();
    client_.emplace(std::move(pair.right));
    const Pop3Means means{
        server_.store(), delay_, holders_, {server_.store(), server_.directory(), sessions_, throttle_, nullptr}};
    auto connection =
        std::make_shared<Pop3Connection>(means, std::move(options), std::move(pair.left), loop_.executor());
    loop_.start(Pop3Connection::serve(std::move(connection)));
    read("\r\n");
    ask("USER anna@example.org\r\n", "\r\n");
    ask("PASS secret\r\n", "\r\n");
  }
  /// What comes up to `end`.
  std::string read(std::string end) {
    auto all = [](net::Stream& stream, std::string last) -> Task<std::string> {
      std::string in;
      while (!in.ends_with(last)) {
        const auto got = co_await stream.read();
        if (!got || got->empty()) co_return in + "<end>";
        in += *got;
      }
      co_return in;
    };
    return loop_.run(all(*client_, std::move(end)));
  }
  std::string ask(const std::string& command, const std::string& end = ".\r\n") {
    auto send = [](net::Stream& stream, std::string line) -> Task<bool> {
      const auto written = co_await stream.write(line);
      co_return written.has_value();
    };
    EXPECT_TRUE(loop_.run(send(*client_, command)));
    return read(end);
  }

  directory::TestServer server_;
  UlidSource ids_;
  store::Account account_;
  Sessions sessions_;
  LoginDelay delay_;
  MailboxHolders holders_;
  directory::LoginThrottle throttle_;
  net::test::Loop loop_;
  std::optional<net::Stream> client_;
};

/// QUIT deletes what DELE meant, whatever has been deleted beside the session: numbers are of uids, not of rows.
TEST_F(Pop3DriverTest, AnotherSessionsDeletionNeverMakesQuitDeleteTheWrongMessage) {
  deliver(5);
  connect();
  EXPECT_THAT(ask("LIST\r\n"), HasSubstr("+OK 5 messages"));
  EXPECT_THAT(ask("DELE 2\r\n", "\r\n"), HasSubstr("+OK"));
  expunge({1});
  EXPECT_THAT(ask("RETR 3\r\n"), HasSubstr("Subject: 3\r\n"));
  EXPECT_THAT(ask("DELE 4\r\n", "\r\n"), HasSubstr("+OK"));
  EXPECT_THAT(ask("RETR 1\r\n", "\r\n"), HasSubstr("-ERR"));
  deliver(1);
  EXPECT_THAT(ask("QUIT\r\n", "\r\n"), HasSubstr("+OK"));
  EXPECT_THAT(uids_left(), ElementsAre(3, 5, 6));
}

/// What another session has deleted already is passed over.
TEST_F(Pop3DriverTest, WhatIsDeletedTwiceIsDeletedOnce) {
  deliver(3);
  connect();
  EXPECT_THAT(ask("DELE 1\r\n", "\r\n"), HasSubstr("+OK"));
  EXPECT_THAT(ask("DELE 2\r\n", "\r\n"), HasSubstr("+OK"));
  expunge({1});
  EXPECT_THAT(ask("QUIT\r\n", "\r\n"), HasSubstr("+OK"));
  EXPECT_THAT(uids_left(), ElementsAre(3));
  EXPECT_EQ(directory::run_task(server_.store().upkeep().verify()).value(), std::vector<std::string>());
}

} // namespace
} // namespace paquebot::service
