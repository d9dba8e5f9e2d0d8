#pragma once

#include "base/task.h"

#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>

namespace paquebot::service {

/// Starts the server's tasks and knows how many still run. Must outlive them. Thread-safe.
class Launcher {
public:
  /// Runs a task that wait_idle() waits for. What it throws is our own bug: logged, and the server goes on.
  void launch(boost::asio::any_io_executor where, Task<void> task, std::string what);
  /// Blocks until none runs; false when some still do at that time.
  bool wait_idle(std::chrono::steady_clock::time_point until);

private:
  std::mutex mutex_;
  std::condition_variable done_;
  unsigned running_ = 0;
};

} // namespace paquebot::service
