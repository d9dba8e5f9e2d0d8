#include "base/task.h"
#include "net/stream.h"
#include "net/test_support.h"
#include "net/test_transfer.h"

#include <csignal>
#include <cstring>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

namespace paquebot::net {
namespace {

using namespace std::chrono_literals;

Task<Result<std::string>> read_once(Stream& stream) {
  auto got = co_await stream.read();
  if (!got) co_return std::unexpected(got.error());
  co_return std::string(*got);
}

Task<Result<>> write_all(Stream& stream, std::string bytes) { co_return co_await stream.write(bytes); }

std::string pattern(std::size_t size) {
  std::string bytes(size, '\0');
  unsigned state = 1;
  for (char& c : bytes) {
    state = state * 1664525u + 1013904223u;
    c = static_cast<char>(state >> 24);
  }
  return bytes;
}

TEST(Stream, TellsWhetherInputWaitsWithoutTakingIt) {
  test::Loop loop;
  auto pair = loop.pair();
  EXPECT_FALSE(pair.right.has_input());
  ASSERT_TRUE(loop.run(write_all(pair.left, "early")));
  EXPECT_TRUE(pair.right.has_input());
  EXPECT_EQ(loop.run(read_once(pair.right)).value(), "early");
  EXPECT_FALSE(pair.right.has_input());
  pair.left.close();
  EXPECT_FALSE(pair.right.has_input()) << "the end is no input";
  pair.right.close();
  EXPECT_FALSE(pair.right.has_input());
}

TEST(Stream, CarriesBytesWithBackPressure) {
  test::Loop loop;
  auto pair = loop.pair(4096); // far less than what is sent: the writer has to wait
  const std::string bytes = pattern(5'000'000);
  loop.start(send_then_close(pair.left, bytes));
  const auto all = loop.run(read_all(pair.right));
  ASSERT_TRUE(all) << all.error().message;
  EXPECT_TRUE(*all == bytes);
}

TEST(Stream, DeadlineEndsAWaitingRead) {
  test::Loop loop;
  auto pair = loop.pair();
  pair.left.set_deadline(in(50ms));
  const auto got = loop.run(read_once(pair.left));
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, Errc::timeout);
  EXPECT_TRUE(pair.left.timed_out());
  // And everything after it, also what would not have to wait.
  const auto sent = loop.run(write_all(pair.left, "x"));
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().code, Errc::timeout);
}

TEST(Stream, ANewDeadlineGivesNewTime) {
  test::Loop loop;
  auto pair = loop.pair();
  pair.left.set_deadline(in(0ms));
  ASSERT_FALSE(loop.run(read_once(pair.left)));
  pair.left.set_deadline(in(1min));
  EXPECT_FALSE(pair.left.timed_out());
  ASSERT_TRUE(loop.run(write_all(pair.right, "again")));
  EXPECT_EQ(loop.run(read_once(pair.left)).value(), "again");
}

TEST(Stream, DeadlineEndsAWaitingWrite) {
  test::Loop loop;
  auto pair = loop.pair(4096);
  pair.left.set_deadline(in(50ms));
  const auto sent = loop.run(write_all(pair.left, pattern(1'000'000)));
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().code, Errc::timeout);
}

Task<void> flood(Stream& stream) {
  const std::string block(60'000, 'x');
  for (;;) {
    auto sent = co_await stream.write(block);
    if (!sent) co_return;
  }
}

Task<Result<std::size_t>> read_until_error(Stream& stream) {
  std::size_t total = 0;
  for (;;) {
    auto got = co_await stream.read();
    if (!got) co_return std::unexpected(got.error());
    total += got->size();
    if (got->empty()) co_return total;
  }
}

TEST(Stream, DeadlineEndsAPeerThatNeverStops) {
  test::Loop loop;
  auto pair = loop.pair();
  pair.right.set_deadline(in(50ms));
  loop.start(flood(pair.left));
  const auto got = loop.run(read_until_error(pair.right));
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, Errc::timeout);
  pair.right.close();
  loop.run();
}

Task<bool> count_turns(int* turns, const bool* done) {
  while (!*done) {
    co_await sleep_for(0ms);
    ++*turns;
  }
  co_return true;
}

Task<void> read_blocks(Stream& stream, int blocks, int* turns, int* seen, bool* done) {
  for (int i = 0; i < blocks; ++i) {
    auto got = co_await stream.read();
    EXPECT_TRUE(got && !got->empty());
  }
  *seen = *turns;
  *done = true;
}

TEST(Stream, ABusyConnectionLetsOthersRun) {
  test::Loop loop;
  auto pair = loop.pair();
  int turns = 0, seen = 0;
  bool done = false;
  loop.start(flood(pair.left));
  loop.start(read_blocks(pair.right, 2000, &turns, &seen, &done));
  ASSERT_TRUE(loop.run(count_turns(&turns, &done)));
  EXPECT_GT(seen, 0);
  pair.right.close();
  loop.run();
}

TEST(Stream, HalfClosedPeerStillReads) {
  test::Loop loop;
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
  Stream stream(loop.executor(), ends[0], loop.wheel());
  ASSERT_EQ(::send(ends[1], "QUIT\r\n", 6, 0), 6);
  ASSERT_EQ(::shutdown(ends[1], SHUT_WR), 0);
  EXPECT_EQ(loop.run(read_all(stream)).value(), "QUIT\r\n");
  ASSERT_TRUE(loop.run(write_all(stream, "221 bye\r\n")));
  char reply[16];
  EXPECT_EQ(::recv(ends[1], reply, sizeof reply, 0), 9);
  ::close(ends[1]);
}

TEST(Stream, WritingToAClosedPeerIsAnErrorAndNoSignal) {
  test::Loop loop;
  auto pair = loop.pair();
  pair.right.close();
  const auto sent = loop.run(write_all(pair.left, "x"));
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().code, Errc::closed);
}

Task<Result<std::string>> close_while_reading(Stream& stream, test::Loop& loop) {
  auto later = [](Stream& s) -> Task<void> {
    co_await sleep_for(1ms);
    s.close();
  };
  loop.start(later(stream));
  auto got = co_await stream.read();
  if (!got) co_return std::unexpected(got.error());
  co_return std::string(*got);
}

TEST(Stream, CloseEndsAWaitingRead) {
  test::Loop loop;
  auto pair = loop.pair();
  const auto got = loop.run(close_while_reading(pair.left, loop));
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, Errc::closed);
  pair.left.close();
  pair.left.set_deadline(in(1h));
  EXPECT_EQ(loop.run(read_once(pair.left)).error().code, Errc::closed);
}

TEST(Stream, TheViewStaysUntilTheNextRead) {
  test::Loop loop;
  auto pair = loop.pair();
  auto both = [](Stream& from, Stream& to) -> Task<bool> {
    const std::string hello = "hello";
    auto sent = co_await from.write(hello);
    auto got = co_await to.read();
    auto answered = co_await to.write(*got);
    const bool same = *got == "hello";
    to.release_buffer();
    to.release_buffer();
    auto back = co_await from.read();
    co_return sent&& answered&& same && *back == "hello";
  };
  EXPECT_TRUE(loop.run(both(pair.left, pair.right)));
}

/// What a session does whose reader waits for the disk while somebody ends it.
Task<std::string> look_after_close(test::StreamPair& pair, test::StreamPair& other) {
  const std::string first(1000, 'a'), second(1000, 'b'), foreign(1000, 'c');
  auto sent = co_await pair.left.write(first);
  auto got = co_await pair.right.read();
  if (!sent || !got || *got != first) co_return "nothing came";
  sent = co_await pair.left.write(second); // unread when it closes: it is dropped, but not into what was read before
  pair.right.close();
  auto more = co_await other.left.write(foreign);
  auto elsewhere = co_await other.right.read(); // must not get the same buffer
  if (!sent || !more || !elsewhere || *elsewhere != foreign) co_return "nothing came elsewhere";
  co_return std::string(*got);
}

TEST(Stream, TheViewOutlivesTheConnection) {
  test::Loop loop;
  auto pair = loop.pair(), other = loop.pair();
  EXPECT_EQ(loop.run(look_after_close(pair, other)), std::string(1000, 'a'));
  pair.right.close();
  pair.right.release_buffer();
}

Task<Result<std::string>> read_octets(Stream& stream, std::size_t count) {
  std::string all;
  while (all.size() < count) {
    auto got = co_await stream.read();
    if (!got) co_return std::unexpected(got.error());
    if (got->empty()) break;
    all += *got;
  }
  co_return all;
}

/// Octets with a descriptor along, and more behind them, when the reader waits already.
Task<void> send_with_descriptor(int end) {
  co_await sleep_for(0ms);
  char words[] = "LHLO a\r\n";
  iovec piece{words, sizeof words - 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  std::memcpy(CMSG_DATA(header), &end, sizeof end);
  EXPECT_EQ(::sendmsg(end, &message, 0), 8);
  EXPECT_EQ(::send(end, "QUIT\r\n", 6, 0), 6);
}

/// unix(7): a read ends behind the octets that descriptors came with, whatever else is there.
TEST(Stream, ReadsOnBehindDescriptorsThatWereSentAlong) {
  test::Loop loop;
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
  Stream stream(loop.executor(), ends[0], loop.wheel());
  stream.set_deadline(in(10s));
  loop.start(send_with_descriptor(ends[1]));
  const auto all = loop.run(read_octets(stream, 14));
  ASSERT_TRUE(all) << all.error().message;
  EXPECT_EQ(*all, "LHLO a\r\nQUIT\r\n");
  ::close(ends[1]);
}

TEST(Stream, KnowsTheOtherUser) {
  test::Loop loop;
  auto pair = loop.pair();
  EXPECT_EQ(pair.left.peer_uid(), static_cast<long>(getuid()));
}

TEST(Stream, ABadDescriptorIsAnError) {
  test::Loop loop;
  Stream stream(loop.executor(), -1, loop.wheel());
  EXPECT_FALSE(loop.run(read_once(stream)));
  EXPECT_FALSE(loop.run(write_all(stream, "x")));
}

Task<void> read_for_ever(test::StreamPair pair) {
  pair.left.set_deadline(in(1h));
  auto got = co_await pair.left.read();
  ADD_FAILURE() << "nothing was sent";
}

Task<bool> nothing() {
  co_await sleep_for(0ms);
  co_return true;
}

TEST(Stream, ACoroutineThatStillWaitsIsDestroyedWithItsContext) {
  test::Loop loop;
  auto pair = loop.pair();
  loop.start(read_for_ever(std::move(pair)));
  EXPECT_TRUE(loop.run(nothing()));
}

} // namespace
} // namespace paquebot::net
