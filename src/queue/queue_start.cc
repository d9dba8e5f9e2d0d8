// The queue's side of workers: who may have one more, and which job it gets.

#include "base/text.h"
#include "queue/queue.h"

#include <algorithm>
#include <utility>

namespace paquebot::queue {
namespace {

constexpr unsigned kPaused = 1000; // each has a job in hand
constexpr std::array kKindsOfSeats{Seat::Kind::known, Seat::Kind::unknown, Seat::Kind::report};

std::size_t index_of(Seat::Kind kind) { return static_cast<std::size_t>(kind); }

} // namespace

bool is_report(const store::MessageFacts& message) {
  using enum store::MessageClass;
  return message.klass == report || (message.klass != submitted && message.sender.reverse_path.empty());
}

// ---- Kinds of seats (under mutex_) ----

bool Queue::is_known(const std::string& key) const { return key.starts_with("route:") || known_.contains(key); }

/// The best seat that something of the destination may take.
Seat::Kind Queue::kind_of(const std::string& key, const Destination& place) const {
  if (!place.ready.empty() && place.reports >= place.ready.size()) return Seat::Kind::report;
  return is_known(key) ? Seat::Kind::known : Seat::Kind::unknown;
}

bool Queue::room(Seat::Kind kind) { return seats_.room(kind, options_->workers_total); }

void Queue::heat(const std::string& key, Destination& place) {
  if (place.ready.empty()) return;
  const std::size_t where = index_of(kind_of(key, place));
  if (std::exchange(place.hot[where], true)) return;
  hot_[where].push_back(key);
}

bool Queue::may_start(const Destination& place, std::int64_t at) const {
  unsigned most = place.failures > 0 ? 1 : options_->workers_per_destination; // one probe for a place that failed
  return place.workers < most && place.backoff_until <= at && !spared(place);
}

// ---- Workers ----

std::optional<std::string> Queue::start_worker(Seat* seat) {
  if (seat != nullptr) seat->leave();
  std::lock_guard lock(mutex_);
  if (workers_ >= options_->workers_total) return std::nullopt;
  const std::int64_t at = now();
  for (std::size_t i = 0; i < kKindsOfSeats.size();
       ++i) { // in turns, so that none starves while there is much of another
    const std::size_t which = (turn_ + i) % kKindsOfSeats.size();
    auto key = start_hot(kKindsOfSeats[which], at, seat);
    if (!key) continue;
    turn_ = which + 1;
    return key;
  }
  return start_due(at, seat);
}

void Queue::seat_worker(Destination& place, Seat::Kind kind, Seat* seat) {
  ++place.workers;
  ++workers_;
  if (seat != nullptr) *seat = seats_.take(kind);
}

std::optional<std::string> Queue::start_hot(Seat::Kind kind, std::int64_t at, Seat* seat) {
  std::deque<std::string>& hot = hot_[index_of(kind)];
  if (hot.empty() || !room(kind)) return std::nullopt;
  for (std::size_t looked = hot.size(); looked > 0; --looked) {
    std::string key = std::move(hot.front());
    hot.pop_front();
    Destination& place = destination(key);
    place.hot[index_of(kind)] = false;
    const bool stored = place.ready.empty() && place.due <= at && !place.claiming && frozen_ == 0;
    const Seat::Kind now_for = kind_of(key, place);
    if (!place.ready.empty() && (spared(place) || (now_for != kind && !room(now_for)))) {
      heat(key, place); // its minute ends without a sign; or it changed
      continue;
    }
    if ((place.ready.empty() && !stored) || !may_start(place, at)) {
      arm(key, place); // a worker that ends heats it again, or the end of its back-off
      forget_if_idle(key);
      continue;
    }
    seat_worker(place, now_for, seat);
    if (place.ready.size() > place.workers) heat(key, place);
    return key;
  }
  return std::nullopt;
}

/// One for which the store has work that is due.
std::optional<std::string> Queue::start_due(std::int64_t at, Seat* seat) {
  while (frozen_ == 0 && !timers_.empty() && timers_.begin()->first <= at) {
    std::string key = timers_.begin()->second;
    Destination& place = destination(key);
    timers_.erase(timers_.begin());
    place.timer = kNever; // armed again when a worker has claimed
    if (place.claiming || !may_start(place, at)) continue;
    const Seat::Kind kind = kind_of(key, place);
    if (!room(kind)) { // it stands in line there
      if (!std::exchange(place.hot[index_of(kind)], true)) hot_[index_of(kind)].push_back(key);
      continue;
    }
    seat_worker(place, kind, seat);
    return key;
  }
  return std::nullopt;
}

/// The next job that there is a seat for.
std::optional<Job> Queue::pick(const std::string& key, Destination& place) {
  const Seat::Kind plain = is_known(key) ? Seat::Kind::known : Seat::Kind::unknown;
  const bool any_plain = place.reports < place.ready.size() && room(plain);
  const bool any_report = place.reports > 0 && room(Seat::Kind::report);
  const auto next = std::ranges::find_if(
      place.ready, [&](const Job& job) { return is_report(job.message) ? any_report : any_plain; });
  if (next == place.ready.end()) return std::nullopt;
  Job job = std::move(*next);
  place.ready.erase(next);
  if (is_report(job.message)) --place.reports;
  job.seat = seats_.take(is_report(job.message) ? Seat::Kind::report : plain);
  leave_window(job);
  return job;
}

void Queue::release_worker(const std::string& key) {
  {
    std::lock_guard lock(mutex_);
    Destination& place = destination(key);
    --place.workers;
    --workers_;
    heat(key, place);
    arm(key, place);
    forget_if_idle(key);
  }
  wake_runnable();
}

bool Queue::pause_worker(Seat& seat) {
  {
    std::lock_guard lock(mutex_);
    const bool stranger = seat.kind() != Seat::Kind::known;
    if (paused_ >= kPaused || (stranger && paused_strangers_ >= kPaused / 2)) return false;
    ++paused_;
    if (stranger) ++paused_strangers_;
    --workers_;
  }
  seat.pause();
  wake_runnable();
  return true;
}

void Queue::resume_worker(Seat& seat) {
  seat.resume();
  std::lock_guard lock(mutex_);
  --paused_;
  if (seat.kind() != Seat::Kind::known) --paused_strangers_;
  ++workers_;
}

// ---- What is known of places ----

bool Queue::crowded() const {
  std::lock_guard lock(mutex_);
  return paused_ > 0 || workers_ >= options_->workers_total || seats_.wanted();
}

void Queue::answered(const std::string& key) {
  {
    std::lock_guard lock(mutex_);
    if (!known_.add(key)) return;
    const auto place = destinations_.find(key);
    if (place == destinations_.end()) return;
    heat(key, place->second);
  }
  wake_runnable();
}

bool Queue::knows(const std::string& domain) const {
  std::lock_guard lock(mutex_);
  return is_known(options_->routes.destination(to_lower(domain)));
}

void Queue::kept_silent(const std::string& key) {
  std::lock_guard lock(mutex_);
  known_.remove(key);
}

} // namespace paquebot::queue
