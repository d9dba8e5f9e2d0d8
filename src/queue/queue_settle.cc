// The queue's side of what became of recipients: recorded in the store, and what follows for their destination.

#include "base/log.h"
#include "net/wheel.h"
#include "queue/queue.h"

#include <algorithm>

namespace paquebot::queue {
namespace {

/// Outcomes of one transaction: some ten milliseconds, so that nobody waits long behind a destination that failed.
constexpr std::size_t kOutcomesAtOnce = 500;

bool owes(const std::vector<store::Outcome>& outcomes) {
  return std::ranges::any_of(outcomes, [](const auto& o) { return o.owed != store::Owed::none; });
}

} // namespace

/// Learns when the destination is due next. True when that is news for whoever starts workers.
bool Queue::note_due(const std::vector<store::Outcome>& outcomes, const std::string& key) {
  std::lock_guard lock(mutex_);
  Destination& place = destination(key);
  const std::int64_t timer = place.timer;
  for (const store::Outcome& outcome : outcomes)
    if (outcome.to == store::State::waiting) place.due = std::min(place.due, outcome.due);
  arm(key, place);
  const bool news = place.timer != timer;
  forget_if_idle(key); // the worker that it was for may have ended meanwhile
  return news;
}

/// The store may fail for a while; what happened to the recipients must not be forgotten, so this insists.
Task<void> Queue::record_slice(std::vector<store::Outcome> outcomes, std::optional<store::DestinationUpdate> update) {
  for (int tries = 0;; ++tries) {
    auto batch = outcomes;
    auto facts = update;
    auto done = co_await store_.queue().record(std::move(batch), std::move(facts));
    if (done || done.error().code == Errc::closed) break;
    if (done.error().code == Errc::epoch_ended) break; // none of them is ours any more
    log::error("outcome-not-recorded", {{"why", done.error().message}, {"tries", tries + 1}});
    auto wait = std::chrono::milliseconds(std::min(200 * (tries + 1), 5000));
    co_await net::sleep_for(wait);
  }
}

Task<void> Queue::record(const std::vector<store::Outcome>& outcomes, std::optional<store::DestinationUpdate> update) {
  for (std::size_t at = 0; at < outcomes.size() || update; at += kOutcomesAtOnce) {
    const std::size_t end = std::min(outcomes.size(), at + kOutcomesAtOnce);
    std::vector<store::Outcome> slice(outcomes.begin() + static_cast<std::ptrdiff_t>(at),
                                      outcomes.begin() + static_cast<std::ptrdiff_t>(end));
    auto facts = std::exchange(update, std::nullopt);
    co_await record_slice(std::move(slice), std::move(facts));
  }
  if (owes(outcomes)) wake_owed();
}

Task<void> Queue::settle(std::string key, std::vector<store::Outcome> outcomes, bool works) {
  std::optional<store::DestinationUpdate> update;
  if (works) {
    std::lock_guard lock(mutex_);
    Destination& place = destination(key);
    const bool forgotten = forgotten_.erase(key) > 0;
    if (place.failures > 0 || forgotten) {
      place.failures = 0;
      place.backoff_until = 0;
      if (listings_ > 0) touched_.insert(key);
      update = store::DestinationUpdate{.key = key};
      heat(key, place);
    }
  }
  co_await record(outcomes, std::move(update));
  note_due(outcomes, key);
  wake_runnable();
}

bool Queue::failing(const std::string& key) const {
  std::lock_guard lock(mutex_);
  auto it = destinations_.find(key);
  return (it != destinations_.end() && it->second.failures > 0) || forgotten_.contains(key);
}

std::uint32_t Queue::failures(const std::string& key) const {
  const std::lock_guard lock(mutex_);
  const auto it = destinations_.find(key);
  return it == destinations_.end() ? 0 : it->second.failures;
}

Task<void> Queue::settle_several(const std::vector<Settled>& several) {
  std::vector<store::Outcome> all;
  for (const Settled& one : several) all.insert(all.end(), one.outcomes.begin(), one.outcomes.end());
  std::optional<store::DestinationUpdate> nothing;
  co_await record(all, std::move(nothing));
  bool news = false;
  for (const Settled& one : several) news = note_due(one.outcomes, one.destination) || news;
  if (news) wake_runnable();
}

std::int64_t Queue::back_off_until(const std::string& key) const {
  std::lock_guard lock(mutex_);
  auto it = destinations_.find(key);
  if (it != destinations_.end() && it->second.backoff_until > now()) return it->second.backoff_until;
  std::uint32_t failures = it == destinations_.end() ? 0 : it->second.failures;
  auto random = static_cast<std::uint32_t>(clock_.now().time_since_epoch().count());
  return now() + retry_after(options_->schedule, failures + 1, random).count();
}

Task<void> Queue::settle_failed(std::string key, std::vector<store::Outcome> outcomes, std::int64_t until,
                                std::string error) {
  store::DestinationUpdate update{.key = key, .failed_until = until, .error = std::move(error)};
  {
    std::lock_guard lock(mutex_);
    Destination& place = destination(key);
    forgotten_.erase(key);
    if (place.backoff_until <= now()) ++place.failures; // workers that fail together count once
    place.backoff_until = until;
    if (listings_ > 0) touched_.insert(key);
    place.last_error = update.error;
    arm(key, place);
  }
  co_await record(outcomes, std::move(update));
  note_due(outcomes, key);
}

} // namespace paquebot::queue
