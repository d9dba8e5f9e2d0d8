#include "queue/queue.h"

#include <algorithm>

namespace paquebot::queue {
namespace {

constexpr auto kSpared = std::chrono::minutes(1);

} // namespace

void Queue::configure(Options options) {
  auto fresh = std::make_shared<const Options>(std::move(options));
  const std::lock_guard lock(core_.mutex);
  core_.options = std::move(fresh);
}

std::shared_ptr<const Options> Queue::options() const {
  const std::lock_guard lock(core_.mutex);
  return core_.options;
}

std::optional<std::string> Queue::start_worker(Seat* seat) {
  if (seat != nullptr) seat->leave();
  const std::lock_guard lock(core_.mutex);
  return core_.crew.start({.total = core_.options->workers_total,
                           .per_destination = core_.options->workers_per_destination,
                           .wall = core_.now(),
                           .now = core_.clock.now(),
                           .from_store = core_.frozen == 0},
                          seat);
}

std::chrono::milliseconds Queue::next_look() const {
  const std::lock_guard lock(core_.mutex);
  std::int64_t wait = 60'000;
  const std::int64_t first = core_.destinations.first_timer();
  if (core_.frozen == 0 && first != kNever && core_.crew.working() < core_.options->workers_total)
    wait = std::clamp<std::int64_t>(first - core_.now(), 1, wait);
  return std::chrono::milliseconds(wait);
}

bool Queue::spare_worker(const std::string& key) {
  const std::lock_guard lock(core_.mutex);
  return Crew::spare(core_.destinations.at(key), core_.clock.now() + kSpared);
}

void Queue::more_room(const std::string& key) {
  {
    const std::lock_guard lock(core_.mutex);
    Destination& place = core_.destinations.at(key);
    if (place.spared_until == Instant()) return;
    place.spared_until = {};
    core_.destinations.heat(key, place);
  }
  core_.runnable();
}

bool Queue::pause_worker(Seat& seat) {
  {
    const std::lock_guard lock(core_.mutex);
    if (!core_.crew.pause(seat.kind())) return false;
  }
  seat.pause();
  core_.runnable();
  return true;
}

void Queue::resume_worker(Seat& seat) {
  seat.resume();
  const std::lock_guard lock(core_.mutex);
  core_.crew.resume(seat.kind());
}

bool Queue::crowded() const {
  const std::lock_guard lock(core_.mutex);
  return core_.crew.paused() > 0 || core_.crew.working() >= core_.options->workers_total || core_.seats.wanted();
}

Queue::Numbers Queue::numbers() const {
  const std::lock_guard lock(core_.mutex);
  Numbers numbers{.destinations = core_.destinations.all().size(), .workers = core_.crew.working()};
  for (const auto& [key, place] : core_.destinations.all()) numbers.ready += place.window.size();
  return numbers;
}

} // namespace paquebot::queue
