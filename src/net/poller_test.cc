#include "net/poller.h"
#include "net/stream.h"
#include "net/test_support.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <memory>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace paquebot::net {
namespace {

using namespace std::chrono_literals;

Task<std::string> read_word(Stream& stream) {
  auto got = co_await stream.read();
  co_return got ? std::string(*got) : "(" + got.error().message + ")";
}

Task<void> close_when_told(Stream& mine, Stream& other, int* told) {
  auto got = co_await mine.read();
  if (!got) co_return;
  ++*told;
  other.close();
}

Task<bool> write_word(Stream& stream, std::string word) {
  auto sent = co_await stream.write(word);
  co_return sent.has_value();
}

/// A connection over TCP to ourselves: the streams of pair() are local sockets.
test::StreamPair tcp_pair(test::Loop& loop) {
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* raw = reinterpret_cast<sockaddr*>(&address);
  EXPECT_EQ(::bind(listener, raw, size), 0);
  EXPECT_EQ(::listen(listener, 1), 0);
  EXPECT_EQ(::getsockname(listener, raw, &size), 0);
  const int left = ::socket(AF_INET, SOCK_STREAM, 0);
  EXPECT_EQ(::connect(left, raw, size), 0);
  const int right = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK);
  const int nonblocking = 1;
  EXPECT_EQ(::ioctl(left, FIONBIO, &nonblocking), 0);
  ::close(listener);
  return {Stream(loop.executor(), left, loop.wheel()), Stream(loop.executor(), right, loop.wheel())};
}

TEST(Poller, RemembersWhatCameWhileNobodyWaited) {
  test::Loop loop;
  auto pair = tcp_pair(loop);
  ASSERT_TRUE(loop.run(write_word(pair.left, "one")));
  EXPECT_EQ(loop.run(read_word(pair.right)), "one");
  for (int i = 0; i < 5; ++i) { // each read is emptied by the one before it and has to find the next edge
    ASSERT_TRUE(loop.run(write_word(pair.left, "more")));
    EXPECT_EQ(loop.run(read_word(pair.right)), "more");
  }
}

TEST(Poller, SeesTheEndThatCameWithTheLastOctets) {
  test::Loop loop;
  auto pair = tcp_pair(loop);
  ASSERT_TRUE(loop.run(write_word(pair.left, "last")));
  pair.left.close(); // before anything was read: there is one edge for both
  EXPECT_EQ(loop.run(read_word(pair.right)), "last");
  EXPECT_EQ(loop.run(read_word(pair.right)), "");
  EXPECT_EQ(loop.run(read_word(pair.right)), "") << "and it stays so";
}

TEST(Poller, SeesTheEndOfAPeerThatStillReads) {
  test::Loop loop;
  auto pair = loop.pair();
  ASSERT_TRUE(loop.run(write_word(pair.left, "last")));
  EXPECT_EQ(loop.run(read_word(pair.right)), "last");
  pair.left.close();
  EXPECT_EQ(loop.run(read_word(pair.right)), "");
}

TEST(Poller, AStreamClosedByAnotherThatIsToldFirstIsNotTold) {
  test::Loop loop;
  auto first = loop.pair();
  auto second = loop.pair();
  int told = 0;
  loop.start(close_when_told(first.right, second.right, &told));
  loop.start(close_when_told(second.right, first.right, &told));
  const auto both = [&]() -> Task<void> {
    co_await sleep_for(1ms); // until both wait
    EXPECT_EQ(first.left.write_now("now"), 3u);
    EXPECT_EQ(second.left.write_now("now"), 3u);
  };
  loop.start(both());
  loop.run();
  EXPECT_EQ(told, 1) << "both sockets are ready in one look";
}

TEST(Poller, ReaderAndWriterWaitAtOnce) {
  test::Loop loop;
  auto pair = loop.pair(4096);
  const std::string large(1'000'000, 'x');
  bool written = false;
  const auto writes = [&]() -> Task<void> { written = co_await write_word(pair.left, large); };
  std::string heard;
  const auto reads = [&]() -> Task<void> { heard = co_await read_word(pair.left); };
  std::size_t size = 0;
  const auto peer = [&]() -> Task<void> {
    const std::string reply = "reply";
    co_await pair.right.write(reply);
    while (size < large.size()) {
      auto got = co_await pair.right.read();
      if (!got || got->empty()) co_return;
      size += got->size();
    }
  };
  loop.start(writes());
  loop.start(reads());
  loop.start(peer());
  loop.run();
  EXPECT_TRUE(written);
  EXPECT_EQ(heard, "reply");
  EXPECT_EQ(size, large.size());
}

TEST(Poller, KeepsTheContextRunningOnlyWhileSomebodyWaits) {
  test::Loop loop;
  auto pair = loop.pair();
  std::string heard;
  const auto reads = [&]() -> Task<void> { heard = co_await read_word(pair.right); };
  loop.start(reads());
  const auto closes = [&]() -> Task<void> {
    co_await sleep_for(1ms);
    pair.right.close();
  };
  loop.start(closes());
  loop.run(); // ends
  EXPECT_EQ(heard, "(the connection is closed)");
}

TEST(Poller, CoroutinesThatStillWaitGoWithTheContext) {
  auto held = std::make_shared<int>(7);
  const std::weak_ptr<int> watched = held;
  {
    test::Loop loop;
    const auto waits = [](std::shared_ptr<int>, test::StreamPair pair) -> Task<void> {
      co_await pair.right.read();
      ADD_FAILURE() << "nothing came";
    };
    loop.start(waits(std::move(held), loop.pair()));
    const auto nothing = []() -> Task<bool> { co_return true; };
    EXPECT_TRUE(loop.run(nothing()));
    EXPECT_FALSE(watched.expired());
  }
  EXPECT_TRUE(watched.expired());
}

TEST(Poller, WriteNowSendsWhatFits) {
  test::Loop loop;
  auto pair = loop.pair(4096);
  EXPECT_EQ(pair.left.write_now("word"), 4u);
  EXPECT_EQ(loop.run(read_word(pair.right)), "word");
  const std::string large(1'000'000, 'x');
  EXPECT_LT(pair.left.write_now(large), large.size());
  pair.left.close();
  EXPECT_EQ(pair.left.write_now("word"), 0u);
}

} // namespace
} // namespace paquebot::net
