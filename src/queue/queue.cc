#include "queue/queue.h"

#include "base/log.h"
#include "net/wheel.h"

#include <algorithm>

namespace paquebot::queue {
namespace {

constexpr std::size_t kClaim = 100;
constexpr std::int64_t kClaimAgain = 5000; // milliseconds after one that failed
constexpr std::size_t kForgotten = 10'000;

} // namespace

Queue::Queue(store::Store& store, const Clock& clock, Options options)
    : store_(store), clock_(clock), options_(std::make_shared<const Options>(std::move(options))) {
  seats_.on_freed([this] { wake_runnable(); });
}

void Queue::configure(Options options) {
  auto fresh = std::make_shared<const Options>(std::move(options));
  std::lock_guard lock(mutex_);
  options_ = std::move(fresh);
}

std::shared_ptr<const Options> Queue::options() const {
  std::lock_guard lock(mutex_);
  return options_;
}

void Queue::on_runnable(std::function<void()> wake) {
  std::lock_guard lock(mutex_);
  runnable_ = std::move(wake);
}

void Queue::on_owed(std::function<void()> wake) {
  std::lock_guard lock(mutex_);
  owed_ = std::move(wake);
}

void Queue::wake_runnable() {
  std::function<void()> wake;
  {
    std::lock_guard lock(mutex_);
    wake = runnable_;
  }
  if (wake) wake();
}

void Queue::wake_owed() {
  std::function<void()> wake;
  {
    std::lock_guard lock(mutex_);
    wake = owed_;
  }
  if (wake) wake();
}

// ---- Destinations (all under mutex_) ----

Queue::Destination& Queue::destination(const std::string& key) {
  auto [it, made] = destinations_.try_emplace(key);
  if (made) {
    it->second.due = kNever;
    it->second.timer = kNever;
  }
  return it->second;
}

void Queue::arm(const std::string& key, Destination& place) {
  std::int64_t when = place.due == kNever ? kNever : std::max(place.due, place.backoff_until);
  if (!place.ready.empty() && place.backoff_until > now())
    when = place.backoff_until; // accepted while the destination began to back off
  if (when == place.timer) return;
  if (place.timer != kNever) timers_.erase({place.timer, key});
  place.timer = when;
  if (when != kNever) timers_.insert({when, key});
}

/// Behind all of the same priority, in front of those of a lower one.
void Queue::enqueue(Destination& place, Job job) {
  if (is_report(job.message)) ++place.reports;
  const int priority = job.message.sender.priority;
  const auto lower = [priority](const Job& other) { return other.message.sender.priority < priority; };
  if (place.ready.empty() || !lower(place.ready.back())) return place.ready.push_back(std::move(job));
  const auto at = std::ranges::find_if(place.ready, lower);
  place.ready.insert(at, std::move(job));
}

void Queue::forget_if_idle(const std::string& key) {
  auto it = destinations_.find(key);
  if (it == destinations_.end()) return;
  const Destination& place = it->second;
  // A back-off is forgotten with the last message for the place; the store still knows it.
  const bool hot = std::ranges::find(place.hot, true) != place.hot.end();
  bool idle = place.ready.empty() && place.due == kNever && place.workers == 0 && !place.claiming && !hot;
  if (idle) {
    if (place.failures > 0 && forgotten_.size() < kForgotten) forgotten_.insert(key);
    if (place.timer != kNever) timers_.erase({place.timer, key});
    destinations_.erase(it);
  }
}

std::chrono::milliseconds Queue::next_look() const {
  std::lock_guard lock(mutex_);
  std::int64_t wait = 60'000;
  if (frozen_ == 0 && !timers_.empty() && workers_ < options_->workers_total)
    wait = std::clamp<std::int64_t>(timers_.begin()->first - now(), 1, wait);
  return std::chrono::milliseconds(wait);
}

// ---- Work ----

Task<std::optional<Job>> Queue::take(std::string key) {
  for (bool claimed = false;; claimed = true) {
    bool claim_now = false;
    {
      std::lock_guard lock(mutex_);
      Destination& place = destination(key);
      if (!place.ready.empty() && place.backoff_until <= now()) {
        auto job = pick(key, place);
        if (job) co_return job;
      }
      // Nothing was picked: none is there, or there is no seat for any of them, and more of the same would only lie here.
      claim_now = !claimed && place.ready.size() < options_->window && frozen_ == 0 && !place.claiming &&
                  place.due <= now() && place.backoff_until <= now();
      if (claim_now) {
        place.claiming = true;
        place.due = kNever; // from here on only what comes to the store meanwhile, which the claim may not see
      }
    }
    if (!claim_now) break;
    co_await claim(key);
  }
  release_worker(key);
  co_return std::nullopt;
}

class Queue::Claiming {
public:
  Claiming(Queue& queue, std::string key) : queue_(queue), key_(std::move(key)) {}
  ~Claiming() {
    if (!done_) end({}, queue_.now() + kClaimAgain);
  }
  Claiming(const Claiming&) = delete;
  Claiming& operator=(const Claiming&) = delete;

  void end(std::vector<store::WorkItem> items, std::int64_t due) {
    done_ = true;
    const std::lock_guard lock(queue_.mutex_);
    Destination& place = queue_.destination(key_);
    place.claiming = false;
    for (store::WorkItem& item : items)
      enqueue(place, Job{std::move(item.message), std::move(item.recipients), nullptr});
    place.due = std::min(place.due, due);
    queue_.heat(key_, place);
    queue_.arm(key_, place);
  }

private:
  Queue& queue_;
  const std::string key_;
  bool done_ = false;
};

/// Fills the window from the store and learns when the destination is due next.
Task<void> Queue::claim(std::string key) {
  Claiming claiming(*this, key);
  std::int64_t at = now();
  auto claimed = co_await store_.queue().claim(key, at, kClaim);
  std::int64_t due = at + kClaimAgain;
  std::vector<store::WorkItem> items;
  if (claimed) {
    items = std::move(claimed->items);
    auto earliest = co_await store_.queue().earliest_due(key);
    if (earliest) due = *earliest == 0 ? kNever : *earliest;
  } else {
    log::error("claim-failed", {{"destination", key}, {"why", claimed.error().message}});
  }
  claiming.end(std::move(items), due);
  wake_runnable();
}

Task<std::vector<Job>> Queue::take_expired(std::string key) {
  std::vector<Job> jobs;
  std::int64_t at = millis(clock_.settled());
  auto items = co_await store_.queue().claim_expired(key, at, kClaim);
  if (items)
    for (store::WorkItem& item : *items)
      jobs.push_back(Job{std::move(item.message), std::move(item.recipients), nullptr});
  co_return jobs;
}

std::vector<Job> Queue::take_window(const std::string& key) {
  std::lock_guard lock(mutex_);
  Destination& place = destination(key);
  std::vector<Job> jobs(std::make_move_iterator(place.ready.begin()), std::make_move_iterator(place.ready.end()));
  place.ready.clear();
  place.reports = 0;
  for (const Job& job : jobs) leave_window(job);
  return jobs;
}

Task<void> Queue::give_back() {
  std::vector<store::Outcome> outcomes;
  {
    std::lock_guard lock(mutex_);
    for (auto& [key, place] : destinations_) {
      for (Job& job : place.ready)
        for (const store::RecipientFacts& recipient : job.recipients)
          outcomes.push_back({.message = job.message.id,
                              .index = recipient.index,
                              .to = store::State::waiting,
                              .due = std::min(now(), job.message.expires_at),
                              .attempted = false});
      place.ready.clear();
      place.reports = 0;
    }
  }
  if (!outcomes.empty()) co_await store_.queue().record(std::move(outcomes), std::nullopt);
}

/// No honest retry is later than this.
std::int64_t Queue::latest_retry() const {
  const std::int64_t most = std::chrono::milliseconds(options()->schedule.most).count();
  return now() + most + most / 5 + 60'000;
}

/// Under mutex_: a back-off that ends later was made by a clock that was ahead.
void Queue::pull_back_offs(std::int64_t latest) {
  for (auto& [key, place] : destinations_) {
    if (place.backoff_until <= latest) continue;
    place.backoff_until = 0;
    arm(key, place);
    heat(key, place);
  }
}

Queue::Listing::Listing(Queue& queue) : queue_(queue) {
  const std::lock_guard lock(queue_.mutex_);
  ++queue_.listings_;
}

Queue::Listing::~Listing() {
  const std::lock_guard lock(queue_.mutex_);
  if (--queue_.listings_ == 0) queue_.touched_.clear();
}

Task<Result<>> Queue::load() {
  const std::int64_t at = now();
  const std::int64_t latest = latest_retry();
  const auto pulled = co_await store_.queue().pull_forward(at, latest);
  if (!pulled) co_return std::unexpected(pulled.error());
  if (*pulled > 0) log::warning("queue-pulled-forward", {{"count", *pulled}, {"why", "the clock was ahead"}});
  const Listing listing(*this);
  auto listed = co_await store_.queue().list_destinations(false);
  if (!listed) co_return std::unexpected(listed.error());
  {
    std::lock_guard lock(mutex_);
    ++loads_;
    pull_back_offs(latest);
    for (const store::DestinationFacts& facts : *listed) {
      const bool touched = touched_.contains(facts.key);
      if (facts.earliest_due == 0 && (touched || facts.backoff_until <= now())) continue;
      Destination& place = destination(facts.key);
      if (facts.earliest_due != 0) // what became known while the list was read stays
        place.due = std::min(place.due, facts.earliest_due);
      if (!touched) {
        place.backoff_until = facts.backoff_until;
        place.failures = facts.failures;
        place.last_error = facts.last_error;
      }
      arm(facts.key, place);
      heat(facts.key, place);
    }
  }
  wake_runnable();
  co_return Result<>();
}

Queue::Numbers Queue::numbers() const {
  std::lock_guard lock(mutex_);
  Numbers numbers{.destinations = destinations_.size(), .workers = workers_};
  for (const auto& [key, place] : destinations_) numbers.ready += place.ready.size();
  return numbers;
}

} // namespace paquebot::queue
