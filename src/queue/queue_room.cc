// The queue's side of places that have no room for a worker.

#include "queue/queue.h"

#include <algorithm>

namespace paquebot::queue {
namespace {

constexpr auto kSpared = std::chrono::minutes(1);

} // namespace

void Queue::put_back(const std::string& key, Job job) {
  job.seat.leave();
  std::lock_guard lock(mutex_);
  if (job.fresh) {
    ++fresh_jobs_;
    fresh_bytes_ += weight(*job.fresh);
  }
  Destination& place = destination(key);
  if (is_report(job.message)) ++place.reports;
  const int priority = job.message.sender.priority;
  const auto at = std::ranges::find_if(
      place.ready, [priority](const Job& other) { return other.message.sender.priority <= priority; });
  place.ready.insert(at, std::move(job));
  heat(key, place);
  arm(key, place);
}

bool Queue::spare_worker(const std::string& key) {
  std::lock_guard lock(mutex_);
  Destination& place = destination(key);
  if (place.workers < 2) return false;
  place.spared_to = place.workers - 1;
  place.spared_until = clock_.now() + kSpared;
  return true;
}

void Queue::more_room(const std::string& key) {
  {
    std::lock_guard lock(mutex_);
    Destination& place = destination(key);
    if (place.spared_until == Instant()) return;
    place.spared_until = {};
    heat(key, place);
  }
  wake_runnable();
}

bool Queue::spared(const Destination& place) const {
  return place.spared_until > clock_.now() && place.workers >= place.spared_to;
}

bool Queue::resting(const std::string& key) const {
  std::lock_guard lock(mutex_);
  const auto it = destinations_.find(key);
  return it != destinations_.end() && it->second.backoff_until > now();
}

unsigned Queue::loads() const {
  std::lock_guard lock(mutex_);
  return loads_;
}

} // namespace paquebot::queue
