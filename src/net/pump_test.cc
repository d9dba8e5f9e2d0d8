#include "net/certificate.h"
#include "net/pump.h"
#include "net/test_support.h"
#include "net/tls.h"

#include <cstdlib>
#include <deque>
#include <functional>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <vector>

namespace paquebot::net {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using Kind = Order::Kind;

Order sending(std::string_view bytes, std::chrono::milliseconds within = 1h) {
  return {.kind = Kind::send, .bytes = bytes, .within = within};
}
Order reading(std::chrono::milliseconds within, std::uint32_t window = 0) {
  return {.kind = Kind::read, .within = within, .window = window};
}

/// Orders what it was told to, in turn, and then rest; keeps what it hears.
class ToldSession final : public Session {
public:
  explicit ToldSession(std::deque<Order> orders) : orders(std::move(orders)) {}

  Order next() override {
    ++asked;
    if (orders.empty() || over) return {};
    const Order order = orders.front();
    if (!again) orders.pop_front();
    return order;
  }
  Task<void> answer() override {
    heard.push_back("question");
    co_return;
  }
  void feed(std::string_view bytes) override { heard.push_back(again ? "octets" : std::string(bytes)); }
  void eof() override { hear_last("end"); }
  void out_of_time() override { hear_last("timeout"); }
  Handshake handshake() override { return {*context, server_name.empty() ? nullptr : &server_name}; }
  void tls_started(TlsInfo info) override { heard.push_back(info.version.substr(0, 3)); }
  void tls_failed(const Error&) override { heard.push_back("no TLS"); }

  std::deque<Order> orders;
  bool again = false; ///< the first order, until something ends
  bool over = false;
  std::vector<std::string> heard;
  int asked = 0;
  std::shared_ptr<TlsContext> context{};
  std::string server_name{};

private:
  void hear_last(const std::string& what) {
    if (heard.empty() || heard.back() != what) heard.push_back(what);
    over = again;
  }
};

class PumpTest : public ::testing::Test {
protected:
  /// A pump on one end of a pair; the other is `peer_`.
  Pump pump(Pump::Side side = Pump::Side::server, int send_buffer = 0) {
    StreamPair pair = loop_.pair(send_buffer);
    peer_.emplace(std::move(pair.right));
    return {std::move(pair.left), side};
  }
  void run(Pump& pump, Session& session) {
    auto all = [](Pump& one, Session& its) -> Task<bool> {
      co_await one.run(its);
      co_return true;
    };
    EXPECT_TRUE(loop_.run(all(pump, session)));
  }
  void say(std::string bytes) {
    auto all = [](Stream& stream, std::string what) -> Task<bool> {
      const auto written = co_await stream.write(what);
      co_return written.has_value();
    };
    EXPECT_TRUE(loop_.run(all(*peer_, std::move(bytes))));
  }
  std::string hear() {
    auto some = [](Stream& stream) -> Task<std::string> {
      const auto got = co_await stream.read();
      co_return got ? std::string(*got) : std::string("broken");
    };
    return loop_.run(some(*peer_));
  }
  /// The peer says something again and again, until the other end is gone.
  void drip() {
    auto drops = [](Stream& stream) -> Task<void> {
      const std::string drop = "x";
      for (;;) {
        const auto written = co_await stream.write(drop);
        if (!written) co_return;
        auto pause = 10ms;
        co_await sleep_for(pause);
      }
    };
    loop_.start(drops(*peer_));
  }
  /// As soon as the pump waits.
  void meanwhile(const Pump& pump, std::function<void()> what) {
    auto later = [](const Pump& one, std::function<void()> then) -> Task<void> {
      while (!one.reading() && !one.writing()) {
        auto pause = 1ms;
        co_await sleep_for(pause);
      }
      then();
    };
    loop_.start(later(pump, std::move(what)));
  }

  using StreamPair = test::StreamPair;
  test::Loop loop_;
  std::optional<Stream> peer_;
};

TEST_F(PumpTest, SendsReadsAndAsks) {
  Pump one = pump();
  ToldSession session({sending("220 x\r\n"), reading(1h), {.kind = Kind::question}, sending("bye")});
  say("EHLO");
  run(one, session);
  EXPECT_EQ(hear(), "220 x\r\nbye");
  EXPECT_THAT(session.heard, ElementsAre("EHLO", "question"));
  EXPECT_EQ(session.asked, 5);
  ToldSession next({reading(1h)}); // it goes on with another
  peer_->close();
  run(one, next);
  EXPECT_THAT(next.heard, ElementsAre("end"));
}

TEST_F(PumpTest, AWindowIsOneDeadlineHoweverOctetsDrip) {
  Pump one = pump();
  ToldSession session({reading(1s, 7)});
  session.again = true;
  drip();
  run(one, session);
  EXPECT_EQ(session.heard.front(), "octets");
  EXPECT_EQ(session.heard.back(), "timeout");
}

TEST_F(PumpTest, AllWindowsHaveABoundTogether) {
  Pump one = pump();
  class Windows final : public Session {
  public:
    Order next() override {
      if (over) return {};
      Order order = reading(1h, ++window);
      order.total = 1s;
      order.total_window = 3;
      return order;
    }
    Task<void> answer() override { co_return; }
    void feed(std::string_view) override {}
    void eof() override {}
    void out_of_time() override { over = true; }
    Handshake handshake() override { std::abort(); }
    void tls_started(TlsInfo) override {}
    void tls_failed(const Error&) override {}
    std::uint32_t window = 0;
    bool over = false;
  } session;
  drip();
  run(one, session);
  EXPECT_TRUE(session.over);
  EXPECT_GT(session.window, 1u);
}

TEST_F(PumpTest, OneReadMayHaveABoundOfItsOwn) {
  Pump one = pump();
  Order order = reading(1h);
  order.by = std::chrono::steady_clock::now();
  ToldSession session({order});
  run(one, session);
  EXPECT_THAT(session.heard, ElementsAre("timeout"));
  EXPECT_FALSE(one.reading());
}

TEST_F(PumpTest, AWakeUpIsNoTimeout) {
  Pump one = pump();
  ToldSession session({reading(1h, 1), reading(1s, 2), sending("421")});
  EXPECT_FALSE(one.leaving());
  meanwhile(one, [&] {
    EXPECT_TRUE(one.reading());
    one.wake();
    one.wake();
  });
  run(one, session);
  EXPECT_TRUE(one.leaving());
  EXPECT_THAT(session.heard, ElementsAre("timeout")) << "of the second read only";
  EXPECT_EQ(hear(), "421");
}

TEST_F(PumpTest, WhoWritesIsNotWoken) {
  Pump one = pump(Pump::Side::server, 4096);
  const std::string much(1u << 20, 'x');
  ToldSession session({sending(much), reading(1h)});
  meanwhile(one, [&] {
    EXPECT_TRUE(one.writing());
    one.wake();
    loop_.start([](Stream& stream) -> Task<void> {
      for (std::size_t left = 1u << 20; left > 0;) {
        const auto got = co_await stream.read();
        if (!got || got->empty()) co_return;
        left -= got->size();
      }
      const std::string thanks = "thanks";
      auto sent = co_await stream.write(thanks);
      EXPECT_TRUE(sent);
    }(*peer_));
  });
  run(one, session);
  EXPECT_THAT(session.heard, ElementsAre("thanks"));
}

TEST_F(PumpTest, WhatIsCutOffEnds) {
  Pump one = pump();
  ToldSession session({reading(1h, 1), reading(1h, 2), sending("x")});
  meanwhile(one, [&] { one.cut(); });
  run(one, session);
  EXPECT_THAT(session.heard, ElementsAre("end"));
  EXPECT_EQ(session.asked, 1);
  EXPECT_EQ(hear(), "");
}

TEST_F(PumpTest, AServersWriteThatFailsIsTheLast) {
  Pump one = pump(Pump::Side::server, 4096);
  const std::string much(1u << 20, 'x');
  ToldSession session({sending(much, 1s), sending("never"), {.kind = Kind::question}});
  run(one, session);
  EXPECT_THAT(session.heard, ElementsAre("end", "question"));
}

TEST_F(PumpTest, AClientsWriteHasItsTime) {
  Pump one = pump(Pump::Side::client, 4096);
  const std::string much(1u << 20, 'x');
  ToldSession session({sending(much, 1s)});
  run(one, session);
  EXPECT_THAT(session.heard, ElementsAre("timeout"));
  EXPECT_FALSE(one.hurried());
}

TEST_F(PumpTest, AServersLastWordsAreHeard) {
  Pump one = pump(Pump::Side::client, 4096);
  const std::string much(1u << 20, 'x');
  ToldSession session({sending(much), sending("never")});
  say("552 no");
  meanwhile(one, [&] { peer_->close(); });
  run(one, session);
  EXPECT_THAT(session.heard, ElementsAre("552 no", "end"));
}

/// A client's clock begins anew behind what it sent, though its engine counts the window on.
TEST_F(PumpTest, AClientsWindowEndsWithAWrite) {
  Pump one = pump(Pump::Side::client);
  ToldSession session({reading(0ms, 1)});
  run(one, session);
  EXPECT_THAT(session.heard, ElementsAre("timeout"));
  say("250 ok");
  ToldSession next({sending("NOOP"), reading(1h, 1)});
  run(one, next);
  EXPECT_THAT(next.heard, ElementsAre("250 ok"));
}

TEST_F(PumpTest, WhoIsHurriedHasHadItsTime) {
  Pump one = pump(Pump::Side::client);
  ToldSession session({reading(1h, 1)});
  session.again = true;
  meanwhile(one, [&] { one.hurry(); });
  drip();
  run(one, session);
  EXPECT_EQ(session.heard.back(), "timeout");
  EXPECT_TRUE(one.hurried());
}

TEST_F(PumpTest, BothSidesOfAHandshake) {
  const auto made = make_self_signed("far.example").value();
  StreamPair pair = loop_.pair();
  Pump left(std::move(pair.left), Pump::Side::server), right(std::move(pair.right), Pump::Side::client);
  ToldSession server({{.kind = Kind::tls}, sending("hello")}), client({{.kind = Kind::tls}, reading(1h)});
  server.context = TlsContext::server(made.certificate_pem, made.key_pem).value();
  client.context = TlsContext::client(false).value();
  client.server_name = "far.example";
  loop_.start(left.run(server));
  run(right, client);
  EXPECT_THAT(server.heard, ElementsAre("TLS"));
  EXPECT_THAT(client.heard, ElementsAre("TLS", "hello"));
}

TEST_F(PumpTest, NothingIsSentBehindAFailedHandshake) {
  const auto made = make_self_signed("far.example").value();
  Pump one = pump();
  ToldSession session({{.kind = Kind::tls}, sending("in clear")});
  session.context = TlsContext::server(made.certificate_pem, made.key_pem).value();
  say("EHLO client.test\r\n");
  run(one, session);
  EXPECT_THAT(session.heard, ElementsAre("no TLS"));
  one.stream().close();
  EXPECT_THAT(hear(), ::testing::Not(::testing::HasSubstr("in clear")));
}

TEST_F(PumpTest, AHandshakeBeforeTheSessionIsWokenUp) {
  const auto made = make_self_signed("far.example").value();
  const auto context = TlsContext::server(made.certificate_pem, made.key_pem).value();
  Pump one = pump();
  loop_.start([](Pump& its) -> Task<void> {
    its.wake();
    co_return;
  }(one));
  auto info = loop_.run(one.accept_tls(*context, 3600s));
  ASSERT_FALSE(info);
  EXPECT_EQ(info.error().code, Errc::timeout);
  info = loop_.run(one.accept_tls(*context, 3600s));
  EXPECT_FALSE(info) << "told before it began";
}

} // namespace
} // namespace paquebot::net
