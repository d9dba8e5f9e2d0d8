#include "queue/queue.h"

#include <algorithm>

namespace paquebot::queue {
void Queue::configure(Options options) {
  auto fresh = std::make_shared<const Options>(std::move(options));
  const std::lock_guard lock(core_.mutex);
  core_.options = std::move(fresh);
  core_.sites.throttles().configure(core_.options->providers);
  core_.crew.free_provided(core_.options->workers_per_destination, core_.now());
}

std::shared_ptr<const Options> Queue::options() const {
  const std::lock_guard lock(core_.mutex);
  return core_.options;
}

Task<Result<>> Queue::load() {
  if (loading_.loads() == 0) { // what was learnt before this start
    const auto kept = co_await core_.store.queue().list_sites();
    if (!kept) co_return std::unexpected(kept.error());
    posts_.remember(*kept);
  }
  auto loaded = co_await loading_.load();
  co_return loaded;
}

std::optional<std::string> Queue::start_worker(Seat* seat, std::string* site) {
  if (seat != nullptr) seat->leave();
  const std::lock_guard lock(core_.mutex);
  return core_.crew.start({.total = core_.options->workers_total,
                           .per_destination = core_.options->workers_per_destination,
                           .wall = core_.now(),
                           .from_store = core_.frozen == 0},
                          seat, site);
}

std::chrono::milliseconds Queue::next_look() const {
  const std::lock_guard lock(core_.mutex);
  std::int64_t wait = 60'000;
  const std::int64_t first = core_.destinations.first_timer();
  if (core_.frozen == 0 && first != kNever && core_.crew.working() < core_.options->workers_total)
    wait = std::clamp<std::int64_t>(first - core_.now(), 1, wait);
  if (const auto site = core_.sites.first_timer()) wait = std::clamp<std::int64_t>(*site - core_.now(), 1, wait);
  return std::chrono::milliseconds(wait);
}

bool Queue::crowded() const {
  const std::lock_guard lock(core_.mutex);
  return core_.sites.crowded(core_.options->workers_per_destination) ||
         core_.crew.working() >= core_.options->workers_total || core_.seats.wanted();
}

Queue::Numbers Queue::numbers() const {
  const std::lock_guard lock(core_.mutex);
  Numbers numbers{.destinations = core_.destinations.all().size(), .workers = core_.crew.working()};
  for (const auto& [key, place] : core_.destinations.all()) numbers.ready += place.window.size();
  return numbers;
}

} // namespace paquebot::queue
