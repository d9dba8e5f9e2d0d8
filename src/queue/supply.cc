#include "queue/supply.h"

#include "base/log.h"

#include <algorithm>
#include <utility>

namespace paquebot::queue {
namespace {

constexpr std::size_t kClaim = 100;
constexpr std::int64_t kClaimAgain = 5000; // milliseconds after one that failed

} // namespace

Task<std::optional<Job>> Supply::take(std::string key) {
  for (bool claimed = false;; claimed = true) {
    bool claim_now = false;
    {
      const std::lock_guard lock(core_.mutex);
      Destination& place = core_.destinations.at(key);
      const std::int64_t at = core_.now();
      if (!place.window.empty() && !place.back_off.rests(at)) {
        auto job = core_.crew.pick(key, place, core_.options->workers_total);
        if (job) core_.fresh.leave(*job);
        if (job) co_return job;
      }
      // Nothing was picked: none is there, or there is no seat for any of them, and more of the same would only lie
      // here.
      claim_now = !claimed && place.window.size() < core_.options->window && core_.frozen == 0 && !place.claiming &&
                  place.due <= at && !place.back_off.rests(at);
      if (claim_now) {
        place.claiming = true;
        Changes::begin_claim(place);
        place.due = kNever; // from here on only what comes to the store meanwhile, which the claim may not see
      }
    }
    if (!claim_now) break;
    co_await claim(key);
  }
  release_worker(key);
  co_return std::nullopt;
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
      if (!place.changed) place.back_off.learn(claim->backoff_until, claim->failures, std::move(claim->last_error));
    }
    place.due = std::min(place.due, due);
    core_.destinations.heat(key_, place);
    core_.destinations.arm(key_, place, core_.now());
  }

private:
  Core& core_;
  const std::string key_;
  bool done_ = false;
};

/// Fills the window from the store and learns how the destination fares, and when it is due next.
Task<void> Supply::claim(std::string key) {
  Claiming claiming(core_, key);
  std::int64_t at = core_.now();
  auto claimed = co_await core_.store.queue().claim(key, at, kClaim);
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
