#pragma once

#include "base/clock.h"
#include "base/task.h"
#include "queue/admission.h"
#include "queue/core.h"
#include "queue/draft.h"
#include "queue/job.h"
#include "queue/loading.h"
#include "queue/options.h"
#include "queue/orders.h"
#include "queue/posts.h"
#include "queue/settling.h"
#include "queue/shaping.h"
#include "queue/standing.h"
#include "queue/supply.h"
#include "queue/suspensions.h"
#include "store/store.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace paquebot::queue {

/// Acceptance into the store, and what is due. Waiting work lies in the store; ready work in bounded windows in memory,
/// one for each destination, with one timer entry a destination, so memory does not grow with the queue. Thread-safe:
/// short locks, none across a co_await. The face of its parts, each of which has a file.
class Queue {
public:
  Queue(store::Store& store, const Clock& clock, Options options) : core_(store, clock, std::move(options)) {}

  /// New routes and schedule for what comes from now on.
  void configure(Options options);
  std::shared_ptr<const Options> options() const;
  /// Called (from any thread, without locks held) when a destination may have become runnable.
  void on_runnable(std::function<void()> wake) { core_.runnable.set(std::move(wake)); }

  /// The acceptance function: sessions, drop directory and delivery reports all end here. After `accepted` the
  /// message is durable and its fresh remote recipients are in hand.
  Task<store::AcceptResult> accept(Draft&& draft) { return admission_.accept(std::move(draft)); }
  /// Loads what waits in the store, and mends what a clock that was ahead left there and here
  /// (QueueStore::pull_forward). At start, after an operator's retry or release, and when the wall clock was set back.
  Task<Result<>> load();
  /// How often load() was called: an operator may want tried at once what failed.
  unsigned loads() const { return loading_.loads(); }
  /// Operators' orders, and the end.
  Orders& orders() { return orders_; }

  // ---- For the dispatcher ----
  /// Reserves a worker for a destination that has work and may have one more; nothing when there is none now.
  /// `seat`: what the worker takes of the deliveries until it has a job, which brings its own.
  /// `site`: where it is already; "": the worker has to find that out (Posts::enter()).
  std::optional<std::string> start_worker(Seat* seat = nullptr, std::string* site = nullptr);
  /// Milliseconds until start_worker() may give something new by the passing of time; at most a minute.
  std::chrono::milliseconds next_look() const;

  // ---- For a worker ----
  /// The next job of a destination; nothing: no work now, the worker is released and must end.
  Task<std::optional<Job>> take(std::string destination) { return supply_.take(std::move(destination)); }
  /// The next job of its destination, as far as its site allows; nothing: it goes on elsewhere (Posts), or ends.
  Task<std::optional<Job>> next(Post& post) { return supply_.next(post); }
  Posts& posts() { return posts_; }
  Shaping& shaping() { return shaping_; }
  /// Messages of the destination that have expired, after an attempt failed for the destination as a whole.
  Task<std::vector<Job>> take_expired(std::string destination) { return supply_.take_expired(std::move(destination)); }
  /// Everything ready for a destination that was just tried in vain: it shares the attempt, so that each message has
  /// its reason in the trail and its delay notice in time.
  std::vector<Job> take_window(const std::string& destination) { return supply_.take_window(destination); }
  /// Puts a job that was taken, or what is left of it, in front of the others of its priority: it was not attempted.
  void put_back(const std::string& key, Job job) { supply_.put_back(key, std::move(job)); }
  /// Ends a worker that stops while there may be more work.
  void release_worker(const std::string& destination) { supply_.release_worker(destination); }
  /// Somebody waits for a delivery, or for room at a site: others should not take their time.
  bool crowded() const;

  // ---- How destinations fare ----
  Standing& standing() { return standing_; }
  /// What operators have suspended.
  Suspensions& suspensions() { return suspensions_; }

  // ---- What became of recipients ----
  Settling& settling() { return settling_; }
  /// Records outcomes durably; tries again while the store fails, so nothing is forgotten. `works`: the destination was
  /// reached.
  Task<void> settle(std::string destination, std::vector<store::Outcome> outcomes, bool works) {
    return settling_.settle(std::move(destination), std::move(outcomes), works);
  }
  /// The destination failed as a whole: records outcomes and backs off until then.
  Task<void> settle_failed(std::string destination, std::vector<store::Outcome> outcomes, std::int64_t until,
                           std::string error) {
    return settling_.settle_failed(std::move(destination), std::move(outcomes), until, std::move(error));
  }

  struct Numbers {
    std::size_t destinations = 0, ready = 0, workers = 0;
  };
  Numbers numbers() const;

private:
  Core core_;
  Admission admission_{core_};
  Loading loading_{core_};
  Supply supply_{core_};
  Posts posts_{core_};
  Shaping shaping_{core_};
  Standing standing_{core_};
  Settling settling_{core_};
  Orders orders_{core_, settling_};
  Suspensions suspensions_{core_};
};

} // namespace paquebot::queue
