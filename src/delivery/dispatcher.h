#pragma once

#include "base/clock.h"
#include "base/task.h"
#include "delivery/commons.h"
#include "queue/queue.h"

#include <atomic>
#include <boost/asio/any_io_executor.hpp>
#include <string>

namespace paquebot::delivery {

/// Says who delivers when: starts a Worker for each destination that has something and may have one more, at a site
/// that has room, and closes what nobody uses. Lives on one executor.
class Dispatcher {
public:
  Dispatcher(boost::asio::any_io_executor executor, queue::Queue& queue, store::Store& store, const Clock& clock,
             Connector& connector, Homecoming& homecoming, Signer& signer, policy::ReturnPaths& paths);

  /// Starts workers whenever the queue has something, until stop(). Returns when all workers have ended and
  /// the open connections are closed.
  Task<void> run();
  /// From any thread: begin nothing new; deliveries under way end by themselves.
  void stop();
  /// From any thread: look at the queue now.
  void wake();

private:
  Task<void> work(queue::Post post, queue::Seat seat);
  Task<void> reap();
  void spawn(Task<void> task);

  boost::asio::any_io_executor executor_;
  Commons commons_;
  Condition changed_;
  std::atomic<unsigned> active_ = 0; ///< changed on the executor, read from anywhere
  std::atomic<bool> wake_posted_ = false;
  bool woken_ = false;
};

} // namespace paquebot::delivery
