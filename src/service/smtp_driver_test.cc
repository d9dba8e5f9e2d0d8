#include "directory/test_server.h"
#include "net/test_support.h"
#include "service/smtp_driver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <malloc.h>

namespace paquebot::service {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

/// Octets that this process has in hand; 0 when its allocator does not say.
std::size_t octets_in_hand() { return ::mallinfo2().uordblks; }

/// The other end of a session.
class SmtpCaller {
public:
  SmtpCaller(net::test::Loop& loop, net::Stream stream) : loop_(loop), stream_(std::move(stream)) {}
  net::Stream& stream() { return stream_; }
  void close() { stream_.close(); }
  void send(std::string bytes) {
    auto all = [](net::Stream& stream, std::string what) -> Task<bool> {
      const auto written = co_await stream.write(what);
      co_return written.has_value();
    };
    EXPECT_TRUE(loop_.run(all(stream_, std::move(bytes))));
  }
  /// One whole reply; with "<end>" behind it when the session has ended.
  std::string reply() {
    auto all = [](net::Stream& stream, std::string& unread) -> Task<std::string> {
      for (;;) {
        std::size_t at = 0;
        for (std::size_t end = unread.find("\r\n"); end != std::string::npos; end = unread.find("\r\n", at)) {
          const bool last = end < at + 4 || unread[at + 3] != '-';
          at = end + 2;
          if (!last) continue;
          std::string whole = unread.substr(0, at - 2);
          unread.erase(0, at);
          stream.release_buffer();
          co_return whole;
        }
        const auto got = co_await stream.read();
        if (!got || got->empty()) co_return std::exchange(unread, {}) + "<end>";
        unread += *got;
      }
    };
    return loop_.run(all(stream_, unread_));
  }
  std::string say(const std::string& line) {
    send(line + "\r\n");
    return reply();
  }
  void start_tls() {
    static const auto kContext = net::TlsContext::client(false).value();
    stream_.release_buffer();
    auto shake = [](net::Stream& stream, net::TlsContext& context) -> Task<bool> {
      const std::string name = "mx.example.org";
      const auto info = co_await stream.start_tls_client(context, name);
      co_return info.has_value();
    };
    EXPECT_TRUE(loop_.run(shake(stream_, *kContext)));
  }

private:
  net::test::Loop& loop_;
  net::Stream stream_;
  std::string unread_;
};

/// Sessions over socket pairs, on a store of their own.
class SmtpDriverTest : public ::testing::Test {
protected:
  void SetUp() override {
    server_.domain("example.org");
    account_ = server_.account("anna@example.org", "secret");
    session_.hostname = "mx.example.org";
    options_.intake.hostname = "mx.example.org";
    options_.intake.authentication.verify = false;
  }

  void offer_tls() {
    const auto made = net::make_self_signed("mx.example.org").value();
    options_.tls = net::TlsContext::server(made.certificate_pem, made.key_pem).value();
    session_.tls_available = true;
  }
  /// A session with the options as they are now; its client has heard nothing yet.
  SmtpCaller call() {
    auto options = std::make_shared<SmtpListenerOptions>(options_);
    options->session = std::make_shared<const smtp::ServerOptions>(session_);
    net::test::StreamPair pair = loop_.pair();
    auto means = std::make_shared<const SmtpMeans>(
        SmtpMeans{{server_.store(), queue_, policy_, ids_, clock_},
                  server_.directory(),
                  sessions_,
                  etrn_,
                  {server_.store(), server_.directory(), sessions_, throttle_, nullptr},
                  {loop_.executor(), &loop_.wheel(), nullptr},
                  {nullptr, facts_, rates_, grey_, server_.store().books(), book_, clock_},
                  refusals_});
    auto connection =
        std::make_shared<SmtpConnection>(std::move(means), std::move(options), std::move(pair.left), loop_.executor());
    connection_ = connection;
    loop_.start(SmtpConnection::serve(std::move(connection)));
    return SmtpCaller(loop_, std::move(pair.right));
  }
  std::size_t messages() {
    const auto box = directory::run_task(server_.store().mailboxes().open(account_.id, "INBOX"));
    return box ? box->count : 0;
  }
  /// What each of so many idle sessions holds, both of its ends.
  std::size_t idle_octets(bool tls) {
    std::vector<SmtpCaller> callers;
    const auto add = [&](int count) {
      for (int i = 0; i < count; ++i) {
        callers.push_back(call());
        callers.back().reply();
        if (tls) {
          callers.back().say("EHLO client.test");
          callers.back().say("STARTTLS");
          callers.back().start_tls();
        }
        callers.back().say("EHLO client.test");
      }
    };
    add(20); // what the first ones bring is there once
    const std::size_t before = octets_in_hand();
    add(100);
    return (octets_in_hand() - before) / 100;
  }

  directory::TestServer server_;
  const Clock& clock_ = system_clock();
  UlidSource ids_{clock_};
  store::Account account_;
  queue::Queue queue_{server_.store(), clock_, {}};
  policy::Policy policy_{server_.directory()};
  Etrn etrn_{server_.store().queue(), queue_, clock_};
  Sessions sessions_;
  directory::LoginThrottle throttle_;
  policy::FactsCache facts_{clock_};
  policy::ClientRates rates_{clock_};
  policy::GreyTable grey_;
  policy::ListedBook book_{clock_};
  policy::Refusals refusals_;
  smtp::ServerOptions session_;
  SmtpListenerOptions options_;
  net::test::Loop loop_;
  std::weak_ptr<SmtpConnection> connection_; ///< the last one
};

TEST_F(SmtpDriverTest, TakesMailAndRefusesWhatItMust) {
  SmtpCaller client = call();
  EXPECT_THAT(client.reply(), StartsWith("220 mx.example.org"));
  EXPECT_THAT(client.say("EHLO client.test"), StartsWith("250-mx.example.org"));
  EXPECT_THAT(client.say("MAIL FROM:<a@far.example>"), StartsWith("250 "));
  EXPECT_THAT(client.say("RCPT TO:<nobody@example.org>"), StartsWith("550 5.1.1"));
  EXPECT_THAT(client.say("RCPT TO:<b@elsewhere.example>"), StartsWith("550 5.7.1"));
  EXPECT_THAT(client.say("RCPT TO:<anna@example.org>"), StartsWith("250 "));
  EXPECT_THAT(client.say("DATA"), StartsWith("354"));
  EXPECT_THAT(client.say("Subject: x\r\n\r\nx\r\n."), StartsWith("250 2.0.0"));
  EXPECT_EQ(messages(), 1u);
  EXPECT_THAT(client.say("QUIT"), StartsWith("221 "));
  EXPECT_EQ(client.reply(), "<end>");
  loop_.run();
  EXPECT_TRUE(connection_.expired());
  EXPECT_EQ(sessions_.count(), 0u);
  const auto refused = refusals_.find("nobody@example.org", 0, 10);
  ASSERT_EQ(refused.size(), 1u);
  EXPECT_EQ(refused[0].from, "a@far.example");
}

/// What memory knows by the second message is answered without asking, and as before.
TEST_F(SmtpDriverTest, WhatIsKnownIsAnsweredAsWhatIsAsked) {
  std::vector<std::string> first, second;
  for (std::vector<std::string>* said : {&first, &second}) {
    SmtpCaller client = call();
    client.reply();
    for (const char* line : {"HELO client.test", "MAIL FROM:<a@far.example>", "RCPT TO:<anna@example.org>",
                             "RCPT TO:<ANNA@[127.0.0.1]>", "DATA", ".", "QUIT"})
      said->push_back(client.say(line).substr(0, 20));
  }
  EXPECT_EQ(first, second);
  EXPECT_EQ(messages(), 2u);
}

TEST_F(SmtpDriverTest, TlsOnTheWayAndFromTheBeginning) {
  offer_tls();
  SmtpCaller client = call();
  client.reply();
  EXPECT_THAT(client.say("EHLO client.test"), HasSubstr("STARTTLS"));
  EXPECT_THAT(client.say("STARTTLS"), StartsWith("220 "));
  client.start_tls();
  EXPECT_THAT(client.say("EHLO client.test"), ::testing::Not(HasSubstr("STARTTLS")));
  options_.implicit_tls = true;
  SmtpCaller other = call();
  other.start_tls();
  EXPECT_THAT(other.reply(), StartsWith("220 "));
  SmtpCaller third = call(); // speaks no TLS
  third.send("EHLO client.test\r\n");
  EXPECT_THAT(third.reply(), EndsWith("<end>"));
}

TEST_F(SmtpDriverTest, AFailedHandshakeEndsTheSession) {
  offer_tls();
  SmtpCaller client = call();
  client.reply();
  client.say("EHLO client.test");
  EXPECT_THAT(client.say("STARTTLS"), StartsWith("220 "));
  client.send("MAIL FROM:<a@far.example>\r\n");
  EXPECT_THAT(client.reply(), EndsWith("<end>"));
  loop_.run();
  EXPECT_TRUE(connection_.expired());
}

TEST_F(SmtpDriverTest, TheEndIsToldToWhoWaits) {
  SmtpCaller client = call();
  client.reply();
  client.say("EHLO client.test");
  connection_.lock()->shut_down();
  EXPECT_THAT(client.reply(), StartsWith("421 4.3.2"));
  SmtpCaller other = call();
  other.reply();
  other.say("EHLO client.test");
  connection_.lock()->end();
  EXPECT_THAT(other.reply(), StartsWith("421 4.7.0"));
  EXPECT_EQ(other.reply(), "<end>");
}

/// Content goes on to its end when the server goes down, and is cut off when the account is gone.
TEST_F(SmtpDriverTest, TheEndAmidContent) {
  SmtpCaller client = call();
  client.reply();
  for (const char* line : {"EHLO client.test", "MAIL FROM:<a@far.example>", "RCPT TO:<anna@example.org>", "DATA"})
    client.say(line);
  client.send("Subject: x\r\n");
  connection_.lock()->shut_down();
  connection_.lock()->shut_down();
  EXPECT_THAT(client.say("\r\nx\r\n."), StartsWith("250 "));
  EXPECT_THAT(client.reply(), StartsWith("421 4.3.2"));
  EXPECT_EQ(messages(), 1u);
  SmtpCaller other = call();
  other.reply();
  for (const char* line : {"EHLO client.test", "MAIL FROM:<a@far.example>", "RCPT TO:<anna@example.org>", "DATA"})
    other.say(line);
  connection_.lock()->end();
  EXPECT_EQ(other.reply(), "<end>");
  loop_.run();
  EXPECT_TRUE(connection_.expired());
  EXPECT_EQ(messages(), 1u);
}

TEST_F(SmtpDriverTest, SilenceHasAnEnd) {
  session_.command_timeout = std::chrono::seconds(1);
  SmtpCaller client = call();
  client.reply();
  EXPECT_THAT(client.reply(), StartsWith("421 4.4.2"));
  EXPECT_EQ(client.reply(), "<end>");
}

/// Thousands of them are what a server has most of. Both ends together, with the client's part of TLS; not optimised it
/// is some more.
TEST_F(SmtpDriverTest, AnIdleSessionIsSmall) {
  if (octets_in_hand() == 0) GTEST_SKIP() << "this allocator does not count";
  EXPECT_LE(idle_octets(false), 7'500u);
  offer_tls();
  EXPECT_LE(idle_octets(true), 60'000u);
}

} // namespace
} // namespace paquebot::service
