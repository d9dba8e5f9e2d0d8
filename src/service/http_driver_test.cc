#include "directory/test_server.h"
#include "net/test_support.h"
#include "service/http.h"
#include "service/http_driver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace paquebot::service {
namespace {

using ::testing::HasSubstr;

class HttpDriverTest : public ::testing::Test {
protected:
  HttpDriverTest() : control(server.store(), server.directory(), {}) {}

  /// What the server says to `bytes`, up to the end of the connection.
  std::string talk(std::string bytes) {
    auto pair = loop.pair();
    auto client = [](net::Stream stream, std::string out) -> Task<std::string> {
      const auto written = co_await stream.write(out);
      std::string in;
      for (;;) {
        const auto got = co_await stream.read();
        if (!written || !got || got->empty()) co_return in;
        in += *got;
      }
    };
    loop.start(serve_http(std::move(pair.left), control));
    return loop.run(client(std::move(pair.right), std::move(bytes)));
  }

  directory::TestServer server;
  control::Control control;
  net::test::Loop loop;
};

TEST_F(HttpDriverTest, SeveralRequestsOnOneConnection) {
  const auto answer =
      talk("POST /v1/domains HTTP/1.1\r\nHost: x\r\nContent-Length: 22\r\n\r\n{\"name\":\"example.org\"}"
           "GET /v1/domains HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(answer, HasSubstr("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(answer, HasSubstr("{\"domains\":[{\"name\":\"example.org\""));
  EXPECT_THAT(answer, HasSubstr("Connection: close"));
}

TEST_F(HttpDriverTest, WhatIsNotHttpIsToldAndClosed) {
  EXPECT_THAT(talk("EHLO me\r\n\r\n"), HasSubstr("HTTP/1.1 400"));
  EXPECT_THAT(talk("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n"), HasSubstr("HTTP/1.1 413"));
}

TEST_F(HttpDriverTest, HeadHasNoBody) {
  const auto answer = talk("HEAD /v1/domains HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(answer, HasSubstr("HTTP/1.1 405"));
  EXPECT_TRUE(answer.ends_with("\r\n\r\n"));
}

} // namespace
} // namespace paquebot::service
