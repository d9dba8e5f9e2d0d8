#include "net/endpoint.h"
#include "net/socket_address.h"

#include <cerrno>
#include <gtest/gtest.h>

namespace paquebot::net {
namespace {

struct Case {
  const char* text;
  const char* address; ///< null when it is refused
  std::uint16_t port;
};

TEST(Endpoint, Parse) {
  const Case cases[] = {
      {"127.0.0.1:25", "127.0.0.1", 25},
      {"0.0.0.0:0", "0.0.0.0", 0},
      {"[::1]:65535", "::1", 65535},
      {"[2001:db8::1]:587", "2001:db8::1", 587},
      {"/run/paquebot/control", "/run/paquebot/control", 0},
      {"127.0.0.1", nullptr, 0},
      {"127.0.0.1:", nullptr, 0},
      {"127.0.0.1:65536", nullptr, 0},
      {"127.0.0.1:-1", nullptr, 0},
      {"127.0.0.1:25x", nullptr, 0},
      {"::1:25", nullptr, 0},
      {"[127.0.0.1]:25", nullptr, 0},
      {"[::1]", nullptr, 0},
      {"localhost:25", nullptr, 0},
      {"127.1:25", nullptr, 0},
      {"", nullptr, 0},
      {":25", nullptr, 0},
      {"[]:25", nullptr, 0},
  };
  for (const auto& c : cases) {
    const auto parsed = parse_endpoint(c.text);
    ASSERT_EQ(parsed.has_value(), c.address != nullptr) << c.text;
    if (!parsed) {
      EXPECT_EQ(parsed.error().code, Errc::invalid);
      EXPECT_NE(parsed.error().message.find(c.text), std::string::npos);
      continue;
    }
    EXPECT_EQ(*parsed, (Endpoint{c.address, c.port})) << c.text;
    EXPECT_EQ(parsed->to_string(), c.text);
  }
}

TEST(Endpoint, ThroughTheSystemsForm) {
  for (const Endpoint& endpoint : {Endpoint{"192.0.2.1", 25}, Endpoint{"2001:db8::1", 465}, Endpoint{"/tmp/x", 0}}) {
    const auto raw = to_socket_address(endpoint);
    ASSERT_TRUE(raw);
    EXPECT_EQ(from_socket_address(*raw), endpoint);
  }
  const auto mapped = to_socket_address({"::ffff:192.0.2.1", 25});
  ASSERT_TRUE(mapped);
  EXPECT_EQ(from_socket_address(*mapped), (Endpoint{"192.0.2.1", 25}));
}

TEST(Endpoint, RefusesWhatTheSystemCannotTake) {
  EXPECT_FALSE(to_socket_address({"/" + std::string(108, 'x'), 0}));
  EXPECT_FALSE(to_socket_address({std::string("/a\0b", 4), 0}));
  EXPECT_FALSE(to_socket_address({std::string("127.0.0.1\0x", 11), 1}));
  EXPECT_FALSE(to_socket_address({"example.test", 1}));
}

TEST(Endpoint, ErrorsFromErrno) {
  EXPECT_EQ(errno_error(ECONNREFUSED, "x").code, Errc::refused);
  EXPECT_EQ(errno_error(EPIPE, "x").code, Errc::closed);
  EXPECT_EQ(errno_error(ENETUNREACH, "x").code, Errc::io);
  EXPECT_EQ(errno_error(ENETUNREACH, "x").message, "x: Network is unreachable");
}

} // namespace
} // namespace paquebot::net
