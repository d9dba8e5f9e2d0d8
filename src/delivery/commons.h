#pragma once

#include "base/clock.h"
#include "base/task.h"
#include "delivery/connector.h"
#include "delivery/doors.h"
#include "delivery/homecoming.h"
#include "delivery/host_book.h"
#include "delivery/parked.h"
#include "delivery/places.h"
#include "delivery/recorder.h"
#include "delivery/signer.h"
#include "policy/return_paths.h"
#include "queue/queue.h"
#include "store/store.h"

#include <cstdint>
#include <functional>

namespace paquebot::delivery {

/// What all workers of a dispatcher have in common: what they work with, and what they know and hold of the outside.
/// Lives on one executor; outlives the workers.
struct Commons {
  queue::Queue& queue;
  store::Store& store;
  const Clock& clock;
  Connector& connector;
  Homecoming& homecoming;
  Signer& signer;
  policy::ReturnPaths& paths;
  std::function<void(Task<void>)> spawn; ///< starts a coroutine that its caller does not wait for

  Recorder recorder{queue};
  Doors doors{}; ///< outlives the connections that are parked
  Parked parked{};
  Places places{};
  HostBook hosts{};
  Condition slots{};     ///< somebody's share of a place has changed, or `stopping`
  unsigned loads = 0;    ///< Queue::loads() when hosts were woken last
  bool stopping = false; ///< begin nothing new

  std::int64_t wall() const { return millis(clock.wall()); }
  std::int64_t settled() const { return millis(clock.settled()); }
};

} // namespace paquebot::delivery
