#include "net/listener.h"
#include "net/socket_address.h"
#include "net/stream_impl.h"
#include "net/test_support.h"

#include <fcntl.h>
#include <filesystem>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

namespace paquebot::net {
namespace {

using namespace std::chrono_literals;

std::chrono::steady_clock::time_point soon() { return std::chrono::steady_clock::now() + 20s; }

/// A directory of its own, removed at the end.
struct Directory {
  Directory() {
    char name[] = "/tmp/paquebot-net-XXXXXX";
    path = ::mkdtemp(name);
  }
  ~Directory() { std::filesystem::remove_all(path); }
  std::string path;
};

/// Greets each connection, then says back what comes until the end.
Task<void> echo(Stream stream) {
  stream.set_deadline(soon());
  for (;;) {
    auto got = co_await stream.read();
    if (!got || got->empty()) co_return;
    auto sent = co_await stream.write(*got);
    if (!sent) co_return;
  }
}

struct EchoServer {
  explicit EchoServer(test::Loop& in, const std::string& address) : loop(in), listener(Listener::open(address)) {
    if (!listener) return;
    loop.start(listener->serve(loop.executor(), [this](int descriptor, Endpoint peer) {
      peers.push_back(peer);
      loop.start(echo(Stream(loop.executor(), descriptor, loop.wheel())));
    }));
  }
  test::Loop& loop;
  Result<Listener> listener;
  std::vector<Endpoint> peers;
};

Task<Result<std::string>> say(test::Loop& loop, Endpoint to, std::string from, std::string words) {
  const bool local = to.is_local();
  auto made = local ? connect_local(loop.executor(), loop.wheel(), to.address, soon())
                    : connect_tcp(loop.executor(), loop.wheel(), to, from, soon());
  auto stream = co_await std::move(made);
  if (!stream) co_return std::unexpected(stream.error());
  stream->set_deadline(soon());
  auto sent = co_await stream->write(words);
  std::string back;
  while (back.size() < words.size()) {
    auto got = co_await stream->read();
    if (!got) co_return std::unexpected(got.error());
    if (got->empty()) break;
    back += *got;
  }
  co_return back;
}

/// Octets with an urgent pointer at the last of them (RFC 9293 section 3.8.5), and more behind.
Task<Result<std::string>> say_urgently(test::Loop& loop, Endpoint to) {
  auto made = connect_tcp(loop.executor(), loop.wheel(), std::move(to), "", soon());
  auto stream = co_await std::move(made);
  if (!stream) co_return std::unexpected(stream.error());
  stream->set_deadline(soon());
  std::string back;
  const int descriptor = StreamAccess::impl(*stream).socket.descriptor;
  for (const std::string_view words : {"one!", " two!", " three!"}) {
    const std::size_t before = back.size();
    ::send(descriptor, words.data(), words.size(), MSG_OOB);
    ::send(descriptor, " and more", 9, 0);
    while (back.size() < before + words.size() + 9) {
      auto got = co_await stream->read();
      if (!got) co_return std::unexpected(got.error());
      if (got->empty()) co_return back;
      back += *got;
    }
  }
  co_return back;
}

TEST(Listener, ServesEveryFamily) {
  const Directory directory;
  const std::string socket = directory.path + "/s";
  for (const std::string& address :
       {std::string("127.0.0.1:0"), std::string("[::1]:0"), std::string("[::]:0"), socket}) {
    test::Loop loop;
    EchoServer server(loop, address);
    ASSERT_TRUE(server.listener) << server.listener.error().message;
    Endpoint to = server.listener->bound();
    if (to.address == "::") to.address = "127.0.0.1"; // both families
    const auto back = loop.run(say(loop, to, "", "hello"));
    ASSERT_TRUE(back) << address << ": " << back.error().message;
    EXPECT_EQ(*back, "hello");
    ASSERT_EQ(server.peers.size(), 1u);
    EXPECT_EQ(server.peers[0].address, to.is_local() ? "" : to.address);
    server.listener->stop();
    server.listener->stop();
    loop.run();
  }
}

TEST(Listener, ConnectsFromAGivenAddress) {
  test::Loop loop;
  EchoServer server(loop, "127.0.0.1:0");
  ASSERT_TRUE(server.listener);
  const auto back = loop.run(say(loop, server.listener->bound(), "127.0.0.9", "hello"));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(server.peers.at(0).address, "127.0.0.9");
  EXPECT_FALSE(loop.run(say(loop, server.listener->bound(), "::1", "hello")));
  EXPECT_FALSE(loop.run(say(loop, server.listener->bound(), "192.0.2.1", "hello")));
}

TEST(Listener, ManyConnections) {
  test::Loop loop;
  EchoServer server(loop, "127.0.0.1:0");
  ASSERT_TRUE(server.listener);
  constexpr int kMany = 500;
  int good = 0;
  auto client = [](test::Loop& on, Endpoint to, int* count) -> Task<void> {
    std::string from, words = "x";
    auto back = co_await say(on, std::move(to), std::move(from), std::move(words));
    if (back && *back == "x") ++*count;
  };
  for (int i = 0; i < kMany; ++i) loop.start(client(loop, server.listener->bound(), &good));
  auto all = [](const int* count) -> Task<bool> {
    while (*count < kMany) co_await sleep_for(1ms);
    co_return true;
  };
  EXPECT_TRUE(loop.run(all(&good)));
}

TEST(Listener, RefusedConnectionsAreErrors) {
  test::Loop loop;
  Endpoint to;
  {
    auto listener = Listener::open("127.0.0.1:0");
    ASSERT_TRUE(listener);
    to = listener->bound();
  }
  const auto back = loop.run(say(loop, to, "", "x"));
  ASSERT_FALSE(back);
  EXPECT_EQ(back.error().code, Errc::refused);
  EXPECT_NE(back.error().message.find(to.to_string()), std::string::npos) << back.error().message;
  EXPECT_FALSE(loop.run(say(loop, {"/nonexistent/socket", 0}, "", "x")));
  EXPECT_FALSE(loop.run(say(loop, {"not an address", 1}, "", "x")));
}

TEST(Listener, AConnectionThatNobodyAcceptsEndsByItsDeadline) {
  test::Loop loop;
  auto any = Listener::open("127.0.0.1:0"); // for a free port and its address
  ASSERT_TRUE(any);
  auto silent = [](test::Loop& on, Endpoint to) -> Task<Result<std::string>> {
    auto deadline = std::chrono::steady_clock::now() + 10ms;
    std::string from;
    auto made = connect_tcp(on.executor(), on.wheel(), to, from, deadline);
    auto stream = co_await std::move(made);
    if (!stream) co_return std::unexpected(stream.error());
    auto got = co_await stream->read(); // connected by the kernel, never served
    if (!got) co_return std::unexpected(got.error());
    co_return std::string(*got);
  };
  const auto got = loop.run(silent(loop, any->bound()));
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, Errc::timeout);
}

TEST(Listener, TwoOnOnePlaceAreRefused) {
  const Directory directory;
  auto first = Listener::open("127.0.0.1:0");
  ASSERT_TRUE(first);
  const auto second = Listener::open(first->bound().to_string());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::conflict);
  const auto local = Listener::open(directory.path + "/s");
  ASSERT_TRUE(local);
  const auto again = Listener::open(directory.path + "/s");
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, Errc::conflict);
}

TEST(Listener, LocalSocketsHaveTheirModeAndReplaceStaleOnes) {
  const Directory directory;
  const std::string path = directory.path + "/s";
  // What a process leaves that did not close: a bound socket that nobody listens on.
  const int dead = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const auto address = to_socket_address({path, 0}).value();
  ASSERT_EQ(::bind(dead, address.raw(), address.size), 0);
  ::close(dead);
  const auto listener = Listener::open(path, 0660);
  ASSERT_TRUE(listener) << listener.error().message;
  struct stat info{};
  ASSERT_EQ(::stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777u, 0660u);
}

TEST(Listener, BadAddressesAreRefused) {
  for (const char* address : {"", "25", "example.test:25", "127.0.0.1:99999", "192.0.2.77:0", "/nonexistent/x/s"})
    EXPECT_FALSE(Listener::open(address)) << address;
}

/// Lowers the number of descriptors this process may have, for a while.
struct FewDescriptors {
  explicit FewDescriptors(rlim_t most) {
    ::getrlimit(RLIMIT_NOFILE, &before);
    const rlimit lower{most, before.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &lower);
  }
  ~FewDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before); }
  rlimit before{};
};

TEST(Listener, RestsWhileDescriptorsAreOut) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "the sanitizers need descriptors of their own to look at memory";
#endif
  test::Loop loop;
  EchoServer server(loop, "127.0.0.1:0");
  ASSERT_TRUE(server.listener);
  const int waiting = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  std::vector<int> filling;
  {
    const FewDescriptors few(static_cast<rlim_t>(waiting) + 20);
    for (int fd = ::dup(waiting); fd >= 0; fd = ::dup(waiting)) filling.push_back(fd);
    const auto to = to_socket_address(server.listener->bound()).value();
    ASSERT_EQ(::connect(waiting, to.raw(), to.size), 0);
    ASSERT_EQ(::fcntl(waiting, F_SETFL, O_NONBLOCK), 0);
    Stream client(loop.executor(), waiting, loop.wheel());
    auto meet = [](Stream& stream, std::vector<int>& held, const EchoServer& with) -> Task<bool> {
      co_await sleep_for(20ms);
      const bool none = with.peers.empty();
      for (const int fd : held) ::close(fd);
      const std::string words = "x";
      auto sent = co_await stream.write(words);
      auto got = co_await stream.read();
      co_return none&& got && *got == "x";
    };
    EXPECT_TRUE(loop.run(meet(client, filling, server)));
  }
}

TEST(Listener, UrgentDataIsDataAndStopsNothing) {
  test::Loop loop;
  EchoServer server(loop, "127.0.0.1:0");
  ASSERT_TRUE(server.listener) << server.listener.error().message;
  const auto back = loop.run(say_urgently(loop, server.listener->bound()));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(*back, "one! and more two! and more three! and more");
  server.listener->stop();
  loop.run();
}

} // namespace
} // namespace paquebot::net
