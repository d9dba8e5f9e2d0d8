#include "queue/orders.h"

#include "base/text.h"
#include "net/wheel.h"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

namespace paquebot::queue {
namespace {

bool sent_by(const store::MessageFacts& message, const std::string& address) {
  return iequals(message.sender.reverse_path.local + "@" + message.sender.reverse_path.domain, address);
}

/// As in the store. What is in a window is never held.
bool means(const store::QueueFilter& filter, const store::MessageFacts& message,
           const store::RecipientFacts& recipient) {
  if (filter.held_only || filter.takeover_only) return false;
  if (!filter.domain.empty() && !iequals(store::domain_of(recipient.address), filter.domain)) return false;
  if (filter.message && *filter.message != message.id) return false;
  if (!filter.only.empty() && std::ranges::find(filter.only, recipient.index) == filter.only.end()) return false;
  if (filter.account != 0 && filter.account != message.account) return false;
  if (!filter.destination.empty() && filter.destination != recipient.destination) return false;
  return filter.address.empty() || iequals(recipient.address, filter.address) || sent_by(message, filter.address);
}

} // namespace

class Orders::Freeze {
public:
  explicit Freeze(Core& core) : core_(core) {
    const std::lock_guard lock(core_.mutex);
    ++core_.frozen;
  }
  ~Freeze() {
    {
      const std::lock_guard lock(core_.mutex);
      --core_.frozen;
    }
    core_.runnable();
  }
  Freeze(const Freeze&) = delete;
  Freeze& operator=(const Freeze&) = delete;

private:
  Core& core_;
};

bool Orders::claims_nothing() const {
  const std::lock_guard lock(core_.mutex);
  return std::ranges::none_of(core_.destinations.all(), [](const auto& one) { return one.second.claiming; });
}

/// Lets the recipients that the filter means wait in the store again, due now.
Task<void> Orders::withdraw(const store::QueueFilter& filter, bool only_resting) {
  std::map<std::string, std::vector<store::Outcome>> taken;
  {
    const std::lock_guard lock(core_.mutex);
    const auto meant = [&filter](const store::MessageFacts& message, const store::RecipientFacts& recipient) {
      return means(filter, message, recipient);
    };
    for (auto& [key, place] : core_.destinations.all()) {
      if (only_resting && !place.back_off.rests(core_.now())) continue;
      const std::vector<Job> jobs = place.window.withdraw(meant);
      if (jobs.empty()) continue;
      for (const Job& job : jobs) core_.fresh.leave(job);
      let_wait(jobs, core_.now(), taken[key]);
    }
  }
  for (auto& [key, outcomes] : taken)
    co_await settling_.give_back(key, outcomes); // an order that leaves them alone lets them wait
}

Task<Result<std::size_t>> Orders::operate(store::QueueAction action, store::QueueFilter filter, std::string who,
                                          store::QueueStore& queue) {
  const Freeze freeze(core_);
  while (!claims_nothing()) { // what was about to come out of the store, and is not in a window yet
    const std::chrono::milliseconds rest(2);
    co_await net::sleep_for(rest);
  }
  // What is ready needs no retry, unless its place rests.
  const bool retry = action == store::QueueAction::retry;
  const bool held_before = action == store::QueueAction::resume; // and in no window
  if (!held_before) co_await withdraw(filter, retry);
  const std::int64_t at = core_.now();
  auto changed = co_await queue.operate(action, std::move(filter), std::move(who), at);
  co_return changed;
}

Task<void> Orders::drain(bool drained) {
  {
    const std::lock_guard lock(core_.mutex);
    if (std::exchange(drained_, drained) == drained) co_return;
    core_.frozen += drained ? 1 : -1;
  }
  if (!drained) co_return core_.runnable();
  while (!claims_nothing()) {
    const std::chrono::milliseconds rest(2);
    co_await net::sleep_for(rest);
  }
  const store::QueueFilter everything;
  co_await withdraw(everything, false);
}

Task<void> Orders::give_back() {
  std::vector<store::Outcome> outcomes;
  {
    const std::lock_guard lock(core_.mutex);
    for (auto& [key, place] : core_.destinations.all()) {
      const std::vector<Job> jobs = place.window.take_all();
      for (const Job& job : jobs) core_.fresh.leave(job);
      let_wait(jobs, core_.now(), outcomes);
    }
  }
  if (!outcomes.empty()) co_await core_.store.queue().record(std::move(outcomes), std::nullopt);
}

} // namespace paquebot::queue
