#pragma once

#include "base/clock.h"
#include "queue/callback.h"
#include "queue/changes.h"
#include "queue/crew.h"
#include "queue/destinations.h"
#include "queue/fresh_budget.h"
#include "queue/options.h"
#include "queue/seats.h"
#include "queue/sites.h"
#include "store/store.h"

#include <memory>
#include <mutex>
#include <utility>

namespace paquebot::queue {

/// What the parts of a queue share. The lock guards what stands below it: hold it shortly, and never across a co_await
/// or a callback.
struct Core {
  Core(store::Store& the_store, const Clock& the_clock, Options first)
      : store(the_store), clock(the_clock), options(std::make_shared<const Options>(std::move(first))) {
    seats.on_freed([this] { runnable(); });
    sites.throttles().configure(options->providers);
  }

  std::int64_t now() const { return millis(clock.wall()); } ///< wall milliseconds

  store::Store& store;
  const Clock& clock;
  Callback runnable; ///< a destination may have become so
  Callback owed;     ///< a message may owe a report
  Seats seats;

  mutable std::mutex mutex;
  std::shared_ptr<const Options> options;
  Destinations destinations;
  Sites sites;
  Crew crew{destinations, seats, sites};
  FreshBudget fresh;
  Changes changes;
  unsigned frozen = 0; ///< while it is not 0, nothing comes from the store into the windows
};

} // namespace paquebot::queue
