#include "watched_store.h"

#include <algorithm>
#include <utility>

namespace paquebot::simulation {

using store::State;

// ---- Eyes ----

Task<store::AcceptResult> WatchedAcceptance::accept(std::shared_ptr<const store::AcceptRequest> request) {
  const std::shared_ptr<const store::AcceptRequest> seen = request;
  if (awake()) ledger->asked(*seen);
  Task<store::AcceptResult> asked = WrappedAcceptance::accept(std::move(request));
  store::AcceptResult result = co_await std::move(asked);
  if (awake()) ledger->accepted(*seen, result);
  co_return result;
}

void WatchedQueue::note(const std::vector<store::WorkItem>& items) {
  if (!alive()) return;
  for (const store::WorkItem& item : items)
    for (const store::RecipientFacts& recipient : item.recipients) watching->claimed(item.message.id, recipient.index);
}

Task<Result<store::Claim>> WatchedQueue::claim(std::string destination, std::int64_t now, std::size_t most) {
  Task<Result<store::Claim>> asked = WrappedQueueStore::claim(std::move(destination), now, most);
  Result<store::Claim> claim = co_await std::move(asked);
  if (claim) note(claim->items);
  co_return claim;
}

Task<Result<std::vector<store::WorkItem>>> WatchedQueue::claim_expired(std::string destination, std::int64_t now,
                                                                       std::size_t most) {
  Task<Result<std::vector<store::WorkItem>>> asked =
      WrappedQueueStore::claim_expired(std::move(destination), now, most);
  Result<std::vector<store::WorkItem>> items = co_await std::move(asked);
  if (items) note(*items);
  co_return items;
}

Task<Result<std::vector<store::WorkItem>>> WatchedQueue::claim_overdue(std::int64_t now, std::size_t most) {
  Task<Result<std::vector<store::WorkItem>>> asked = WrappedQueueStore::claim_overdue(now, most);
  Result<std::vector<store::WorkItem>> items = co_await std::move(asked);
  if (items) note(*items);
  co_return items;
}

Task<Result<std::size_t>> WatchedQueue::record(std::vector<store::Outcome> outcomes,
                                               std::optional<store::DestinationUpdate> destination) {
  const std::vector<store::Outcome> told = outcomes;
  Task<Result<std::size_t>> asked = WrappedQueueStore::record(std::move(outcomes), std::move(destination));
  Result<std::size_t> counted = co_await std::move(asked);
  if (alive()) {
    for (const store::Outcome& one : told) {
      if (counted)
        watching->recorded(one);
      else
        watching->unsure(one.message, one.index);
    }
  }
  co_return counted;
}

WatchedStore::WatchedStore(store::Store& inner, Ledger& l, const std::function<bool()>& awake_now) : Wrapped(inner) {
  ledger = watching = &l;
  awake = alive = awake_now;
}

// ---- Faults ----

namespace {

constexpr std::int64_t kLate = 3600 * 1000;
constexpr unsigned kLoseOneIn = 10; // in one life of a server
constexpr unsigned kGiveOneIn = 3;

} // namespace

Task<void> FaultyQueue::cancel_late(std::int64_t now) {
  while (!orders_.empty() && orders_.front().due <= now) {
    Order order = std::move(orders_.front());
    orders_.erase(orders_.begin());
    Task<Result<std::size_t>> asked =
        WrappedQueueStore::operate(store::QueueAction::cancel, std::move(order.filter), std::move(order.who), now);
    const Result<std::size_t> done = co_await std::move(asked);
    static_cast<void>(done);
  }
}

Task<Result<store::Claim>> FaultyQueue::claim(std::string destination, std::int64_t now, std::size_t most) {
  Task<void> late = cancel_late(now);
  co_await std::move(late);
  const std::string key = destination;
  Task<Result<store::Claim>> asked = WrappedQueueStore::claim(std::move(destination), now, most);
  Result<store::Claim> claim = co_await std::move(asked);
  if (!claim || planted != Planted::double_claim) co_return claim;
  const auto before = given_.find(key);
  if (before != given_.end() && ++calls_ % kGiveOneIn == 0) claim->items.push_back(before->second);
  if (!claim->items.empty()) given_.insert_or_assign(key, claim->items.front());
  co_return claim;
}

Task<Result<std::size_t>> FaultyQueue::record(std::vector<store::Outcome> outcomes,
                                              std::optional<store::DestinationUpdate> destination) {
  std::size_t lost = 0;
  if (planted == Planted::lost_outcome)
    lost = std::erase_if(
        outcomes, [&](const store::Outcome& one) { return one.to == State::relayed && ++calls_ % kLoseOneIn == 0; });
  Task<Result<std::size_t>> asked = WrappedQueueStore::record(std::move(outcomes), std::move(destination));
  Result<std::size_t> counted = co_await std::move(asked);
  if (counted) *counted += lost;
  co_return counted;
}

Task<Result<std::size_t>> FaultyQueue::operate(store::QueueAction action, store::QueueFilter filter, std::string who,
                                               std::int64_t now) {
  if (planted == Planted::late_cancel && action == store::QueueAction::cancel) {
    store::QueueFilter same = filter;
    const std::optional<Ulid> from_start;
    Task<Result<std::vector<store::WorkItem>>> looked = WrappedQueueStore::list(std::move(same), from_start, 1);
    const Result<std::vector<store::WorkItem>> items = co_await std::move(looked);
    if (!items) co_return std::unexpected(items.error());
    std::size_t meant = 0;
    for (const store::WorkItem& item : *items)
      for (const store::RecipientFacts& one : item.recipients) meant += one.state != State::in_hand ? 1 : 0;
    orders_.push_back({std::move(filter), std::move(who), now + kLate});
    co_return meant;
  }
  Task<Result<std::size_t>> asked = WrappedQueueStore::operate(action, std::move(filter), std::move(who), now);
  co_return co_await std::move(asked);
}

} // namespace paquebot::simulation
