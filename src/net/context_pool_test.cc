#include "net/context_pool.h"
#include "net/test_support.h"

#include <boost/asio/co_spawn.hpp>
#include <future>
#include <gtest/gtest.h>
#include <thread>

namespace paquebot::net {
namespace {

using namespace std::chrono_literals;

TEST(ContextPool, SpreadsOverItsThreads) {
  ContextPool pool(2);
  EXPECT_EQ(pool.next(), 0u);
  EXPECT_EQ(pool.next(), 1u);
  EXPECT_EQ(pool.next(), 0u);
  std::promise<std::thread::id> ids[2];
  auto tell = [](std::promise<std::thread::id>& id) -> Task<void> {
    co_await sleep_for(0ms);
    id.set_value(std::this_thread::get_id());
  };
  for (std::size_t i = 0; i < 2; ++i)
    boost::asio::co_spawn(pool.executor(i), tell(ids[i]), [](const std::exception_ptr&) {});
  pool.run();
  EXPECT_NE(ids[0].get_future().get(), ids[1].get_future().get());
  pool.stop();
  pool.join();
}

TEST(ContextPool, DestroysWhatStillWaits) {
  ContextPool pool(2);
  std::promise<void> started[2];
  auto wait = [](ContextPool& on, std::size_t index, std::promise<void>& begun) -> Task<void> {
    auto pair = test::socket_pair(on.executor(index), on.wheel(index));
    pair.left.set_deadline(std::chrono::steady_clock::now() + 1h);
    begun.set_value();
    auto got = co_await pair.left.read();
    ADD_FAILURE() << "nothing was sent";
  };
  for (std::size_t i = 0; i < 2; ++i)
    boost::asio::co_spawn(pool.executor(i), wait(pool, i, started[i]), [](const std::exception_ptr&) {});
  pool.run();
  for (auto& begun : started) begun.get_future().get();
}

} // namespace
} // namespace paquebot::net
