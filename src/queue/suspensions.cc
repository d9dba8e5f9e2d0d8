#include "queue/suspensions.h"

#include "base/text.h"

#include <algorithm>

namespace paquebot::queue {
namespace {

using store::Suspension;

store::QueueFilter filter_of(const Suspension& one) {
  store::QueueFilter filter;
  filter.account = one.account;
  if (one.of == Suspension::Of::domain) filter.domain = one.name;
  return filter;
}

bool is_about(const Suspension& one, store::Id account, std::string_view address, std::string_view site) {
  switch (one.of) {
    case Suspension::Of::account: return account != 0 && one.account == account;
    case Suspension::Of::domain: return iequals(store::domain_of(address), one.name);
    case Suspension::Of::site: break;
  }
  return one.name == site;
}

/// What one of them asks for now.
Task<Result<std::size_t>> attend_one(store::QueueStore& queue, const Suspensions::Order& order, Suspension one,
                                     std::int64_t now) {
  using Phase = Suspension::Phase;
  std::size_t changed = 0;
  const bool holds = one.holds(now);
  if (one.phase == Phase::over || (holds && one.phase == Phase::whole)) co_return changed;
  if (one.of != Suspension::Of::site) {
    store::QueueFilter filter = filter_of(one);
    if (!holds) filter.held_only = true;
    if (!holds) filter.holds = store::bit_of(store::HoldKind::suspended);
    std::string who = holds ? store::words_of(one) : "the suspension of " + one.name + " has ended";
    const auto action = holds ? store::QueueAction::set_aside : store::QueueAction::resume;
    auto ordering = order(action, std::move(filter), std::move(who));
    const auto done = co_await std::move(ordering);
    if (!done) co_return std::unexpected(done.error());
    changed = *done;
  }
  const Phase to = holds ? Phase::whole : Phase::over;
  const auto advanced = co_await queue.advance_suspension(std::move(one), to);
  if (!advanced) co_return std::unexpected(advanced.error());
  co_return changed;
}

} // namespace

Task<Result<std::size_t>> Suspensions::attend(store::QueueStore& queue, Order order, std::int64_t now) {
  auto all = co_await queue.list_suspensions();
  if (!all) co_return std::unexpected(all.error());
  std::size_t changed = 0;
  for (Suspension& one : *all) {
    const auto done = co_await attend_one(queue, order, std::move(one), now);
    if (!done) co_return std::unexpected(done.error());
    changed += *done;
  }
  co_return changed;
}

Task<Result<>> Suspensions::attend(Order order) {
  store::QueueStore& queue = core_.store.queue();
  const std::int64_t now = core_.now();
  auto all = co_await queue.list_suspensions();
  if (!all) co_return std::unexpected(all.error());
  std::set<std::pair<std::string, std::int64_t>> held;
  for (Suspension one : *all) {
    const std::pair key(std::string(store::name_of(one.of)) + " " + one.name, one.since);
    // Another node has gone through the store, but not through what is in the windows here.
    if (one.holds(now) && !held_here_.contains(key)) one.phase = Suspension::Phase::begun;
    const bool holds = one.holds(now);
    const auto done = co_await attend_one(queue, order, std::move(one), now);
    if (!done) co_return std::unexpected(done.error());
    if (holds) held.insert(key);
  }
  held_here_ = std::move(held);
  const std::lock_guard lock(core_.mutex);
  known_ = std::move(*all);
  co_return Result<>();
}

std::int64_t Suspensions::free_since(store::Id account, const std::string& address,
                                     const std::string& destination) const {
  const std::lock_guard lock(core_.mutex);
  if (known_.empty()) return 0; // as it nearly always is
  const Destination* const place = core_.destinations.find(destination);
  const std::int64_t now = core_.now();
  std::int64_t since = 0;
  for (const Suspension& one : known_) {
    if (!is_about(one, account, address, place == nullptr ? std::string_view() : place->site)) continue;
    const std::int64_t end = one.ended != 0 ? one.ended : one.until != 0 ? std::min(one.until, now) : now;
    since = std::max(since, end);
  }
  return since;
}

std::size_t Suspensions::in_force() const {
  const std::lock_guard lock(core_.mutex);
  const std::int64_t now = core_.now();
  return static_cast<std::size_t>(
      std::ranges::count_if(known_, [now](const Suspension& one) { return one.holds(now); }));
}

} // namespace paquebot::queue
