#pragma once

#include "base/clock.h"
#include "control/feed_event.h"
#include "control/hook_trial.h"
#include "net/http_client.h"
#include "net/task_group.h"
#include "store/store.h"

#include <atomic>
#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace paquebot::service {

/// Tells hooks what happens: reads the feed behind each one's cursor and posts event after event (docs/webhooks.md).
/// Each event is posted until the hook has taken it, so at least once; those of one message in their order, those of
/// others side by side. A hook that fails is tried again after 5 s to 6 h; after three days, or when it answers 410, it
/// is paused, which is logged, written to its owner and seen by the doctor. One that does not answer holds up no other.
/// Of several nodes on a store one posts, whoever has the lease. On one executor, but for what says otherwise. What is
/// under way at the end keeps it: nobody waits for a receiver then.
class HookPoster : public std::enable_shared_from_this<HookPoster> {
public:
  struct Parts {
    store::Feed& feed;
    store::Upkeep& upkeep; ///< of its lease
    const Clock& clock;
    boost::asio::any_io_executor executor;
    /// Asks a receiver (HookClient).
    std::function<Task<Result<http::Reply>>(net::HttpRequest request)> send;
    /// Tells the owner that the hook is about to be paused; once more after a crash.
    std::function<Task<void>(store::Hook hook)> tell;
  };
  static constexpr std::chrono::seconds kLease{60}; ///< of the store

  using Reach = std::function<Task<Result<control::Grants>>(store::Id account)>;
  explicit HookPoster(Parts parts);

  /// Somebody made, changed or removed one. Thread-safe.
  void refresh() { changed_ = true; }
  /// Waits end soon. Thread-safe.
  void stop() { stopping_ = true; }
  /// Until stop(). `reach`: what whoever made a hook may see by now (control::Control::reach_of).
  Task<void> run(Reach reach);
  /// Begins to post what is due. `reach` as above.
  Task<void> turn(Reach reach);
  /// Nothing is being posted.
  bool idle() const;
  /// Posts an event hook.test, from any executor.
  Task<control::HookTrial> test(store::Hook hook);

private:
  struct Worker;
  struct Page;

  Task<bool> keep_lease();
  bool may_go_on() const;
  Task<void> reload();
  void begin_due();
  Task<void> work(std::shared_ptr<Worker> worker);
  Task<Result<Page>> read(const Worker& worker);
  Task<void> post_all(std::shared_ptr<Worker> worker, std::shared_ptr<Page> page);
  static Task<void> post_lane(std::shared_ptr<HookPoster> self, std::shared_ptr<Worker> worker,
                              std::shared_ptr<Page> page);
  static Task<control::HookTrial> post_own(std::shared_ptr<HookPoster> self, store::Hook hook,
                                           control::FeedEvent event);
  Task<void> settle(Worker& worker, const Page& page);
  Task<void> give_up(store::Hook hook);
  Task<control::HookTrial> post(const store::Hook& hook, const control::FeedEvent& event,
                                const control::Grants& grants);
  std::int64_t wall_now() const { return millis(parts_.clock.wall()); }

  const Parts parts_;
  Reach reach_;
  std::atomic<bool> changed_ = true;
  std::atomic<bool> stopping_ = false;
  Instant leased_until_{}, ask_lease_at_{};
  net::TaskCount tasks_;
  std::map<store::Id, std::shared_ptr<Worker>> workers_;
};

} // namespace paquebot::service
