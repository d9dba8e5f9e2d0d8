#include "app/inherited.h"
#include "net/endpoint.h"

#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <string>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <vector>

namespace paquebot::app {
namespace {

/// A socket on a free port of the loopback, as a manager opens it: blocking, and open for children.
int open_socket(bool listening) {
  const int made = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::bind(made, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  if (listening) {
    EXPECT_EQ(::listen(made, 5), 0);
  }
  return made;
}

std::string address_of(int descriptor) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  EXPECT_EQ(::getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size), 0);
  return net::Endpoint{"127.0.0.1", ntohs(address.sin_port)}.to_string();
}

TEST(Inherited, GoesByNameOrElseByAddress) {
  const int first = open_socket(true), second = open_socket(true);
  const std::string first_address = address_of(first);
  Inherited inherited({first, second}, {"paquebot.socket", "mail-in"});
  ListenerConfig by_address, by_name, other;
  by_address.address = first_address;
  by_name.address = "0.0.0.0:25";
  by_name.socket = "mail-in";
  other.address = "127.0.0.1:1";
  EXPECT_FALSE(inherited.take(other));
  auto taken = inherited.take(by_address);
  ASSERT_TRUE(taken);
  EXPECT_EQ(taken->bound().to_string(), first_address);
  EXPECT_TRUE(::fcntl(first, F_GETFL) & O_NONBLOCK);
  EXPECT_TRUE(::fcntl(first, F_GETFD) & FD_CLOEXEC);
  EXPECT_FALSE(inherited.take(by_address)) << "it is taken already";
  EXPECT_TRUE(inherited.take(by_name));
}

TEST(Inherited, ANameThatNobodyPassedIsNotReplacedByAnAddress) {
  const int passed = open_socket(true);
  ListenerConfig listener;
  listener.address = address_of(passed);
  listener.socket = "other";
  Inherited inherited({passed}, {"one"});
  EXPECT_FALSE(inherited.take(listener));
}

TEST(Inherited, WhatNobodyTakesIsClosed) {
  const int idle = open_socket(true);
  Inherited inherited({idle}, {});
  inherited.close_rest();
  EXPECT_EQ(::fcntl(idle, F_GETFD), -1);
}

TEST(Inherited, OnlySocketsThatListen) {
  const int bound = open_socket(false), file = ::dup(0), datagrams = ::socket(AF_INET, SOCK_DGRAM, 0);
  ListenerConfig listener;
  listener.socket = "x";
  Inherited inherited({bound, file, datagrams}, {"x", "x", "x"});
  EXPECT_FALSE(inherited.take(listener));
  for (const int one : {bound, file, datagrams}) EXPECT_EQ(::fcntl(one, F_GETFD), -1);
}

TEST(Inherited, ALocalSocketStaysAtItsPath) {
  std::string folder = testing::TempDir() + "inherited-XXXXXX";
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  const std::string path = folder + "/lmtp";
  const int made = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, path.size());
  ASSERT_EQ(::bind(made, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(made, 5), 0);
  ListenerConfig listener;
  listener.address = "unix:" + path;
  {
    Inherited inherited({made}, {"x"});
    EXPECT_TRUE(inherited.take(listener));
  }
  EXPECT_TRUE(std::filesystem::exists(path)) << "it is the manager's, who gives it to the next one";
  std::filesystem::remove_all(folder);
}

TEST(Inherited, WhatIsForAnotherProcessIsLeft) {
  ::setenv("LISTEN_FDS", "1", 1);
  ::setenv("LISTEN_PID", "1", 1);
  ListenerConfig listener;
  listener.address = "127.0.0.1:1";
  EXPECT_FALSE(Inherited::take_from_environment().take(listener));
  EXPECT_EQ(std::getenv("LISTEN_FDS"), nullptr);
}

} // namespace
} // namespace paquebot::app
