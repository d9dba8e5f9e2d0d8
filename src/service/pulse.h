#pragma once

#include "base/task.h"
#include "net/context_pool.h"
#include "store/upkeep.h"

#include <chrono>
#include <functional>

namespace paquebot::service {

/// Whether the server gets on with its work: each of its threads does what is laid before it, and the store comes to an
/// end with what it is to write. An error is an answer too: a full disk is nothing that a restart mends. What stands
/// still makes the beat wait, and whoever listens for it draws the conclusion.
class Pulse {
public:
  /// Both must outlive it. `own_store`: a restart may mend what stands still there; a database that is away it does
  /// not.
  Pulse(store::Upkeep& store, net::ContextPool& contexts, bool own_store = true)
      : store_(store), contexts_(contexts), own_store_(own_store) {}

  /// Ends once every thread has answered and the own store has finished a commit that was begun for this.
  Task<void> beat();
  /// Beats, says so, and rests for `pause`, until `stopping` is set, which must outlive this.
  Task<void> run(const bool& stopping, std::chrono::milliseconds pause, std::function<void()> alive);

private:
  store::Upkeep& store_;
  net::ContextPool& contexts_;
  const bool own_store_;
};

} // namespace paquebot::service
