#pragma once

#include "queue/settling.h"

#include <cstddef>
#include <string>
#include <utility>

namespace paquebot::queue {

/// Operators' orders, also to what waits in the windows: that goes back to the store first, where the order finds it.
/// What workers have in hand goes on. Thread-safe.
class Orders {
public:
  Orders(Core& core, Settling& settling) : core_(core), settling_(settling) {}

  /// QueueStore::operate. Follow a retry or release by Queue::load().
  Task<Result<std::size_t>> operate(store::QueueAction action, store::QueueFilter filter, std::string who) {
    return operate(action, std::move(filter), std::move(who), core_.store.queue());
  }
  /// The same, carried out by `queue`, a part of the same store or of one that is bound to the order's entry.
  Task<Result<std::size_t>> operate(store::QueueAction action, store::QueueFilter filter, std::string who,
                                    store::QueueStore& queue);
  /// What waits goes back to the store, from which nothing is taken until it is drained no more. What workers have in
  /// hand goes on, and so does what comes new while nothing waits for its place.
  Task<void> drain(bool drained);
  /// Gives everything in the windows back to the store (shutdown). Workers must have ended.
  Task<void> give_back();

private:
  /// While it lives, nothing comes from the store into the windows.
  class Freeze;
  bool claims_nothing() const;
  Task<void> withdraw(const store::QueueFilter& filter, bool only_resting);

  Core& core_;
  Settling& settling_;
  bool drained_ = false; ///< under the lock
};

} // namespace paquebot::queue
