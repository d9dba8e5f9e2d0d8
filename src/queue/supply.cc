#include "queue/supply.h"

#include "base/log.h"

#include <algorithm>
#include <utility>

namespace paquebot::queue {
namespace {

constexpr std::size_t kClaim = 100;
constexpr std::int64_t kClaimAgain = 5000; // milliseconds after one that failed
constexpr auto kLook = std::chrono::seconds(10);
constexpr std::size_t kMostReady = 50'000; // of all windows; each worker's claim then brings one

} // namespace

bool Supply::may_claim(const Destination& place, std::int64_t at) const {
  return place.window.size() < core_.options->window && core_.frozen == 0 && !place.claiming && place.due <= at &&
         !place.back_off.rests(at);
}

/// Something that is due in the store should not wait until all that is here is done: of lanes that have nothing here,
/// or of nobody knows which for a while.
bool Supply::lacks(const Destination& place) const {
  if (core_.clock.now() - place.claimed > kLook) return true;
  return std::ranges::any_of(place.stored, [&](store::Id lane) { return !place.window.has_lane(lane); });
}

bool Supply::begin_claim(Destination& place, std::int64_t at) {
  if (!may_claim(place, at)) return false;
  place.claiming = true;
  place.claimed = core_.clock.now();
  place.stored.clear();
  place.stored_more = false;
  Changes::begin_claim(place);
  place.due = kNever; // from here on only what comes to the store meanwhile, which the claim may not see
  return true;
}

Task<std::optional<Job>> Supply::next(Post& post) {
  const std::string key = post.destination;
  for (bool claimed = false;; claimed = true) {
    bool claim_now = false;
    {
      const std::lock_guard lock(core_.mutex);
      Destination& place = core_.destinations.at(key);
      const std::int64_t at = core_.now();
      const unsigned per_site = core_.options->workers_per_destination;
      if (post.lane) core_.sites.shares(post.site).puts_down(*std::exchange(post.lane, std::nullopt)); // it is done
      if (core_.crew.surplus(post.site, per_site, at)) {
        if (!place.window.empty() || place.due <= at) core_.sites.line_up(post.site, key, place.window.lanes(), at);
        co_return std::nullopt;
      }
      if (!claimed && !place.window.empty() && lacks(place)) claim_now = begin_claim(place, at);
      if (!claim_now && !place.window.empty() && !place.back_off.rests(at)) {
        auto job = core_.crew.pick(key, place, core_.options->workers_total, full_lane(post.site, per_site));
        if (job) {
          core_.fresh.leave(*job);
          take_up(post, *job);
          co_return job;
        }
      }
      // Nothing was picked: none is there, or there is no seat for any of them, and more of the same would only lie
      // here.
      if (!claimed && !claim_now) claim_now = begin_claim(place, at);
    }
    if (!claim_now) co_return std::nullopt;
    std::string which = key;
    co_await claim(std::move(which));
  }
}

/// The lane of which the site has enough in hand.
std::optional<store::Id> Supply::full_lane(const std::string& site, unsigned per_site) const {
  const Sites::Entry* const entry = core_.sites.find(site);
  return entry == nullptr ? std::nullopt : entry->shares.full(entry->site.window(per_site));
}

void Supply::take_up(Post& post, const Job& job) {
  if (post.site.empty()) return;
  post.lane = store::lane_of(job.message);
  core_.sites.shares(post.site).takes_up(*post.lane);
}

Task<std::optional<Job>> Supply::take(std::string key) {
  Post post{.destination = key};
  auto job = co_await next(post);
  if (!job) release_worker(key);
  co_return job;
}

class Supply::Claiming {
public:
  Claiming(Core& core, std::string key) : core_(core), key_(std::move(key)) {}
  ~Claiming() {
    if (!done_) end(nullptr, core_.now() + kClaimAgain);
  }
  Claiming(const Claiming&) = delete;
  Claiming& operator=(const Claiming&) = delete;

  /// `claim`: null when there is none.
  void end(store::Claim* claim, std::int64_t due) {
    done_ = true;
    const std::lock_guard lock(core_.mutex);
    Destination& place = core_.destinations.at(key_);
    place.claiming = false;
    if (claim != nullptr) {
      for (store::WorkItem& item : claim->items) place.window.add(job_of(std::move(item)));
      place.stored.insert(claim->lanes.begin(), claim->lanes.end());
      place.stored_more = place.stored_more || claim->many;
      if (!place.changed) place.back_off.learn(claim->backoff_until, claim->failures, std::move(claim->last_error));
    }
    if (claim == nullptr) place.stored_more = true;
    place.due = std::min(place.due, due);
    core_.destinations.heat(key_, place);
    core_.destinations.arm(key_, place, core_.now());
  }

private:
  Core& core_;
  const std::string key_;
  bool done_ = false;
};

std::size_t Supply::room_for_ready() const {
  const std::lock_guard lock(core_.mutex);
  const std::size_t ready = core_.destinations.ready();
  return std::clamp<std::size_t>(kMostReady - std::min(ready, kMostReady), 1, kClaim);
}

/// Fills the window from the store and learns how the destination fares, and when it is due next.
Task<void> Supply::claim(std::string key) {
  Claiming claiming(core_, key);
  std::int64_t at = core_.now();
  const std::size_t most = room_for_ready();
  auto claimed = co_await core_.store.queue().claim(key, at, most);
  std::int64_t due = at + kClaimAgain;
  if (claimed) {
    auto earliest = co_await core_.store.queue().earliest_due(key);
    if (earliest) due = *earliest == 0 ? kNever : *earliest;
  } else {
    log::error("claim-failed", {{"destination", key}, {"why", claimed.error().message}});
  }
  claiming.end(claimed ? &*claimed : nullptr, due);
  core_.runnable();
}

Task<std::vector<Job>> Supply::take_expired(std::string key) {
  std::vector<Job> jobs;
  std::int64_t at = millis(core_.clock.settled());
  auto items = co_await core_.store.queue().claim_expired(key, at, kClaim);
  if (items)
    for (store::WorkItem& item : *items) jobs.push_back(job_of(std::move(item)));
  co_return jobs;
}

std::vector<Job> Supply::take_window(const std::string& key) {
  const std::lock_guard lock(core_.mutex);
  std::vector<Job> jobs = core_.destinations.at(key).window.take_all();
  for (const Job& job : jobs) core_.fresh.leave(job);
  return jobs;
}

void Supply::put_back(const std::string& key, Job job) {
  job.seat.leave();
  const std::lock_guard lock(core_.mutex);
  core_.fresh.enter(job);
  Destination& place = core_.destinations.at(key);
  place.window.put_back(std::move(job));
  core_.destinations.heat(key, place);
  core_.destinations.arm(key, place, core_.now());
}

void Supply::release_worker(const std::string& key) {
  {
    const std::lock_guard lock(core_.mutex);
    core_.crew.release(key, core_.now());
  }
  core_.runnable();
}

} // namespace paquebot::queue
