#pragma once

#include "base/result.h"
#include "base/task.h"
#include "control/control.h"
#include "service/snapshot.h"
#include "store/store.h"

#include <chrono>
#include <functional>
#include <memory>
#include <vector>

namespace paquebot::service {

/// The whole running server: listeners, sessions, queue, delivery, control. Made on the main thread, runs on its own
/// threads until stop().
class Server {
public:
  Server(store::Store& store, ServerOptions options, std::shared_ptr<const Snapshot> snapshot);
  ~Server();

  /// Called by the control action "reload".
  std::function<Task<control::Reloaded>()> on_reload;

  /// Called, from a thread of the server's, each time it has shown that it gets on with its work (service/pulse.h),
  /// with `pulse_pause` between. Unset: nobody looks.
  std::function<void()> on_pulse;
  std::chrono::milliseconds pulse_pause{10'000};

  /// Starts everything. Errors: the resolver can't be made, the queue can't be read.
  Result<> start(std::vector<BoundListener> listeners);
  /// Takes new options for connections from now on; connections stay.
  void replace(std::shared_ptr<const Snapshot> snapshot);
  /// Stops accepting, lets sessions and deliveries end by themselves within `bound`, then breaks off what is left:
  /// safely, because what isn't acknowledged isn't promised. Gives work in hand back to the store. Blocks. False when
  /// something was broken off: the store may still have to wake it, so the process must end without destroying either
  /// of them.
  bool stop(std::chrono::seconds bound);
  /// Before stop(): the same sockets for another server, in the order of start(). Who connects meanwhile waits.
  Result<std::vector<BoundListener>> hand_on_listeners();

private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

} // namespace paquebot::service
