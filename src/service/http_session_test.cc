#include "net/certificates.h"
#include "net/test_support.h"
#include "service/http_session.h"
#include "service/sites.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace paquebot::service {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

/// Pieces of an answer, then an end as told. It waits for stop() when there is nothing else.
class Pieces final : public http::ContentSource {
public:
  enum class End : std::uint8_t { good, broken, waits };
  Pieces(std::vector<std::string> pieces, End end) : pieces_(std::move(pieces)), end_(end) {}
  Task<Result<std::string>> next() override {
    if (at_ < pieces_.size()) co_return pieces_[at_++];
    if (end_ == End::broken) co_return fail(Errc::io, "the disk broke");
    if (end_ == End::waits) co_await stopped_.wait();
    co_return std::string();
  }
  void stop() override { stopped_.fire(); }

private:
  std::vector<std::string> pieces_;
  End end_;
  std::size_t at_ = 0;
  OneShot stopped_;
};

/// What it was asked is told in its answers.
class Echo final : public http::Site {
public:
  std::uint64_t most = 100'000;
  std::vector<std::string> asked;

  std::uint64_t most_content(const http::Request& request, const http::Visitor&) const override {
    return request.path == "/none" ? 0 : most;
  }
  Task<http::Answer> answer(http::Exchange exchange) override {
    const std::string& path = exchange.request.path;
    asked.push_back(exchange.request.method + " " + path + " " + std::to_string(exchange.content.size()));
    if (path == "/throws") throw std::runtime_error("a bug");
    http::Answer answer;
    if (path == "/visitor")
      answer.response.content = exchange.visitor.address + (exchange.visitor.encrypted ? " encrypted" : " plain");
    else
      answer.response.content = exchange.content;
    using End = Pieces::End;
    if (path == "/stream") answer.source = std::make_unique<Pieces>(std::vector<std::string>{"one", "two"}, End::good);
    if (path == "/broken") answer.source = std::make_unique<Pieces>(std::vector<std::string>{"one"}, End::broken);
    if (path == "/events") answer.source = std::make_unique<Pieces>(std::vector<std::string>{"one"}, End::waits);
    co_return answer;
  }
};

/// All that comes until the connection ends.
Task<std::string> converse_over(net::Stream& stream, std::string bytes) {
  const std::string_view out = bytes;
  const auto written = co_await stream.write(out);
  std::string in;
  while (written) {
    const auto got = co_await stream.read();
    if (!got || got->empty()) break;
    in += *got;
  }
  co_return in;
}

class HttpSessionTest : public ::testing::Test {
protected:
  HttpSessionTest() {
    http::ServerOptions session;
    session.idle_timeout = std::chrono::seconds(5);
    session.linger_timeout = std::chrono::milliseconds(100);
    options.session = std::make_shared<const http::ServerOptions>(session);
  }

  std::shared_ptr<HttpConnection> begin(net::Stream stream) {
    auto connection = std::make_shared<HttpConnection>(HttpParts{site, sessions, memory},
                                                       std::make_shared<const HttpListenerOptions>(options),
                                                       std::move(stream), loop.executor());
    loop.start(HttpConnection::serve(connection));
    return connection;
  }
  /// What the server says to these bytes, up to the end of the connection.
  std::string talk(std::string bytes) {
    auto pair = loop.pair();
    begin(std::move(pair.left));
    std::string said = loop.run(converse_over(pair.right, std::move(bytes)));
    pair.right.close();
    loop.run();
    return said;
  }

  net::test::Loop loop;
  Sessions sessions;
  Echo site;
  store::ByteBudget* memory = nullptr;
  HttpListenerOptions options;
};

std::string post(const std::string& path, const std::string& content, const std::string& more = {}) {
  return "POST " + path + " HTTP/1.1\r\nHost: x\r\n" + more + "Content-Length: " + std::to_string(content.size()) +
         "\r\n\r\n" + content;
}
const std::string kClose = "Connection: close\r\n";

TEST_F(HttpSessionTest, SeveralRequestsOnOneConnection) {
  const std::string said = talk(post("/a", "ping") + post("/b", std::string(50'000, 'x'), kClose));
  EXPECT_THAT(said, HasSubstr("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npingHTTP/1.1 200 OK"));
  EXPECT_THAT(said, HasSubstr("Content-Length: 50000\r\n\r\nxxx"));
  EXPECT_EQ(site.asked, (std::vector<std::string>{"POST /a 4", "POST /b 50000"}));
  EXPECT_EQ(sessions.count(), 0u);
}

TEST_F(HttpSessionTest, ContentIsBounded) {
  site.most = 10;
  EXPECT_THAT(talk(post("/a", std::string(11, 'x'))), HasSubstr("HTTP/1.1 413"));
  EXPECT_THAT(talk("POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n"),
              HasSubstr("HTTP/1.1 413"));
  EXPECT_TRUE(site.asked.empty());
  EXPECT_THAT(talk(post("/none", std::string(100, 'x'), kClose)), HasSubstr("HTTP/1.1 200"));
  EXPECT_EQ(site.asked, std::vector<std::string>{"POST /none 0"}) << "asked without its content";
}

TEST_F(HttpSessionTest, ContentNeedsRoomInTheBudget) {
  store::ByteBudget budget(64 << 10, std::chrono::milliseconds(1));
  memory = &budget;
  EXPECT_THAT(talk(post("/a", std::string(30'000, 'x'), kClose)), HasSubstr("HTTP/1.1 200"));
  const auto all = loop.run(budget.take(64 << 10));
  ASSERT_TRUE(all);
  EXPECT_THAT(talk(post("/a", std::string(100, 'x'), kClose)), HasSubstr("HTTP/1.1 200")) << "the first are free";
  const std::string said = talk(post("/a", std::string(30'000, 'x'), kClose));
  EXPECT_THAT(said, HasSubstr("HTTP/1.1 503"));
  EXPECT_THAT(said, HasSubstr("Retry-After: 30"));
}

TEST_F(HttpSessionTest, StreamsAnAnswerAndTellsWhenItBreaks) {
  EXPECT_THAT(talk("GET /stream HTTP/1.1\r\nHost: x\r\n" + kClose + "\r\n"),
              HasSubstr("\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"));
  const std::string broken = talk("GET /broken HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(broken.ends_with("3\r\none\r\n")) << broken;
}

TEST_F(HttpSessionTest, ABugOfASiteIsItsOwn) {
  const std::string said = talk("GET /throws HTTP/1.1\r\nHost: x\r\n\r\n" + post("/a", "ping", kClose));
  EXPECT_THAT(said, HasSubstr("HTTP/1.1 500"));
  EXPECT_THAT(said, HasSubstr("ping"));
}

TEST_F(HttpSessionTest, WhatIsNotHttpIsToldAndClosed) {
  EXPECT_THAT(talk("EHLO me\r\n\r\n"), HasSubstr("HTTP/1.1 400"));
  EXPECT_THAT(talk(post("/a", "x", "Transfer-Encoding: chunked\r\n")), HasSubstr("HTTP/1.1 400"));
  EXPECT_TRUE(site.asked.empty());
}

TEST_F(HttpSessionTest, ShutDownLetsTheAnswerEndAndWakesWhoWaits) {
  auto idle = loop.pair(), events = loop.pair();
  begin(std::move(idle.left));
  begin(std::move(events.left));
  const auto end = [](net::Stream& stream, Sessions& all) -> Task<std::string> {
    const std::string_view get = "GET /events HTTP/1.1\r\nHost: x\r\n\r\n";
    co_await stream.write(get);
    std::string in;
    for (;;) {
      const auto got = co_await stream.read();
      if (!got || got->empty()) break;
      in += *got;
      if (in.find("one") != std::string::npos) all.shut_down_all();
    }
    co_return in;
  };
  const std::string said = loop.run(end(events.right, sessions));
  EXPECT_TRUE(said.ends_with("0\r\n\r\n")) << said;
  EXPECT_EQ(loop.run(converse_over(idle.right, "")), "");
  idle.right.close();
  events.right.close();
  loop.run();
  EXPECT_EQ(sessions.count(), 0u);
}

TEST_F(HttpSessionTest, OnlyNamedProxiesTellWhoVisits) {
  const std::string request =
      "GET /visitor HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 192.0.2.9\r\nX-Forwarded-Proto: https\r\n" + kClose +
      "\r\n";
  EXPECT_THAT(talk(request), HasSubstr("\r\n\r\n plain"));
}

TEST_F(HttpSessionTest, UnderTlsItIsHttpsOrAChallenge) {
  const auto pair = net::make_self_signed("mx.example.test").value();
  auto shown = std::make_shared<net::Certificates>();
  ASSERT_TRUE(shown->configure({{pair.certificate_pem, pair.key_pem}}));
  net::ServerTls how;
  how.protocols = {"http/1.1"};
  how.challenges = true;
  options.tls = net::TlsContext::server(shown, how).value();
  auto client = net::TlsContext::client(true, pair.certificate_pem).value();
  auto ends = loop.pair();
  begin(std::move(ends.left));
  const std::string name = "mx.example.test";
  ASSERT_TRUE(loop.run(ends.right.start_tls_client(*client, name)));
  EXPECT_THAT(loop.run(converse_over(ends.right, "GET /visitor HTTP/1.1\r\nHost: x\r\n" + kClose + "\r\n")),
              HasSubstr(" encrypted"));
  ends.right.close();
  loop.run();
  ASSERT_TRUE(shown->put_challenge(name, {pair.certificate_pem, pair.key_pem}));
  ASSERT_TRUE(client->offer_protocols({net::kAcmeProtocol}));
  auto proof = loop.pair();
  begin(std::move(proof.left));
  ASSERT_TRUE(loop.run(proof.right.start_tls_client(*client, name)));
  EXPECT_EQ(loop.run(converse_over(proof.right, "")), "") << "there is nothing to be said";
  proof.right.close();
  loop.run();
}

} // namespace
} // namespace paquebot::service
