#pragma once

#include "base/task.h"

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>

namespace paquebot::net {

/// How many tasks of some groups still run, for who has to wait for them at the end of the process. Thread-safe.
class TaskCount {
public:
  void enter();
  void leave();
  /// Blocks until none runs; false when some still do at that time.
  bool wait_idle(std::chrono::steady_clock::time_point until);

private:
  std::mutex mutex_;
  std::condition_variable idle_;
  std::size_t running_ = 0;
};

/// Lets all that is ready on this executor go first.
Task<void> give_way();

/// Tasks side by side, on the executor of the coroutine that starts them and waits for them: use from one executor
/// only. A task may outlive its group, so it owns what it works with, but for what lives as long as the process. What a
/// task throws is thrown by wait_until(), or logged when nobody waits any more.
class TaskGroup {
public:
  /// `count`, which outlives all tasks, counts them.
  explicit TaskGroup(TaskCount& count);
  ~TaskGroup();
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;

  /// Starts a task; it runs while the caller waits for something.
  Task<void> start(Task<void> task);
  /// Waits until all tasks have ended; false when some still run at that time.
  Task<bool> wait_until(std::chrono::steady_clock::time_point until);

private:
  struct State;
  std::shared_ptr<State> state_;
};

} // namespace paquebot::net
