#include "net/test_support.h"
#include "service/proxied.h"

#include <gtest/gtest.h>

namespace paquebot::service {
namespace {

Task<Result<>> put(net::Stream& stream, std::string bytes) { co_return co_await stream.write(bytes); }

Task<std::string> rest_of(net::Stream& stream) {
  std::string all;
  for (;;) {
    auto got = co_await stream.read();
    if (!got || got->empty()) co_return all;
    all += *got;
  }
}

/// What a connection that begins with `bytes` comes to: the client's address and what the session reads, or the error.
std::string outcome(const std::string& bytes) {
  net::test::Loop loop;
  auto pair = loop.pair();
  EXPECT_TRUE(loop.run(put(pair.left, bytes)));
  pair.left.close();
  auto done = loop.run(read_proxy_header(pair.right));
  if (!done) return done.error().message;
  return pair.right.remote().to_string() + " " + pair.right.local().to_string() + " " + loop.run(rest_of(pair.right));
}

TEST(Proxied, LeavesTheRestToTheSession) {
  EXPECT_EQ(outcome("PROXY TCP4 192.0.2.1 198.51.100.2 1025 25\r\nEHLO x\r\n"),
            "192.0.2.1:1025 198.51.100.2:25 EHLO x\r\n");
  EXPECT_EQ(outcome("PROXY TCP6 2001:db8::1 ::1 1 2\r\n\x16\x03"), "[2001:db8::1]:1 [::1]:2 \x16\x03");
  EXPECT_TRUE(outcome("PROXY UNKNOWN\r\nQUIT\r\n").ends_with(" QUIT\r\n"));
}

TEST(Proxied, RefusesWhatIsNoHeader) {
  EXPECT_EQ(outcome("EHLO client.example\r\n"), "no valid PROXY header: it begins with something else");
  EXPECT_EQ(outcome("PROXY TCP4 192.0.2.1"), "closed within the PROXY header");
  EXPECT_EQ(outcome(""), "closed within the PROXY header");
}

} // namespace
} // namespace paquebot::service
