#include "directory/directory.h"
#include "directory/test_server.h"

#include <boost/asio/detached.hpp>
#include <gtest/gtest.h>
#include <latch>
#include <thread>

namespace paquebot::directory {
namespace {

Task<bool> count_up(CpuPool& pool, int& value) {
  std::move_only_function<void()> job = [&value] { ++value; };
  co_return co_await pool.run(std::move(job));
}

TEST(CpuPool, RunsAndResumes) {
  CpuPool pool(1);
  int value = 0;
  EXPECT_TRUE(run_task(count_up(pool, value)));
  EXPECT_EQ(value, 1);
}

struct Crowd {
  CpuPool pool{1, 2};
  std::latch entered{1};
  std::latch go{1};
  int ran = 0;
  int refused = 0;
};

Task<void> block(Crowd& crowd) {
  std::move_only_function<void()> job = [&crowd] {
    crowd.entered.count_down();
    crowd.go.wait();
  };
  if (co_await crowd.pool.run(std::move(job))) ++crowd.ran;
}

Task<void> join(Crowd& crowd) {
  std::move_only_function<void()> job = [] {};
  if (co_await crowd.pool.run(std::move(job))) {
    ++crowd.ran;
  } else {
    ++crowd.refused;
  }
}

TEST(CpuPool, RefusesBeyondItsLine) {
  boost::asio::io_context context; // outlives the threads of the pool, which post to it
  Crowd crowd;
  boost::asio::co_spawn(context, block(crowd), boost::asio::detached);
  context.poll(); // hands the job over
  crowd.entered.wait();
  for (int i = 0; i < 5; ++i) boost::asio::co_spawn(context, join(crowd), boost::asio::detached);
  context.poll();
  EXPECT_EQ(crowd.refused, 3);
  crowd.go.count_down();
  context.restart();
  context.run();
  EXPECT_EQ(crowd.ran, 3);
}

Task<void> note(CpuPool& pool, std::vector<int>& order, int what, Turn turn) {
  std::move_only_function<void()> job = [&order, what] { order.push_back(what); };
  if (!co_await pool.run(std::move(job), turn)) order.push_back(-what);
}

TEST(CpuPool, StrangersComeLastInAShortLine) {
  boost::asio::io_context context;
  CpuPool pool(1, 100, 2);
  SlowJob slow(context, pool);
  std::vector<int> order;
  for (const int stranger : {1, 2, 3, 4})
    boost::asio::co_spawn(context, note(pool, order, stranger, Turn::last), boost::asio::detached);
  context.poll();
  EXPECT_EQ(order, (std::vector{-3, -4})) << "told at once";
  order.clear();
  for (int known = 10; known < 20; ++known)
    boost::asio::co_spawn(context, note(pool, order, known, Turn::first), boost::asio::detached);
  context.poll();
  slow.let_go();
  context.restart();
  context.run();
  EXPECT_EQ(order, (std::vector{10, 11, 12, 13, 14, 15, 16, 1, 17, 18, 19, 2})) << "and yet they are not forgotten";
}

TEST(CpuPool, EndsWithJobsInLine) {
  boost::asio::io_context context;
  std::optional<bool> first;
  std::latch entered{1};
  auto pool = std::make_unique<CpuPool>(1);
  std::move_only_function<void()> slow = [&entered] {
    entered.count_down();
    std::this_thread::yield();
  };
  boost::asio::co_spawn(context, pool->run(std::move(slow)), [&](std::exception_ptr, bool ran) { first = ran; });
  context.poll();
  entered.wait();
  pool.reset();
  context.restart();
  context.run();
  EXPECT_EQ(first, true);
}

} // namespace
} // namespace paquebot::directory
