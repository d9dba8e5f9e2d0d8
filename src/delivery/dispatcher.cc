#include "delivery/dispatcher.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/timer.h"
#include "delivery/worker.h"
#include "net/wheel.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <utility>

namespace paquebot::delivery {
namespace {

constexpr auto kParkFor = std::chrono::seconds(3);
constexpr unsigned kKeepEach = 20; // looks at parked connections until what was learnt of sites is kept

} // namespace

Dispatcher::Dispatcher(boost::asio::any_io_executor executor, queue::Queue& queue, store::Store& store,
                       const Clock& clock, Connector& connector, Homecoming& homecoming, Signer& signer,
                       policy::ReturnPaths& paths)
    : executor_(std::move(executor)), commons_{.queue = queue,
                                               .store = store,
                                               .clock = clock,
                                               .connector = connector,
                                               .homecoming = homecoming,
                                               .signer = signer,
                                               .paths = paths,
                                               .spawn = [this](Task<void> task) { spawn(std::move(task)); }} {
  queue.on_runnable([this] { wake(); });
  commons_.doors.on_left([this](const std::string& door) {
    commons_.slots.notify_all();
    commons_.queue.posts().opened(door);
  });
}

void Dispatcher::wake() {
  if (wake_posted_.exchange(true)) return;
  boost::asio::post(executor_, [this] {
    wake_posted_ = false;
    woken_ = true;
    changed_.notify_all();
  });
}

void Dispatcher::stop() {
  boost::asio::post(executor_, [this] {
    commons_.stopping = true;
    changed_.notify_all();
    commons_.slots.notify_all();
  });
}

/// Runs a coroutine of ours to its end and counts it; what it throws is our own bug: logged, never lost.
void Dispatcher::spawn(Task<void> task) {
  ++active_;
  boost::asio::co_spawn(executor_, std::move(task), [this](std::exception_ptr error) {
    --active_;
    if (error) {
      try {
        std::rethrow_exception(error);
      } catch (const std::exception& what) {
        log::error("delivery-broke", {{"why", what.what()}});
      }
    }
    changed_.notify_all();
  });
}

Task<void> Dispatcher::run() {
  spawn(reap());
  while (!commons_.stopping) {
    woken_ = false;
    queue::Seat seat;
    queue::Post post;
    while (auto destination = commons_.queue.start_worker(&seat, &post.site)) {
      post.destination = std::move(*destination);
      spawn(work(std::move(post), std::move(seat)));
      post = {};
    }
    if (woken_) continue;
    // Whichever comes first: somebody wakes us, or the next destination is due.
    Timer timer(executor_, commons_.queue.next_look());
    timer.async_wait([this](boost::system::error_code error) {
      if (!error) changed_.notify_all();
    });
    co_await changed_.wait();
  }
  while (active_ > 0) co_await changed_.wait();
  queue::Posts& posts = commons_.queue.posts();
  co_await posts.keep();
}

/// Closes parked connections after a while, and all of them at the end.
Task<void> Dispatcher::reap() {
  queue::Posts& posts = commons_.queue.posts();
  for (unsigned ticks = 1; !commons_.stopping; ++ticks) {
    auto tick = std::chrono::milliseconds(500);
    co_await net::sleep_for(tick);
    if (ticks % kKeepEach == 0) co_await posts.keep();
    if (commons_.queue.crowded()) commons_.connector.hurry(commons_.connector.options().patience);
    auto since = system_clock().now() - kParkFor;
    while (auto peer = commons_.parked.expired(since)) spawn(say_goodbye(std::move(peer)));
  }
  while (auto peer = commons_.parked.expired(std::chrono::steady_clock::time_point::max()))
    spawn(say_goodbye(std::move(peer)));
}

Task<void> Dispatcher::work(queue::Post post, queue::Seat seat) {
  Worker worker(commons_, std::move(post), std::move(seat));
  co_await worker.run();
}

} // namespace paquebot::delivery
