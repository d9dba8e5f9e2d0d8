#include "service/rounds.h"

#include "base/log.h"
#include "net/wheel.h"

#include <exception>
#include <utility>

namespace paquebot::service {

Rounds::Rounds(store::Upkeep& store, const Clock& clock, std::vector<Round> table) : store_(store), clock_(clock) {
  const Instant now = clock.now();
  for (Round& round : table) {
    const Instant due = now + round.first;
    table_.push_back({std::move(round), due});
  }
}

/// A store that can't say does not mean yes: another node may be at it.
Task<bool> Rounds::is_ours(const Round& round) {
  if (round.by == Round::By::each) co_return true;
  std::string name = round.name;
  const auto given = co_await store_.lease(std::move(name), kLease);
  if (!given) log::error("lease-unknown", {{"work", round.name}, {"why", given.error().message}});
  co_return given && *given;
}

Task<void> Rounds::make(const Round& round) {
  try {
    const bool ours = co_await is_ours(round);
    if (!ours) co_return;
    Task<void> work = round.work();
    co_await std::move(work);
  } catch (const std::exception& thrown) {
    log::error("task-broke", {{"task", round.name}, {"why", thrown.what()}});
  }
}

Task<void> Rounds::turn() {
  for (Entry& entry : table_) {
    const bool urged = entry.round.urged && entry.round.urged(); // asked in any case: it may remember what it saw
    if (!urged && clock_.now() < entry.due) continue;
    const Round& round = entry.round;
    co_await make(round);
    entry.due = clock_.now() + round.period;
  }
}

Task<void> Rounds::run(const bool& stopping) {
  while (!stopping) {
    co_await turn();
    auto rest = std::chrono::milliseconds(500);
    co_await net::sleep_for(rest);
  }
}

} // namespace paquebot::service
