#include "net/test_support.h"
#include "service/door.h"

#include <gtest/gtest.h>

namespace paquebot::service {
namespace {

Task<bool> send_all(net::Stream& stream, std::string bytes) {
  const auto sent = co_await stream.write(bytes);
  co_return sent.has_value();
}

Task<std::string> words_of(net::Stream& stream) {
  std::string all;
  for (;;) {
    auto got = co_await stream.read();
    if (!got || got->empty()) co_return all;
    all += *got;
  }
}

class DoorTest : public testing::Test {
protected:
  /// What one who comes from there is told; "come in" when he has room, which he keeps.
  std::string knock(const std::string& address, const std::string& first_octets = {}) {
    auto pair = loop_.pair();
    peer_ = {address, 1025};
    if (!first_octets.empty()) {
      EXPECT_TRUE(loop_.run(send_all(pair.left, first_octets)));
    }
    const bool admitted = loop_.run(door_.admit(listener_, pair.right, peer_, limits_));
    pair.right.close();
    return admitted ? "come in" : loop_.run(words_of(pair.left));
  }
  void log_in(const std::string& address) {
    ASSERT_EQ(logins_.begin(address, "ann@example.org").count(), 0);
    logins_.succeeded(address, "ann@example.org", "ann@example.org", "pop3");
  }

  net::test::Loop loop_;
  directory::LoginThrottle logins_;
  policy::Attempts attempts_;
  Door door_{logins_, &attempts_};
  ListenerSnapshot listener_;
  GateLimits limits_{.total = 10, .per_address = 2};
  net::Endpoint peer_;
};

constexpr const char* kTooMany = "421 4.7.0 too many connections, please try again later\r\n";

TEST_F(DoorTest, ThereIsRoomUntilOneLeaves) {
  EXPECT_EQ(knock("192.0.2.1"), "come in");
  EXPECT_EQ(knock("192.0.2.1"), "come in");
  EXPECT_EQ(knock("192.0.2.1"), kTooMany);
  EXPECT_EQ(door_.count(), 2u);
  door_.leave(peer_);
  EXPECT_EQ(knock("192.0.2.1"), "come in");
}

TEST_F(DoorTest, WhoMayNotComeIsToldInWordsOfHisProtocol) {
  listener_.accept_from = net::Networks::parse({"10.0.0.0/8"}).value();
  EXPECT_EQ(knock("192.0.2.1"), "554 5.7.1 this server does not speak with you\r\n");
  EXPECT_EQ(knock("10.1.2.3"), "come in");
  EXPECT_EQ(knock("/run/socket"), "come in"); // who may open it is for its mode to say
  listener_.role = ListenerRole::pop3;
  EXPECT_EQ(knock("192.0.2.1"), "-ERR [SYS/PERM] this server does not speak with you\r\n");
  limits_.total = 2;
  EXPECT_EQ(knock("10.1.2.3"), "-ERR [SYS/TEMP] too many connections, please try again later\r\n");
  auto tls = std::make_shared<SmtpListenerOptions>();
  tls->implicit_tls = true;
  listener_.role = ListenerRole::submission;
  listener_.smtp = tls;
  EXPECT_EQ(knock("192.0.2.1"), ""); // no words before TLS
}

TEST_F(DoorTest, UsersWhoWereTurnedAwayAreWrittenDown) {
  limits_.per_address = 1;
  for (int i = 0; i < 3; ++i) knock("192.0.2.1");
  EXPECT_EQ(attempts_.size(), 0u) << "another server";
  listener_.role = ListenerRole::submission;
  knock("192.0.2.1");
  knock("192.0.2.1");
  listener_.accept_from = net::Networks::parse({"10.0.0.0/8"}).value();
  listener_.role = ListenerRole::pop3;
  knock("192.0.2.2");
  const auto all = attempts_.find(0, 10, [](const policy::Attempt&) { return true; });
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].client + " " + all[0].protocol, "192.0.2.2 pop3");
  EXPECT_EQ(all[0].why, "that network may not connect here (accept_from)");
  EXPECT_EQ(all[1].client + " " + all[1].protocol, "192.0.2.1 smtp");
  EXPECT_EQ(all[1].what, policy::Attempt::What::turned_away);
  EXPECT_EQ(all[1].times, 2u);
}

TEST_F(DoorTest, BrowsersDoNotKeepMailOut) {
  limits_ = {.total = 40, .per_address = 100};
  listener_.role = ListenerRole::http;
  for (int i = 0; i < 10; ++i) EXPECT_EQ(knock("192.0.2.1"), "come in") << i;
  EXPECT_EQ(knock("192.0.2.1").substr(0, 12), "HTTP/1.1 503");
  door_.leave(peer_, ListenerRole::http);
  EXPECT_EQ(knock("192.0.2.1"), "come in");
  listener_.role = ListenerRole::mx;
  EXPECT_EQ(knock("192.0.2.2"), "come in");
  listener_.role = ListenerRole::http;
  listener_.accept_from = net::Networks::parse({"10.0.0.0/8"}).value();
  EXPECT_EQ(knock("192.0.2.1").substr(0, 12), "HTTP/1.1 403");
}

TEST_F(DoorTest, WhoLoggedInLatelyFindsRoomWhereOthersDoNot) {
  limits_.per_address = 100;
  for (int i = 0; i < 8; ++i) EXPECT_EQ(knock("192.0.2.1"), "come in") << i;
  EXPECT_EQ(knock("192.0.2.1"), kTooMany); // port 25: a stranger
  listener_.role = ListenerRole::submission;
  EXPECT_EQ(knock("192.0.2.2"), "come in");
  EXPECT_EQ(knock("192.0.2.2"), kTooMany);
  log_in("192.0.2.2");
  EXPECT_EQ(knock("192.0.2.2"), "come in");
}

TEST_F(DoorTest, AProxySaysWhoseConnectionItIs) {
  listener_.proxy_from = net::Networks::parse({"10.0.0.0/8"}).value();
  listener_.accept_from = net::Networks::parse({"198.51.100.0/24"}).value();
  EXPECT_EQ(knock("10.1.2.3", "PROXY TCP4 198.51.100.7 10.9.9.9 1025 25\r\n"), "come in");
  EXPECT_EQ(peer_.address, "198.51.100.7");
  EXPECT_EQ(door_.count(), 1u); // the proxy's own place is free again
  EXPECT_EQ(knock("10.1.2.3", "PROXY TCP4 192.0.2.1 10.9.9.9 1025 25\r\n"),
            "554 5.7.1 this server does not speak with you\r\n");
  EXPECT_EQ(knock("10.1.2.3", "EHLO client.test\r\n"), ""); // no header: not a word
  EXPECT_EQ(door_.count(), 1u);
}

TEST_F(DoorTest, AllOfAProxyComeFromOneAddress) {
  listener_.proxy_from = net::Networks::parse({"10.0.0.0/8"}).value();
  for (int i = 1; i <= 4; ++i)
    EXPECT_EQ(knock("10.1.2.3", "PROXY TCP4 198.51.100." + std::to_string(i) + " 10.9.9.9 1025 25\r\n"), "come in");
  limits_.total = 5; // four fifths of it are taken
  EXPECT_EQ(knock("10.1.2.3", "PROXY TCP4 198.51.100.9 10.9.9.9 1025 25\r\n"), "");
}

} // namespace
} // namespace paquebot::service
