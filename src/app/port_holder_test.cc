#include "app/port_holder.h"
#include "net/listener.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace paquebot::app {
namespace {

using ::testing::HasSubstr;

TEST(PortHolder, NamesTheProcessThatListens) {
  for (const char* address : {"127.0.0.1:0", "[::]:0"}) {
    const auto holding = net::Listener::open(address);
    if (!holding) continue; // no IPv6 here
    const net::Endpoint bound = holding->bound();
    const auto holder = holder_of(bound.port);
    ASSERT_TRUE(holder) << address;
    EXPECT_EQ(holder->pid, ::getpid());
    const auto taken = try_listening(bound.to_string());
    ASSERT_FALSE(taken);
    EXPECT_THAT(taken.error().message, HasSubstr("(process " + std::to_string(::getpid()) + ") has this port"));
  }
}

TEST(PortHolder, NobodyThere) {
  std::uint16_t port = 0;
  {
    const auto held = net::Listener::open("127.0.0.1:0");
    ASSERT_TRUE(held);
    port = held->bound().port;
  }
  EXPECT_FALSE(holder_of(port));
  EXPECT_TRUE(try_listening("127.0.0.1:" + std::to_string(port)));
  EXPECT_TRUE(try_listening("/no/such/folder/socket"));
  EXPECT_FALSE(try_listening("25"));
}

TEST(PortHolder, ALowPortSaysForWhomItIs) {
  const Error error{Errc::permission, "listening on 0.0.0.0:25 failed: Permission denied"};
  EXPECT_THAT(explain_listen_error("0.0.0.0:25", error).message, HasSubstr("CAP_NET_BIND_SERVICE"));
  EXPECT_EQ(explain_listen_error("0.0.0.0:2525", error).message, error.message);
  EXPECT_THAT(explain_listen_error("127.0.0.1:1", {Errc::conflict, "taken"}).message, HasSubstr("sport = :1"));
}

} // namespace
} // namespace paquebot::app
