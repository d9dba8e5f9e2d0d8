#pragma once

#include "base/clock.h"
#include "base/task.h"
#include "queue/draft.h"
#include "queue/known_places.h"
#include "queue/route.h"
#include "queue/schedule.h"
#include "queue/seats.h"
#include "store/store.h"

#include <array>
#include <deque>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace paquebot::queue {

struct Options {
  Schedule schedule;
  RouteTable routes;
  unsigned workers_total = 1000; ///< deliveries at the same time
  unsigned workers_per_destination = 10;
  std::size_t window = 4000; ///< jobs of one destination that wait in memory; more wait in the store
};

/// One message for one destination, in hand. Its content is in memory when it is fresh, else in the store.
struct Job {
  store::MessageFacts message;
  std::vector<store::RecipientFacts> recipients;
  std::shared_ptr<const store::AcceptRequest> fresh;
  Seat seat{}; ///< what it takes of the deliveries while it is in hand
};

/// Whether strangers may have made us send it to wherever they like: what we write ourselves, and whatever comes without a sender
/// and goes on, such as to a return address of ours (SRS). Not what an account submits.
bool is_report(const store::MessageFacts& message);

/// What became of recipients of one message for one destination.
struct Settled {
  std::string destination;
  std::vector<store::Outcome> outcomes;
};

/// Acceptance into the store, and what is due. Waiting work lies in the store; ready work in bounded windows in memory, one for
/// each destination, with one timer entry a destination, so memory does not grow with the queue. Thread-safe: short locks,
/// none across a co_await.
class Queue {
public:
  Queue(store::Store& store, const Clock& clock, Options options);

  /// New routes and schedule for what comes from now on.
  void configure(Options options);
  std::shared_ptr<const Options> options() const;

  /// Called (from any thread, without locks held) when a destination may have become runnable.
  void on_runnable(std::function<void()> wake);
  /// Called when a message may owe a report.
  void on_owed(std::function<void()> wake);

  /// The acceptance function: sessions, drop directory and delivery reports all end here. After `accepted` the
  /// message is durable and its fresh remote recipients are in hand.
  Task<store::AcceptResult> accept(Draft&& draft);

  /// Loads what waits in the store, and mends what a clock that was ahead left there and here (QueueStore::pull_forward). At
  /// start, after an operator's retry or release, and when the wall clock was set back.
  Task<Result<>> load();

  /// An operator's order (QueueStore::operate), also to what waits in the windows: that goes back to the store first. What
  /// workers have in hand goes on. Follow a retry or release by load().
  Task<Result<std::size_t>> operate(store::QueueAction action, store::QueueFilter filter, std::string who);

  // ---- For the dispatcher ----
  /// Reserves a worker for a destination that has work and may have one more; nothing when there is none now.
  /// `seat`: what the worker takes of the deliveries until it has a job, which brings its own.
  std::optional<std::string> start_worker(Seat* seat = nullptr);
  /// Milliseconds until start_worker() may give something new by the passing of time; at most a minute.
  std::chrono::milliseconds next_look() const;

  // ---- For a worker ----
  /// The next job of a destination; nothing: no work now, the worker is released and must end.
  Task<std::optional<Job>> take(std::string destination);
  /// Messages of the destination that have expired, after an attempt failed for the destination as a whole.
  Task<std::vector<Job>> take_expired(std::string destination);
  /// Everything ready for a destination that was just tried in vain: it shares the attempt, so that each message has its
  /// reason in the trail and its delay notice in time.
  std::vector<Job> take_window(const std::string& destination);
  /// Puts a job that was taken, or what is left of it, in front of the others of its priority: it was not attempted.
  void put_back(const std::string& key, Job job);
  /// There is no room at its place for the worker that asks. True: the destination's other workers go on without it, and there will
  /// be no more than these for a minute, or until more_room(). False: it has no others.
  bool spare_worker(const std::string& key);
  void more_room(const std::string& key);
  /// Ends a worker that stops while there may be more work.
  void release_worker(const std::string& destination);
  /// A worker begins to wait for its place, which other destinations fill: it does not count in workers_total, nor does its seat,
  /// meanwhile, so that the others are not held up. False when so many wait that this one must not. Follow `true` by resume_worker().
  bool pause_worker(Seat& seat);
  void resume_worker(Seat& seat);
  /// Somebody waits for a delivery, or for its place: others should not take their time.
  bool crowded() const;
  /// It said what it thinks of a message: what waits for it is not among what is for strangers any more.
  void answered(const std::string& key);
  /// Whether it answered lately. `domain`: any spelling.
  bool knows(const std::string& domain) const;
  /// It kept us waiting in vain: as if it had never answered.
  void kept_silent(const std::string& key);
  /// Records outcomes durably; tries again while the store fails, so nothing is forgotten. `works`: the destination was reached.
  Task<void> settle(std::string destination, std::vector<store::Outcome> outcomes, bool works);
  /// The same for outcomes of several messages at once, which change nothing in what is known of their destinations: for
  /// those that were reached while failing() said no.
  Task<void> settle_several(const std::vector<Settled>& several);
  /// Whether the destination waits for its time.
  bool resting(const std::string& key) const;
  /// How often load() was called: an operator may want tried at once what failed.
  unsigned loads() const;
  /// Whether the last attempt to reach the destination failed.
  bool failing(const std::string& destination) const;
  /// How many attempts to reach the destination failed in a row, as far as memory knows.
  std::uint32_t failures(const std::string& destination) const;
  /// When a destination that fails now is to be tried again (wall milliseconds); the same for all that fail before that.
  std::int64_t back_off_until(const std::string& destination) const;
  /// The destination failed as a whole: records outcomes and backs off until then.
  Task<void> settle_failed(std::string destination, std::vector<store::Outcome> outcomes, std::int64_t until,
                           std::string error);
  /// Those whose deadline has passed, of all destinations, out of the store.
  Task<std::vector<Job>> take_overdue();
  /// When the next deadline in the store passes (wall milliseconds); nothing when there is none or the store fails.
  Task<std::optional<std::int64_t>> next_deadline();
  /// Gives everything in the windows back to the store (shutdown). Workers must have ended.
  Task<void> give_back();

  struct Numbers {
    std::size_t destinations = 0, ready = 0, workers = 0;
  };
  Numbers numbers() const;

private:
  static constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

  struct Destination {
    std::deque<Job> ready; ///< highest priority first, within one as they came (RFC 6710 section 5.1)
    std::int64_t due = 0;  ///< earliest in the store; kNever: none
    std::int64_t backoff_until = 0;
    std::uint32_t failures = 0;
    std::string last_error; ///< why it backs off
    unsigned workers = 0;
    unsigned spared_to = 0; ///< no more workers than that, until:
    Instant spared_until{};
    bool claiming = false;
    std::int64_t timer = 0;                ///< its entry in timers_, kNever: none
    std::size_t reports = 0;               ///< of those that are ready
    std::array<bool, Seats::kKinds> hot{}; ///< in which of hot_ it stands
  };
  /// While it lives, nothing comes from the store into the windows.
  class Freeze {
  public:
    explicit Freeze(Queue& queue);
    ~Freeze();
    Freeze(const Freeze&) = delete;
    Freeze& operator=(const Freeze&) = delete;

  private:
    Queue& queue_;
  };
  /// While it lives, it is noted of which places what is known changes here: what is read of them meanwhile is older.
  class Listing {
  public:
    explicit Listing(Queue& queue);
    ~Listing();
    Listing(const Listing&) = delete;
    Listing& operator=(const Listing&) = delete;

  private:
    Queue& queue_;
  };
  /// A claim that ends without its result leaves the destination as if the store had failed.
  class Claiming;
  struct Reservation {
    std::vector<std::string> destinations; ///< one entry for each job reserved
    std::uint64_t bytes = 0;
  };

  Task<store::AcceptResult> accept(std::shared_ptr<store::AcceptRequest> request);
  struct Backing;
  Reservation reserve(store::AcceptRequest& request);
  void offer(const std::shared_ptr<const store::AcceptRequest>& request, const Reservation& reservation);
  void cancel(const store::AcceptRequest& request, const Reservation& reservation);
  Destination& destination(const std::string& key);
  void arm(const std::string& key, Destination& destination);
  void heat(const std::string& key, Destination& destination);
  void forget_if_idle(const std::string& key);
  static std::uint64_t weight(const store::AcceptRequest& request);
  static void enqueue(Destination& destination, Job job);
  bool is_known(const std::string& key) const;
  Seat::Kind kind_of(const std::string& key, const Destination& destination) const;
  bool room(Seat::Kind kind);
  std::optional<std::string> start_hot(Seat::Kind kind, std::int64_t at, Seat* seat);
  std::optional<std::string> start_due(std::int64_t at, Seat* seat);
  void seat_worker(Destination& destination, Seat::Kind kind, Seat* seat);
  std::optional<Job> pick(const std::string& key, Destination& destination);
  bool note_due(const std::vector<store::Outcome>& outcomes, const std::string& key);
  void leave_window(const Job& job);
  void pull_back_offs(std::int64_t latest);
  bool claims_nothing() const;
  Task<void> withdraw(const store::QueueFilter& filter, bool only_backing_off);
  bool may_start(const Destination& destination, std::int64_t now) const;
  bool spared(const Destination& destination) const;
  Task<void> claim(std::string key);
  Task<void> record(const std::vector<store::Outcome>& outcomes, std::optional<store::DestinationUpdate> update);
  Task<void> record_slice(std::vector<store::Outcome> outcomes, std::optional<store::DestinationUpdate> update);
  std::int64_t now() const { return millis(clock_.wall()); }
  std::int64_t latest_retry() const;
  void wake_runnable();
  void wake_owed();

  store::Store& store_;
  const Clock& clock_;
  mutable std::mutex mutex_;
  std::shared_ptr<const Options> options_;
  std::function<void()> runnable_;
  std::function<void()> owed_;
  std::map<std::string, Destination, std::less<>> destinations_;
  std::set<std::pair<std::int64_t, std::string>> timers_; ///< when the store has due work for a destination
  std::array<std::deque<std::string>, Seats::kKinds>
      hot_;              ///< destinations with ready work, or work in the store, for such a seat
  std::size_t turn_ = 0; ///< the kind that is looked at first
  KnownPlaces known_;
  Seats seats_;
  std::set<std::string, std::less<>>
      forgotten_; ///< failing places that are in destinations_ no more; the store knows their failures
  std::uint64_t fresh_bytes_ = 0;
  std::size_t fresh_jobs_ = 0;
  unsigned workers_ = 0; ///< without the paused ones
  unsigned paused_ = 0;
  unsigned paused_strangers_ = 0; ///< of them
  unsigned loads_ = 0;
  unsigned frozen_ = 0;                        ///< living Freezes
  unsigned listings_ = 0;                      ///< living Listings
  std::set<std::string, std::less<>> touched_; ///< places whose back-off has changed while one lived
};

} // namespace paquebot::queue
