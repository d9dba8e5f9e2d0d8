#pragma once

#include "base/clock.h"
#include "base/task.h"
#include "base/timer.h"

#include <cstddef>
#include <set>

namespace paquebot::sink {

/// Wakes whoever waits for something to change. Of one thread; outlives the executor's coroutines.
class Changes {
public:
  static constexpr std::size_t kMost = 500; ///< that may wait at once

  /// Until the next notify(), or that time; at once when it is stopped.
  Task<void> wait(Instant until);
  bool is_full() const { return waiting_.size() >= kMost; }
  bool stopped() const { return stopped_; }
  void notify();
  /// Nobody waits from now on.
  void stop();

private:
  class Place;
  std::set<Timer*> waiting_;
  bool stopped_ = false;
};

} // namespace paquebot::sink
