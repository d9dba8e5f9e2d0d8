#include "service/http.h"

#include <gtest/gtest.h>

namespace paquebot::service {
namespace {

using RequestReader = HttpReader<HttpRequest>;

TEST(HttpReader, OneRequestAtEverySplit) {
  const std::string text =
      "POST /v1/domains?x=1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 7\r\n\r\n{\"a\":1}GET / HTTP/1.1\r\n\r\n";
  for (std::size_t split = 0; split <= text.size(); ++split) {
    RequestReader reader(100);
    EXPECT_TRUE(reader.idle());
    reader.feed(text.substr(0, split));
    ASSERT_TRUE(reader.complete()) << split;
    reader.feed(text.substr(split));
    ASSERT_EQ(reader.complete().value(), true) << split;
    const auto first = reader.take();
    EXPECT_EQ(first.method, "POST");
    EXPECT_EQ(first.target, "/v1/domains?x=1");
    EXPECT_EQ(first.body, "{\"a\":1}");
    EXPECT_TRUE(first.keep_alive);
    ASSERT_EQ(reader.complete().value(), true) << split;
    EXPECT_EQ(reader.take().method, "GET");
    EXPECT_TRUE(reader.idle());
    EXPECT_EQ(reader.complete().value(), false);
  }
}

TEST(HttpReader, ByteByByte) {
  const std::string text =
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
  RequestReader reader(100);
  bool done = false;
  for (const char c : text) {
    EXPECT_FALSE(done);
    reader.feed(std::string_view(&c, 1));
    done = reader.complete().value();
  }
  ASSERT_TRUE(done);
  EXPECT_EQ(reader.take().body, "abcde");
}

TEST(HttpReader, Bounds) {
  const struct {
    std::string text;
    Errc code;
  } cases[] = {
      {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 101\r\n\r\n", Errc::no_space},
      {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nFFF\r\n" + std::string(200, 'x'),
       Errc::no_space},
      {"GET / HTTP/1.1\r\nX: " + std::string(20000, 'x'), Errc::no_space},
      {"EHLO example.org\r\n\r\n", Errc::invalid},
      {"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", Errc::invalid},
      {std::string("\0\1\2\r\n\r\n", 7), Errc::invalid},
  };
  for (const auto& c : cases) {
    RequestReader reader(100);
    reader.feed(c.text);
    const auto result = reader.complete();
    ASSERT_FALSE(result) << c.text.substr(0, 60);
    EXPECT_EQ(result.error().code, c.code) << c.text.substr(0, 60);
  }
}

TEST(HttpReader, Expectation) {
  RequestReader reader(100);
  reader.feed("POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n");
  EXPECT_EQ(reader.complete().value(), false);
  EXPECT_TRUE(reader.take_expectation());
  EXPECT_FALSE(reader.take_expectation());
  reader.feed("x");
  EXPECT_EQ(reader.complete().value(), true);
}

TEST(HttpReader, ResponsesAndFormats) {
  HttpReader<HttpResponse> reader(1000);
  reader.feed(format_response(404, "{\"error\":1}", false));
  ASSERT_EQ(reader.complete().value(), true);
  const auto response = reader.take();
  EXPECT_EQ(response.status, 404U);
  EXPECT_EQ(response.body, "{\"error\":1}");
  EXPECT_FALSE(response.keep_alive);
  RequestReader requests(1000);
  requests.feed(format_request("PATCH", "/v1/x", "{}"));
  ASSERT_EQ(requests.complete().value(), true);
  EXPECT_EQ(requests.take().method, "PATCH");
}

} // namespace
} // namespace paquebot::service
