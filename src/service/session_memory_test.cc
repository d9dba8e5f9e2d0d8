// What messages on their way in hold of memory, and how fast they must come: a whole server with small bounds, over the
// loopback.

#include "base/log.h"
#include "directory/test_server.h"
#include "service/server.h"

#include <arpa/inet.h>
#include <fstream>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace paquebot::service {
namespace {

constexpr std::uint64_t kMiB = 1u << 20;

/// A client that waits for each reply.
class PlainClient {
public:
  PlainClient(std::uint16_t port, const char* from) : descriptor_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const timeval most{60, 0}; // only a fault makes it wait so long
    ::setsockopt(descriptor_, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof most);
    const sockaddr_in own = address(from, 0), server = address("127.0.0.1", port);
    EXPECT_EQ(::bind(descriptor_, reinterpret_cast<const sockaddr*>(&own), sizeof own), 0);
    EXPECT_EQ(::connect(descriptor_, reinterpret_cast<const sockaddr*>(&server), sizeof server), 0);
    EXPECT_EQ(reply().substr(0, 3), "220");
    EXPECT_EQ(say("EHLO client.test").substr(0, 3), "250");
  }
  ~PlainClient() { ::close(descriptor_); }
  PlainClient(const PlainClient&) = delete;
  PlainClient& operator=(const PlainClient&) = delete;

  void send(const std::string& bytes) {
    ASSERT_EQ(::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
  }
  /// The last line of it, without its end; empty when there is none.
  std::string reply() {
    for (;;) {
      const auto end = unread_.find("\r\n");
      if (end == std::string::npos) {
        char more[4096];
        const ssize_t got = ::recv(descriptor_, more, sizeof more, 0);
        if (got <= 0) return {};
        unread_.append(more, static_cast<std::size_t>(got));
        continue;
      }
      std::string line = unread_.substr(0, end);
      unread_.erase(0, end + 2);
      if (line.size() < 4 || line[3] != '-') return line;
    }
  }
  std::string say(const std::string& line) {
    send(line + "\r\n");
    return reply();
  }
  /// Recipients that are accepted, of so many at most; the last reply is kept.
  std::size_t name(std::size_t most) {
    std::string text;
    for (std::size_t i = 0; i < most; ++i) text += "RCPT TO:<u" + std::to_string(i) + "@example.test>\r\n";
    send(text);
    std::size_t accepted = 0;
    for (std::size_t i = 0; i < most; ++i) {
      last = reply();
      if (last.starts_with("250")) ++accepted;
    }
    return accepted;
  }
  std::string last;

private:
  static sockaddr_in address(const char* text, std::uint16_t port) {
    sockaddr_in out{};
    out.sin_family = AF_INET;
    out.sin_port = htons(port);
    ::inet_pton(AF_INET, text, &out.sin_addr);
    return out;
  }
  int descriptor_;
  std::string unread_;
};

class SessionMemoryTest : public testing::Test {
protected:
  static constexpr const char* kCrowd = "127.0.0.2";
  static constexpr const char* kOther = "127.0.1.2"; // another network

  void SetUp() override {
    home_.domain("example.test");
    home_.address("*", "example.test", home_.account("all@example.test").id);
    options_.hostname = "mx.example.test";
    options_.drop_directory = home_.path();
    options_.threads = 1;
    options_.message_memory = kMiB; // of which other servers have three quarters, and of these a network a half
    options_.memory_patience = std::chrono::milliseconds(1);
    options_.dns.resolvers = {"127.0.0.1:9"};
    options_.dns.trust_anchor = "none";
    smtp_.intake.hostname = options_.hostname;
    smtp_.intake.authentication.verify = false;
    session_.hostname = options_.hostname;
    session_.max_recipients = 2000;
  }
  void start() {
    smtp_.session = std::make_shared<const smtp::ServerOptions>(session_);
    Snapshot snapshot;
    snapshot.listeners.push_back(
        {.address = "here", .smtp = std::make_shared<const SmtpListenerOptions>(std::move(smtp_))});
    auto listener = net::Listener::open("127.0.0.1:0");
    ASSERT_TRUE(listener);
    port_ = listener->bound().port;
    std::vector<BoundListener> listeners;
    listeners.push_back({std::move(*listener), ListenerRole::mx, "here"});
    server_.emplace(home_.store(), std::move(options_), std::make_shared<const Snapshot>(std::move(snapshot)));
    ASSERT_TRUE(server_->start(std::move(listeners)));
  }
  void TearDown() override {
    if (!server_) return;
    EXPECT_TRUE(server_->stop(std::chrono::seconds(10)));
  }

  directory::TestServer home_;
  ServerOptions options_;
  SmtpListenerOptions smtp_;
  smtp::ServerOptions session_;
  std::uint16_t port_ = 0;
  std::optional<Server> server_;
};

/// 1 KiB each: 32 that nobody is asked for, and the half of 768 KiB.
constexpr std::size_t kOfNetwork = 32 + 384;

TEST_F(SessionMemoryTest, RecipientsOfANetworkAreBoundedTogether) {
  start();
  PlainClient crowd(port_, kCrowd), neighbour(port_, kCrowd), other(port_, kOther);
  for (PlainClient* client : {&crowd, &neighbour, &other})
    EXPECT_TRUE(client->say("MAIL FROM:<a@b.test>").starts_with("250"));
  EXPECT_NEAR(static_cast<double>(crowd.name(1000)), kOfNetwork, 1);
  EXPECT_TRUE(crowd.last.starts_with("452 4.3.1 ")) << crowd.last;
  EXPECT_LE(neighbour.name(100), 32u) << "what everybody has";
  EXPECT_EQ(other.name(300), 300u) << other.last;
  // What was accepted goes its way, and the sender goes on with the rest.
  EXPECT_TRUE(crowd.say("DATA").starts_with("354"));
  EXPECT_TRUE(crowd.say("Subject: x\r\n\r\nx\r\n.").starts_with("250")) << "for those that were accepted";
  EXPECT_TRUE(crowd.say("MAIL FROM:<a@b.test>").starts_with("250"));
  EXPECT_EQ(crowd.name(300), 300u) << crowd.last;
}

TEST_F(SessionMemoryTest, WhateverEndsATransactionGivesItsMemoryBack) {
  session_.max_message_size = 64 << 10;
  start();
  const std::string large = "DATA\r\n" + std::string(70 << 10, 'x') + "\r\n.";
  for (const std::string& end : {std::string("RSET"), std::string("EHLO client.test"), std::string("HELO client.test"),
                                 std::string("BDAT 0 nonsense\r\nRSET"), large, std::string("QUIT")}) {
    PlainClient one(port_, kCrowd), next(port_, kCrowd);
    EXPECT_TRUE(one.say("MAIL FROM:<a@b.test>").starts_with("250"));
    EXPECT_NEAR(static_cast<double>(one.name(1000)), kOfNetwork, 1);
    EXPECT_FALSE(one.say(end).empty());
    if (end == large || end.starts_with("BDAT")) {
      EXPECT_FALSE(one.reply().empty());
    }
    EXPECT_TRUE(next.say("MAIL FROM:<a@b.test>").starts_with("250"));
    EXPECT_EQ(next.name(300), 300u) << end.substr(0, 40) << " " << next.last;
  }
}

TEST_F(SessionMemoryTest, HeadsOfANetworkLeaveRoomForOthers) {
  start();
  const std::string head = "X-Long: " + std::string(68, 'x') + "\r\n";
  std::string long_head;
  while (long_head.size() < (600u << 10)) long_head += head;
  PlainClient crowd(port_, kCrowd), other(port_, kOther);
  for (PlainClient* client : {&crowd, &other}) {
    EXPECT_TRUE(client->say("MAIL FROM:<a@b.test>").starts_with("250"));
    EXPECT_EQ(client->name(1), 1u);
    EXPECT_TRUE(client->say("DATA").starts_with("354"));
  }
  crowd.send(long_head);
  EXPECT_TRUE(crowd.say("\r\nx\r\n.").starts_with("452 4.3.1 "));
  EXPECT_TRUE(crowd.say("MAIL FROM:<a@b.test>").starts_with("250"));
  EXPECT_EQ(crowd.name(100), 100u) << "all of it came back";
  other.send(long_head.substr(0, 300 * head.size()));
  EXPECT_TRUE(other.say("\r\nx\r\n.").starts_with("250"));
}

TEST_F(SessionMemoryTest, OwnNetworksAreBoundedByTheWholeOnly) {
  smtp_.relay_from = net::Networks::parse({"127.0.0.0/24"}).value();
  start();
  PlainClient own(port_, kCrowd);
  EXPECT_TRUE(own.say("MAIL FROM:<a@b.test>").starts_with("250"));
  EXPECT_GT(own.name(1000), 700u) << own.last;
}

TEST_F(SessionMemoryTest, ContentThatDripsIsBrokenOffAndTheLogSaysWhy) {
  smtp_.content_pace = 1u << 20;
  smtp_.pace_window = std::chrono::milliseconds(200);
  start();
  const directory::TestDirectory logs;
  const std::string file = logs.path() / "log";
  ASSERT_TRUE(log::configure(log::Format::key_value, log::Level::info, file));
  PlainClient client(port_, kCrowd);
  EXPECT_TRUE(client.say("MAIL FROM:<a@b.test>").starts_with("250"));
  EXPECT_EQ(client.name(1), 1u);
  EXPECT_TRUE(client.say("DATA").starts_with("354"));
  client.send("S");
  EXPECT_EQ(client.reply(), "421 4.4.2 the content comes too slowly");
  EXPECT_EQ(client.reply(), "") << "it is closed";
  log::warning("end"); // flushes what is before it
  ASSERT_TRUE(log::configure(log::Format::key_value, log::Level::info));
  std::ifstream lines(file);
  const std::string text(std::istreambuf_iterator<char>(lines), {});
  EXPECT_NE(text.find("content-refused client=127.0.0.2 account=\"\" command=DATA "
                      "reply=\"421 4.4.2 the content comes too slowly\""),
            std::string::npos)
      << text;
}

} // namespace
} // namespace paquebot::service
