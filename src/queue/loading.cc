#include "queue/loading.h"

#include "base/log.h"

#include <algorithm>

namespace paquebot::queue {

class Loading::Listing {
public:
  explicit Listing(Core& core) : core_(core) {
    const std::lock_guard lock(core_.mutex);
    core_.changes.begin_listing();
  }
  ~Listing() {
    const std::lock_guard lock(core_.mutex);
    core_.changes.end_listing();
  }
  Listing(const Listing&) = delete;
  Listing& operator=(const Listing&) = delete;

private:
  Core& core_;
};

/// No honest retry is later than this.
std::int64_t Loading::latest_retry() const {
  const std::lock_guard lock(core_.mutex);
  const std::int64_t most = std::chrono::milliseconds(core_.options->schedule.most).count();
  return core_.now() + most + most / 5 + 60'000;
}

Task<Result<>> Loading::load() {
  const std::int64_t at = core_.now();
  const std::int64_t latest = latest_retry();
  const auto pulled = co_await core_.store.queue().pull_forward(at, latest);
  if (!pulled) co_return std::unexpected(pulled.error());
  if (*pulled > 0) log::warning("queue-pulled-forward", {{"count", *pulled}, {"why", "the clock was ahead"}});
  const Listing listing(core_);
  auto listed = co_await core_.store.queue().list_destinations(false);
  if (!listed) co_return std::unexpected(listed.error());
  {
    const std::lock_guard lock(core_.mutex);
    ++loads_;
    Destinations& destinations = core_.destinations;
    for (auto& [key, place] : destinations.all()) { // one that ends later was made by a clock that was ahead
      if (!place.back_off.end_beyond(latest)) continue;
      destinations.arm(key, place, core_.now());
      destinations.heat(key, place);
    }
    for (const store::DestinationFacts& facts : *listed) {
      const bool newer = core_.changes.newer(facts.key, destinations.find(facts.key));
      if (facts.earliest_due == 0 && (newer || facts.backoff_until <= core_.now())) continue;
      Destination& place = destinations.at(facts.key);
      if (facts.earliest_due != 0) { // what became known while the list was read stays
        place.due = std::min(place.due, facts.earliest_due);
        place.stored_more = true;
      }
      if (!newer) place.back_off.learn(facts.backoff_until, facts.failures, facts.last_error);
      destinations.arm(facts.key, place, core_.now());
      destinations.heat(facts.key, place);
    }
  }
  core_.runnable();
  co_return Result<>();
}

unsigned Loading::loads() const {
  const std::lock_guard lock(core_.mutex);
  return loads_;
}

} // namespace paquebot::queue
