#pragma once

#include "base/task.h"
#include "queue/queue.h"

#include <string>
#include <vector>

namespace paquebot::delivery {

/// Records what became of messages while the workers go on with their next ones: everything that waits becomes one
/// transaction. What has happened and is not recorded would happen again after a crash, so it is bounded. Lives on one
/// executor.
class Recorder {
public:
  explicit Recorder(queue::Queue& queue) : queue_(queue) {}

  /// Takes outcomes; waits until they are recorded only where the destination had failed before, since they change what
  /// is known of it. `works`: the destination was reached.
  Task<void> add(std::string destination, std::vector<store::Outcome> outcomes, bool works);
  /// True when somebody must run flush(); asked after add() and never true while one runs.
  bool wants_flush() const { return !waiting_.empty() && !flushing_; }
  /// Records until nothing waits. Nothing it was given is forgotten: it insists as Queue::settle does.
  Task<void> flush();
  /// Waits while too much is not recorded yet.
  Task<void> room();

private:
  queue::Queue& queue_;
  std::vector<queue::Settled> waiting_;
  std::size_t open_ = 0; ///< taken and not yet recorded
  bool flushing_ = false;
  Condition recorded_;
};

} // namespace paquebot::delivery
