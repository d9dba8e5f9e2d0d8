// The queue's side of orders: what waits in the windows goes back to the store, where the order finds it.

#include "base/text.h"
#include "net/wheel.h"
#include "queue/queue.h"

#include <algorithm>

namespace paquebot::queue {
namespace {

bool sent_by(const store::MessageFacts& message, const std::string& address) {
  return iequals(message.sender.reverse_path.local + "@" + message.sender.reverse_path.domain, address);
}

/// As in the store. What is in a window is never held.
bool means(const store::QueueFilter& filter, const store::MessageFacts& message,
           const store::RecipientFacts& recipient) {
  if (filter.held_only || filter.takeover_only) return false;
  if (filter.message && *filter.message != message.id) return false;
  if (filter.account != 0 && filter.account != message.account) return false;
  if (!filter.destination.empty() && filter.destination != recipient.destination) return false;
  return filter.address.empty() || iequals(recipient.address, filter.address) || sent_by(message, filter.address);
}

} // namespace

Queue::Freeze::Freeze(Queue& queue) : queue_(queue) {
  const std::lock_guard lock(queue_.mutex_);
  ++queue_.frozen_;
}

Queue::Freeze::~Freeze() {
  {
    const std::lock_guard lock(queue_.mutex_);
    --queue_.frozen_;
  }
  queue_.wake_runnable();
}

bool Queue::claims_nothing() const {
  const std::lock_guard lock(mutex_);
  return std::ranges::none_of(destinations_, [](const auto& one) { return one.second.claiming; });
}

/// Lets the recipients that the filter means wait in the store again, due now.
Task<void> Queue::withdraw(const store::QueueFilter& filter, bool only_backing_off) {
  std::map<std::string, std::vector<store::Outcome>> taken;
  {
    const std::lock_guard lock(mutex_);
    for (auto& [key, place] : destinations_) {
      if (only_backing_off && place.backoff_until <= now()) continue;
      for (Job& job : place.ready) {
        std::erase_if(job.recipients, [&](const store::RecipientFacts& recipient) {
          if (!means(filter, job.message, recipient)) return false;
          taken[key].push_back({.message = job.message.id,
                                .index = recipient.index,
                                .to = store::State::waiting,
                                .due = std::min(now(), job.message.expires_at),
                                .attempted = false});
          return true;
        });
        if (job.recipients.empty()) leave_window(job);
      }
      std::erase_if(place.ready, [](const Job& job) { return job.recipients.empty(); });
      place.reports = static_cast<std::size_t>(
          std::ranges::count_if(place.ready, [](const Job& job) { return is_report(job.message); }));
    }
  }
  for (auto& [key, outcomes] : taken) {
    co_await record(outcomes, std::nullopt);
    note_due(outcomes, key); // an order that leaves them alone lets them wait
  }
}

Task<Result<std::size_t>> Queue::operate(store::QueueAction action, store::QueueFilter filter, std::string who) {
  const Freeze freeze(*this);
  while (!claims_nothing()) { // what was about to come out of the store, and is not in a window yet
    const std::chrono::milliseconds rest(2);
    co_await net::sleep_for(rest);
  }
  // What is ready needs no retry, unless its place backs off.
  const bool retry = action == store::QueueAction::retry;
  co_await withdraw(filter, retry);
  const std::int64_t at = now();
  auto changed = co_await store_.queue().operate(action, std::move(filter), std::move(who), at);
  co_return changed;
}

} // namespace paquebot::queue
