#include "base/task.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <gtest/gtest.h>
#include <string>
#include <thread>
#include <vector>

namespace paquebot {
namespace {

using boost::asio::io_context;

Task<void> take_into(Promised<std::string> promised, std::string& out, std::thread::id& where) {
  out = co_await promised.take();
  where = std::this_thread::get_id();
}

TEST(Promised, SetBeforeTake) {
  io_context context;
  const Promised<std::string> promised;
  promised.set("early");
  std::string out;
  std::thread::id where;
  co_spawn(context, take_into(promised, out, where), boost::asio::detached);
  context.run();
  EXPECT_EQ(out, "early");
}

TEST(Promised, SetAfterTakeIsNeverInline) {
  io_context context;
  const Promised<std::string> promised;
  std::string out;
  std::thread::id where;
  co_spawn(context, take_into(promised, out, where), boost::asio::detached);
  context.poll();
  promised.set("late");
  EXPECT_EQ(out, ""); // resumes through the executor, not inside set()
  context.restart();
  context.run();
  EXPECT_EQ(out, "late");
}

TEST(Promised, SetFromOtherThreadsResumesOnTheWaitersOwn) {
  io_context context;
  constexpr int kRounds = 500;
  std::vector<Promised<std::string>> promised(kRounds);
  std::vector<std::string> out(kRounds);
  std::vector<std::thread::id> where(kRounds);
  for (std::size_t i = 0; i < kRounds; ++i) {
    co_spawn(context, take_into(promised[i], out[i], where[i]), boost::asio::detached);
  }
  std::jthread setter([&promised] {
    for (std::size_t i = 0; i < kRounds; ++i) promised[i].set(std::to_string(i));
  });
  context.run(); // a waiting coroutine is work: run() does not end before all are resumed
  for (std::size_t i = 0; i < kRounds; ++i) {
    EXPECT_EQ(out[i], std::to_string(i));
    EXPECT_EQ(where[i], std::this_thread::get_id());
  }
}

TEST(OneShot, FiringTwiceIsHarmless) {
  io_context context;
  const OneShot event;
  int resumed = 0;
  auto waiter = [](OneShot e, int& count) -> Task<void> {
    co_await e.wait();
    ++count;
  };
  co_spawn(context, waiter(event, resumed), boost::asio::detached);
  context.poll();
  event.fire();
  event.fire();
  context.restart();
  context.run();
  EXPECT_EQ(resumed, 1);
}

TEST(OneShot, FireAllResumesEachOnItsOwnContext) {
  io_context first;
  io_context second;
  std::vector<OneShot> events(6);
  std::vector<const io_context*> resumed;
  auto waiter = [](OneShot event, const io_context& mine, std::vector<const io_context*>& out) -> Task<void> {
    co_await event.wait();
    out.push_back(&mine);
  };
  for (std::size_t i = 0; i < 5; ++i) { // the sixth has no waiter
    io_context& context = i % 2 == 0 ? first : second;
    co_spawn(context, waiter(events[i], context, resumed), boost::asio::detached);
  }
  first.poll();
  second.poll();
  OneShot::fire_all(events);
  EXPECT_TRUE(resumed.empty()); // never inside the call
  first.restart();
  first.run();
  EXPECT_EQ(resumed, std::vector<const io_context*>(3, &first));
  second.restart();
  second.run();
  EXPECT_EQ(resumed.size(), 5u);
}

Task<void> wait_for(Condition& signal, const int& level, int wanted, int& done) {
  while (level < wanted) co_await signal.wait();
  ++done;
}

TEST(Condition, WakesEveryWaiterWhoLooksAgain) {
  io_context context;
  Condition signal;
  int level = 0;
  int done = 0;
  for (int wanted = 1; wanted <= 3; ++wanted) {
    co_spawn(context, wait_for(signal, level, wanted, done), boost::asio::detached);
  }
  for (int step = 1; step <= 3; ++step) {
    context.restart();
    context.poll();
    EXPECT_EQ(done, step - 1);
    level = step;
    signal.notify_all();
  }
  context.restart();
  context.run();
  EXPECT_EQ(done, 3);
}

TEST(Condition, WaitersEndWithTheSignal) {
  io_context context;
  int level = 0;
  int done = 0;
  {
    Condition signal;
    co_spawn(context, wait_for(signal, level, 1, done), boost::asio::detached);
    context.poll();
  }
  context.restart();
  context.run();
  EXPECT_EQ(done, 0);
}

} // namespace
} // namespace paquebot
