#pragma once

#include "base/clock.h"
#include "base/task.h"
#include "queue/queue.h"
#include "store/queue_store.h"

#include <atomic>

namespace paquebot::delivery {

/// Watches over what senders said by when they want their mail delivered (RFC 2852 section 4.1.3): once that time has
/// passed for a recipient that still waits, also where its destination backs off, it is returned (mode R) or its delay
/// is told (mode N). Looks every half second, which costs one look into an index that is empty for mail without BY.
class Deadlines {
public:
  Deadlines(queue::Queue& queue, store::QueueStore& store, const Clock& clock)
      : queue_(queue), store_(store), clock_(clock) {}

  /// Until stop().
  Task<void> run();
  /// From any thread.
  void stop() { stopping_ = true; }
  /// Treats some of those that are overdue; how many there were.
  Task<std::size_t> sweep();

private:
  queue::Queue& queue_;
  store::QueueStore& store_;
  const Clock& clock_;
  std::atomic<bool> stopping_ = false;
};

} // namespace paquebot::delivery
