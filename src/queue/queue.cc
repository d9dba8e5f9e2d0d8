#include "queue/queue.h"

#include "base/log.h"
#include "base/text.h"
#include "net/wheel.h"

#include <algorithm>
#include <limits>

namespace paquebot::queue {
namespace {

constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();
// Bounds of what is kept in memory for at once, beside Options::window: jobs in all, octets in all.
constexpr std::size_t kFreshJobs = 20000;
constexpr std::uint64_t kFreshBytes = 64u << 20;
constexpr std::size_t kClaim = 100;
constexpr unsigned kPaused = 1000; // each has a job in hand

using Way = store::NewRecipient::Route;

store::MessageFacts facts_of(const store::AcceptRequest& request) {
  store::MessageFacts facts;
  facts.id = request.id;
  facts.klass = request.klass;
  facts.sender = request.sender;
  facts.content_8bit = request.content_8bit;
  facts.account = request.account;
  facts.peer = request.peer;
  facts.accepted_at = request.accepted_at;
  facts.expires_at = request.expires_at;
  facts.head_size = request.head.size();
  facts.body.size = request.body.size;
  return facts;
}

bool is_remote(const store::NewRecipient& row) { return row.route == Way::remote; }

} // namespace

Queue::Queue(store::Store& store, const Clock& clock, Options options)
    : store_(store), clock_(clock), options_(std::make_shared<const Options>(std::move(options))) {}

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

// ---- Acceptance ----

Task<store::AcceptResult> Queue::accept(Draft&& draft) { // no coroutine: the draft is used up before there is one
  const auto options = this->options();
  return accept(build_request(std::move(draft), options->routes, options->schedule, clock_.wall()));
}

Task<store::AcceptResult> Queue::accept(std::shared_ptr<store::AcceptRequest> request) {
  Reservation reservation = reserve(*request);
  std::shared_ptr<const store::AcceptRequest> sealed = request;
  store::AcceptResult result = co_await store_.accept(sealed);
  if (result.status != store::AcceptStatus::accepted) {
    for (std::uint32_t index : result.recipients) result.addresses.push_back(sealed->recipients[index].address);
    cancel(*sealed, reservation);
    co_return result;
  }
  if (result.held) {
    cancel(*sealed, reservation);
    co_return result;
  }
  offer(sealed, reservation);
  if (std::ranges::any_of(sealed->recipients, [](const auto& r) { return r.owed != store::Owed::none; })) wake_owed();
  co_return result;
}

/// Octets of memory, roughly: the message, and what a job keeps of each recipient.
std::uint64_t Queue::weight(const store::AcceptRequest& request) {
  return request.head.size() + request.body.bytes.size() + 1024 + 512 * request.recipients.size();
}

/// Decides for each remote destination of the message whether it is delivered from memory (in hand at once) or waits in the store.
Queue::Reservation Queue::reserve(store::AcceptRequest& request) {
  Reservation reservation;
  if (std::ranges::none_of(request.recipients, is_remote)) return reservation;
  std::lock_guard lock(mutex_);
  std::int64_t at = now();
  std::uint64_t bytes = weight(request);
  bool in_memory = request.body.staged == 0;
  for (store::NewRecipient& row : request.recipients) {
    if (row.route != Way::remote) continue;
    auto known = std::ranges::find(reservation.destinations, row.destination);
    if (known != reservation.destinations.end()) {
      row.in_hand = true;
      continue;
    }
    Destination& place = destination(row.destination);
    if (place.backoff_until > at) {
      row.due = std::max(row.due, place.backoff_until);
      std::string why = "; " + row.destination + " is not tried before its time: " + printable(place.last_error, 200);
      if (!request.note.contains(why)) request.note += why;
    } else if (in_memory && row.due <= at && place.due > at && place.ready.size() < options_->window &&
               fresh_jobs_ < kFreshJobs && fresh_bytes_ + bytes <= kFreshBytes) {
      row.in_hand = true;
      ++fresh_jobs_;
      fresh_bytes_ += bytes;
      reservation.destinations.push_back(row.destination);
    }
  }
  reservation.bytes = bytes;
  return reservation;
}

void Queue::offer(const std::shared_ptr<const store::AcceptRequest>& request, const Reservation& reservation) {
  if (std::ranges::none_of(request->recipients, is_remote)) return;
  bool wake = false;
  {
    std::lock_guard lock(mutex_);
    std::map<std::string, Job> jobs;
    for (const std::string& key : reservation.destinations) jobs[key] = Job{facts_of(*request), {}, request};
    for (std::size_t i = 0; i < request->recipients.size(); ++i) {
      const store::NewRecipient& row = request->recipients[i];
      if (row.route != Way::remote) continue;
      Destination& place = destination(row.destination);
      if (!row.in_hand) {
        place.due = std::min(place.due, row.due);
        arm(row.destination, place);
        wake = true;
        continue;
      }
      store::RecipientFacts facts;
      facts.index = static_cast<std::uint32_t>(i);
      facts.address = row.address;
      facts.orcpt = row.orcpt;
      facts.notify = row.notify;
      facts.state = store::State::in_hand;
      facts.parent = row.parent;
      facts.via = row.via;
      facts.destination = row.destination;
      facts.due = row.due;
      jobs[row.destination].recipients.push_back(std::move(facts));
    }
    for (auto& [key, job] : jobs) {
      Destination& place = destination(key);
      enqueue(place, std::move(job));
      heat(key, place);
      arm(key, place);
      wake = true;
    }
  }
  if (wake) wake_runnable();
}

void Queue::cancel(const store::AcceptRequest& request, const Reservation& reservation) {
  std::lock_guard lock(mutex_);
  fresh_jobs_ -= reservation.destinations.size();
  fresh_bytes_ -= reservation.bytes * reservation.destinations.size();
  for (const store::NewRecipient& row : request.recipients)
    if (row.route == Way::remote) forget_if_idle(row.destination);
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
  const int priority = job.message.sender.priority;
  const auto lower = [priority](const Job& other) { return other.message.sender.priority < priority; };
  if (place.ready.empty() || !lower(place.ready.back())) return place.ready.push_back(std::move(job));
  const auto at = std::ranges::find_if(place.ready, lower);
  place.ready.insert(at, std::move(job));
}

/// A fresh one makes room for others.
void Queue::leave_window(const Job& job) {
  if (!job.fresh) return;
  --fresh_jobs_;
  fresh_bytes_ -= weight(*job.fresh);
}

void Queue::heat(const std::string& key, Destination& place) {
  if (place.hot || place.ready.empty()) return;
  place.hot = true;
  hot_.push_back(key);
}

void Queue::forget_if_idle(const std::string& key) {
  auto it = destinations_.find(key);
  if (it == destinations_.end()) return;
  const Destination& place = it->second;
  // A back-off is forgotten with the last message for the place; the store still knows it.
  bool idle = place.ready.empty() && place.due == kNever && place.workers == 0 && !place.claiming && !place.hot;
  if (idle) {
    if (place.timer != kNever) timers_.erase({place.timer, key});
    destinations_.erase(it);
  }
}

bool Queue::may_start(const Destination& place, std::int64_t at) const {
  unsigned most = place.failures > 0 ? 1 : options_->workers_per_destination; // one probe for a place that failed
  return place.workers < most && place.backoff_until <= at && !spared(place);
}

std::optional<std::string> Queue::start_worker() {
  std::lock_guard lock(mutex_);
  if (workers_ >= options_->workers_total) return std::nullopt;
  std::int64_t at = now();
  for (std::size_t looked = hot_.size(); looked > 0; --looked) {
    std::string key = std::move(hot_.front());
    hot_.pop_front();
    Destination& place = destination(key);
    place.hot = false;
    if (!place.ready.empty() && spared(place)) { // its minute ends without a sign
      heat(key, place);
      continue;
    }
    if (place.ready.empty() || !may_start(place, at)) {
      arm(key, place); // a worker that ends heats it again, or the end of its back-off
      forget_if_idle(key);
      continue;
    }
    ++place.workers;
    ++workers_;
    if (place.ready.size() > place.workers) heat(key, place);
    return key;
  }
  while (!timers_.empty() && timers_.begin()->first <= at) {
    std::string key = timers_.begin()->second;
    Destination& place = destination(key);
    timers_.erase(timers_.begin());
    place.timer = kNever; // armed again when a worker has claimed
    if (place.claiming || !may_start(place, at)) continue;
    ++place.workers;
    ++workers_;
    return key;
  }
  return std::nullopt;
}

std::chrono::milliseconds Queue::next_look() const {
  std::lock_guard lock(mutex_);
  std::int64_t wait = 60'000;
  if (!timers_.empty() && workers_ < options_->workers_total)
    wait = std::clamp<std::int64_t>(timers_.begin()->first - now(), 1, wait);
  return std::chrono::milliseconds(wait);
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

bool Queue::pause_worker() {
  {
    std::lock_guard lock(mutex_);
    if (paused_ >= kPaused) return false;
    ++paused_;
    --workers_;
  }
  wake_runnable();
  return true;
}

void Queue::resume_worker() {
  std::lock_guard lock(mutex_);
  --paused_;
  ++workers_;
}

// ---- Work ----

Task<std::optional<Job>> Queue::take(std::string key) {
  for (bool claimed = false;; claimed = true) {
    bool claim_now = false;
    {
      std::lock_guard lock(mutex_);
      Destination& place = destination(key);
      if (!place.ready.empty() && place.backoff_until <= now()) {
        Job job = std::move(place.ready.front());
        place.ready.pop_front();
        leave_window(job);
        co_return job;
      }
      claim_now = !claimed && !place.claiming && place.due <= now() && place.backoff_until <= now();
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

/// Fills the window from the store and learns when the destination is due next.
Task<void> Queue::claim(std::string key) {
  std::int64_t at = now();
  auto items = co_await store_.claim(key, at, kClaim);
  std::int64_t due = kNever;
  if (items) {
    auto earliest = co_await store_.earliest_due(key);
    due = earliest ? (*earliest == 0 ? kNever : *earliest) : at + 5000;
  } else {
    log::error("claim-failed", {{"destination", key}, {"why", items.error().message}});
    due = at + 5000;
  }
  {
    std::lock_guard lock(mutex_);
    Destination& place = destination(key);
    place.claiming = false;
    if (items)
      for (store::WorkItem& item : *items)
        enqueue(place, Job{std::move(item.message), std::move(item.recipients), nullptr});
    place.due = std::min(place.due, due);
    heat(key, place);
    arm(key, place);
  }
  wake_runnable();
}

Task<std::vector<Job>> Queue::take_expired(std::string key) {
  std::vector<Job> jobs;
  std::int64_t at = now();
  auto items = co_await store_.claim_expired(key, at, kClaim);
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
                              .due = now(),
                              .attempted = false});
      place.ready.clear();
    }
  }
  if (!outcomes.empty()) co_await store_.record(std::move(outcomes), std::nullopt);
}

Task<Result<>> Queue::load() {
  auto listed = co_await store_.list_destinations(false);
  if (!listed) co_return std::unexpected(listed.error());
  {
    std::lock_guard lock(mutex_);
    ++loads_;
    for (const store::DestinationFacts& facts : *listed) {
      if (facts.earliest_due == 0 && facts.backoff_until <= now()) continue;
      Destination& place = destination(facts.key);
      if (facts.earliest_due != 0) // what became known while the list was read stays
        place.due = std::min(place.due, facts.earliest_due);
      place.backoff_until = facts.backoff_until;
      place.failures = facts.failures;
      place.last_error = facts.last_error;
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
