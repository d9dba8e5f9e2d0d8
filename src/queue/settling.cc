#include "queue/settling.h"

#include "base/log.h"
#include "net/wheel.h"

#include <algorithm>
#include <utility>

namespace paquebot::queue {
namespace {

/// Outcomes of one transaction: some ten milliseconds, so that nobody waits long behind a destination that failed.
constexpr std::size_t kOutcomesAtOnce = 500;

bool owes(const std::vector<store::Outcome>& outcomes) {
  return std::ranges::any_of(outcomes, [](const auto& o) { return o.owed != store::Owed::none; });
}

} // namespace

class Settling::Change {
public:
  Change(Core& core, std::string key, Destination& place) : core_(core), key_(std::move(key)) {
    core_.changes.begin(key_, place);
  }
  ~Change() {
    const std::lock_guard lock(core_.mutex);
    core_.changes.end(key_, core_.destinations.at(key_));
  }
  Change(const Change&) = delete;
  Change& operator=(const Change&) = delete;

private:
  Core& core_;
  const std::string key_;
};

/// Learns when the destination is due next. True when that is news for whoever starts workers.
bool Settling::note_due(const std::vector<store::Outcome>& outcomes, const std::string& key) {
  const std::lock_guard lock(core_.mutex);
  Destination& place = core_.destinations.at(key);
  for (const store::Outcome& outcome : outcomes)
    if (outcome.to == store::State::waiting) place.due = std::min(place.due, outcome.due);
  const bool news = core_.destinations.arm(key, place, core_.now());
  core_.destinations.forget_if_idle(key); // the worker that it was for may have ended meanwhile
  return news;
}

/// The store may fail for a while; what happened to the recipients must not be forgotten, so this insists.
Task<void> Settling::record_slice(std::vector<store::Outcome> outcomes,
                                  std::optional<store::DestinationUpdate> update) {
  for (int tries = 0;; ++tries) {
    auto batch = outcomes;
    auto facts = update;
    auto done = co_await core_.store.queue().record(std::move(batch), std::move(facts));
    if (done || done.error().code == Errc::closed) break;
    if (done.error().code == Errc::epoch_ended) break; // none of them is ours any more
    log::error("outcome-not-recorded", {{"why", done.error().message}, {"tries", tries + 1}});
    auto wait = std::chrono::milliseconds(std::min(200 * (tries + 1), 5000));
    co_await net::sleep_for(wait);
  }
}

Task<void> Settling::record(const std::vector<store::Outcome>& outcomes,
                            std::optional<store::DestinationUpdate> update) {
  for (std::size_t at = 0; at < outcomes.size() || update; at += kOutcomesAtOnce) {
    const std::size_t end = std::min(outcomes.size(), at + kOutcomesAtOnce);
    std::vector<store::Outcome> slice(outcomes.begin() + static_cast<std::ptrdiff_t>(at),
                                      outcomes.begin() + static_cast<std::ptrdiff_t>(end));
    auto facts = std::exchange(update, std::nullopt);
    co_await record_slice(std::move(slice), std::move(facts));
  }
  if (owes(outcomes)) core_.owed();
}

Task<void> Settling::settle(std::string key, std::vector<store::Outcome> outcomes, bool works) {
  std::optional<store::DestinationUpdate> update;
  std::optional<Change> change;
  if (works) {
    const std::lock_guard lock(core_.mutex);
    Destination& place = core_.destinations.at(key);
    const bool forgotten = core_.destinations.forgive(key);
    if (place.back_off.failures() > 0 || forgotten) {
      place.back_off.work();
      change.emplace(core_, key, place);
      update = store::DestinationUpdate{.key = key};
      core_.destinations.heat(key, place);
    }
  }
  co_await record(outcomes, std::move(update));
  change.reset();
  note_due(outcomes, key);
  core_.runnable();
}

Task<void> Settling::settle_several(const std::vector<Settled>& several) {
  std::vector<store::Outcome> all;
  for (const Settled& one : several) all.insert(all.end(), one.outcomes.begin(), one.outcomes.end());
  std::optional<store::DestinationUpdate> nothing;
  co_await record(all, std::move(nothing));
  bool news = false;
  for (const Settled& one : several) news = note_due(one.outcomes, one.destination) || news;
  if (news) core_.runnable();
}

Task<void> Settling::settle_failed(std::string key, std::vector<store::Outcome> outcomes, std::int64_t until,
                                   std::string error) {
  store::DestinationUpdate update{.key = key, .failed_until = until, .error = std::move(error)};
  std::optional<Change> change;
  {
    const std::lock_guard lock(core_.mutex);
    Destination& place = core_.destinations.at(key);
    core_.destinations.forgive(key);
    place.back_off.fail(core_.now(), until, update.error);
    change.emplace(core_, key, place);
    core_.destinations.arm(key, place, core_.now());
  }
  co_await record(outcomes, std::move(update));
  change.reset();
  note_due(outcomes, key);
}

Task<void> Settling::give_back(const std::string& key, const std::vector<store::Outcome>& outcomes) {
  co_await record(outcomes, std::nullopt);
  note_due(outcomes, key);
}

} // namespace paquebot::queue
