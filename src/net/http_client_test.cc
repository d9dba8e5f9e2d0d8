#include "net/http_client.h"
#include "net/listener.h"
#include "net/test_support.h"
#include "net/tls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace paquebot::net {
namespace {

using ::testing::HasSubstr;
using namespace std::chrono_literals;

struct UrlCase {
  const char* url;
  const char* shown; ///< authority and target; null: refused
};

TEST(HttpUrl, Table) {
  const UrlCase cases[] = {
      {"https://acme.example/dir", "acme.example /dir"},
      {"https://ACME.example:443", "acme.example /"},
      {"https://acme.example.:14000/a%20b?c=d", "acme.example:14000 /a%20b?c=d"},
      {"https://acme.example?c=d", "acme.example /?c=d"},
      {"http://acme.example:80/", "acme.example /"},
      {"http://acme.example:443/", "acme.example:443 /"},
      {"https://[2001:db8::1]:8443/", "[2001:db8::1]:8443 /"},
      {"https://192.0.2.1/", "192.0.2.1 /"},
      {"ftp://acme.example/", nullptr},
      {"acme.example/dir", nullptr},
      {"/dir", nullptr},
      {"", nullptr},
      {"https://", nullptr},
      {"https://:443/", nullptr},
      {"https://user@acme.example/", nullptr},
      {"https://acme.example/#x", nullptr},
      {"https://acme.example:0/", nullptr},
      {"https://acme.example:65536/", nullptr},
      {"https://acme.example/a b", nullptr},
      {"https://acme.example/\r\nX: y", nullptr},
  };
  for (const UrlCase& one : cases) {
    const auto url = parse_http_url(one.url);
    ASSERT_EQ(url.has_value(), one.shown != nullptr) << one.url;
    if (!url) continue;
    EXPECT_EQ(url->authority() + " " + url->target, one.shown);
  }
  EXPECT_FALSE(parse_http_url("https://a/" + std::string(9000, 'x')));
}

/// A server that gives everybody the same answer.
class HttpClientTest : public ::testing::Test {
protected:
  HttpClientTest() { options.also = Networks::parse({"127.0.0.0/8"}).value(); }

  static Task<void> serve_one(Stream stream, std::shared_ptr<TlsContext> tls, std::string answer, std::string* heard) {
    if (tls) {
      auto shaken = co_await stream.start_tls_server(*tls);
      if (!shaken) co_return;
    }
    while (heard->find("\r\n\r\n") == std::string::npos) {
      const auto got = co_await stream.read();
      if (!got || got->empty()) co_return;
      *heard += *got;
    }
    const std::string_view bytes = answer;
    co_await stream.write(bytes);
    stream.close();
  }

  void listen(std::string answer, std::shared_ptr<TlsContext> tls = nullptr) {
    listener.emplace(Listener::open("127.0.0.1:0").value());
    loop.start(listener->serve(loop.executor(), [this, answer, tls](int descriptor, const Endpoint&) {
      ++connections;
      loop.start(serve_one(Stream(loop.executor(), descriptor, loop.wheel()), tls, answer, &heard));
    }));
  }
  std::string place(const std::string& scheme, const std::string& host) const {
    return scheme + "://" + host + ":" + std::to_string(listener->bound().port);
  }
  Result<http::Reply> ask(HttpRequest request) {
    HttpClient client(loop.executor(), loop.wheel(), resolve, options);
    auto reply = loop.run(client.send(std::move(request)));
    if (listener) listener->stop();
    loop.run();
    return reply;
  }

  test::Loop loop;
  HttpClientOptions options;
  std::vector<std::string> known = {"127.0.0.1"};
  ResolveHost resolve = [this](std::string host) { return find(std::move(host)); };
  std::vector<std::string> asked;
  std::optional<Listener> listener;
  std::string heard;
  int connections = 0;

private:
  Task<Result<std::vector<std::string>>> find(std::string host) {
    asked.push_back(std::move(host));
    co_return known;
  }
};

const std::string kHello = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

TEST_F(HttpClientTest, AsksUnderVerifiedTls) {
  const SelfSigned pair = make_self_signed("acme.example").value();
  listen(kHello, TlsContext::server(pair.certificate_pem, pair.key_pem).value());
  options.ca_pem = pair.certificate_pem;
  HttpRequest request{.method = "POST", .url = place("https", "acme.example") + "/a?b", .fields = {{"A", "b"}}};
  request.content = "ping";
  const auto reply = ask(request);
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->status, 200u);
  EXPECT_EQ(reply->content, "hello");
  EXPECT_THAT(heard, HasSubstr("POST /a?b HTTP/1.1\r\nHost: acme.example:"));
  EXPECT_THAT(heard, HasSubstr("Connection: close\r\n"));
  EXPECT_TRUE(heard.ends_with("\r\n\r\nping"));
  EXPECT_EQ(asked, std::vector<std::string>{"acme.example"});
}

TEST_F(HttpClientTest, AskedByAnotherNameItIsNotTrusted) {
  const SelfSigned pair = make_self_signed("acme.example").value();
  listen(kHello, TlsContext::server(pair.certificate_pem, pair.key_pem).value());
  options.ca_pem = pair.certificate_pem;
  const auto reply = ask({.url = place("https", "other.example") + "/"});
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, Errc::io);
  EXPECT_EQ(heard, "") << "nothing was said before";
}

TEST_F(HttpClientTest, RootsOfOthersDoNotCount) {
  const SelfSigned pair = make_self_signed("acme.example").value();
  listen(kHello, TlsContext::server(pair.certificate_pem, pair.key_pem).value());
  EXPECT_FALSE(ask({.url = place("https", "acme.example") + "/"}));
  EXPECT_EQ(heard, "");
}

TEST_F(HttpClientTest, PlainOnlyWhereItIsAllowed) {
  listen(kHello);
  const HttpRequest request{.url = place("http", "acme.example") + "/"};
  EXPECT_FALSE(ask(request));
  EXPECT_EQ(connections, 0);
  listen(kHello);
  options.plain = true;
  EXPECT_TRUE(ask({.url = place("http", "acme.example") + "/"}));
}

TEST_F(HttpClientTest, NeighboursAreNotAsked) {
  options.plain = true;
  options.also = {};
  listen(kHello);
  for (const char* host : {"acme.example", "127.0.0.1", "localhost", "a.localhost", "[::1]", "[::ffff:127.0.0.1]"}) {
    HttpClient client(loop.executor(), loop.wheel(), resolve, options);
    HttpRequest request;
    request.url = place("http", host) + "/";
    const auto reply = loop.run(client.send(std::move(request)));
    ASSERT_FALSE(reply) << host;
    EXPECT_EQ(reply.error().code, Errc::refused) << reply.error().message;
  }
  listener->stop();
  loop.run();
  EXPECT_EQ(connections, 0);
  EXPECT_EQ(asked, std::vector<std::string>{"acme.example"});
}

TEST_F(HttpClientTest, EachAddressHasItsTurn) {
  options.plain = true;
  known = {"10.0.0.1", "127.0.0.9", "127.0.0.1"}; // not allowed; nobody listens; it
  listen(kHello);
  EXPECT_TRUE(ask({.url = place("http", "acme.example") + "/"}));
  known.clear();
  const auto none = ask({.url = "http://acme.example/"});
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, Errc::not_found);
}

TEST_F(HttpClientTest, ARedirectIsAnAnswer) {
  options.plain = true;
  listen("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\nContent-Length: 0\r\n\r\n");
  const auto reply = ask({.url = place("http", "acme.example") + "/"});
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->status, 302u);
  EXPECT_EQ(connections, 1);
}

TEST_F(HttpClientTest, BoundsOfSizeAndTime) {
  options.plain = true;
  options.answer.max_content = 4;
  listen(kHello);
  auto reply = ask({.url = place("http", "acme.example") + "/"});
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, Errc::no_space);
  heard.clear();
  options.answer.max_content = 100;
  listen("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello"); // and then it closes
  reply = ask({.url = place("http", "acme.example") + "/"});
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, Errc::closed);
  options.timeout = 0ms;
  listen(kHello);
  reply = ask({.url = place("http", "acme.example") + "/"});
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, Errc::timeout);
}

TEST_F(HttpClientTest, UnderTlsAnAnswerMustTellItsEnd) {
  const SelfSigned pair = make_self_signed("acme.example").value();
  listen("HTTP/1.1 200 OK\r\n\r\nhello", TlsContext::server(pair.certificate_pem, pair.key_pem).value());
  options.ca_pem = pair.certificate_pem;
  EXPECT_FALSE(ask({.url = place("https", "acme.example") + "/"}));
}

} // namespace
} // namespace paquebot::net
