#include "service/hook_poster.h"

#include "base/clock.h"
#include "base/log.h"
#include "control/hook_rules.h"
#include "metrics/counters.h"
#include "net/wheel.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <deque>
#include <utility>

namespace paquebot::service {
namespace {

using namespace std::chrono_literals;

constexpr auto kLookAtFeed = 200ms;
constexpr std::size_t kRowsOfPage = 50;
constexpr std::size_t kLanes = 8; ///< messages of which is posted to one hook at a time
constexpr unsigned kGone = 410;
/// The lease is asked for again so long after the last time.
constexpr auto kAskLease = 15s;
constexpr const char* kHookLease = "hooks";

} // namespace

/// One hook, and what it has taken beyond its cursor.
struct HookPoster::Worker {
  store::Hook hook;
  bool busy = false;
  std::set<std::string> taken;
};

/// Some rows of the feed, as events in lanes: of one message in their order.
struct HookPoster::Page {
  control::Grants grants;
  store::Id last = 0; ///< row
  std::deque<std::vector<std::pair<store::Id, control::FeedEvent>>> lanes;
  store::Id first_open = 0; ///< the lowest row with an event that was not taken; 0: all were
  bool gone = false;
  std::string error;
  bool delivered = false;
};

HookPoster::HookPoster(Parts parts) : parts_(std::move(parts)) {}

Task<void> HookPoster::run(Reach reach) {
  while (!stopping_) {
    Reach same = reach;
    co_await turn(std::move(same));
    co_await net::sleep_for(kLookAtFeed);
  }
}

Task<void> HookPoster::turn(Reach reach) {
  reach_ = std::move(reach);
  const bool ours = co_await keep_lease();
  if (!ours) co_return;
  if (changed_.exchange(false)) co_await reload();
  begin_due();
}

bool HookPoster::idle() const {
  return std::ranges::none_of(workers_, [](const auto& one) { return one.second->busy; });
}

/// Whether this node posts. A store that can't say does not take away what it has given for so long.
Task<bool> HookPoster::keep_lease() {
  const Instant now = parts_.clock.now();
  if (now < ask_lease_at_) co_return now < leased_until_;
  ask_lease_at_ = now + kAskLease;
  std::string name = kHookLease;
  const auto given = co_await parts_.upkeep.lease(std::move(name), kLease);
  if (!given) {
    log::error("lease-unknown", {{"work", kHookLease}, {"why", given.error().message}});
    co_return now < leased_until_;
  }
  if (*given && now >= leased_until_) changed_ = true; // another node may have posted meanwhile
  leased_until_ = *given ? now + kLease : now;
  co_return *given;
}

bool HookPoster::may_go_on() const { return !stopping_ && parts_.clock.now() < leased_until_; }

Task<void> HookPoster::reload() {
  const auto hooks = co_await parts_.feed.list_hooks(std::nullopt);
  if (!hooks) {
    log::error("hooks-unreadable", {{"why", hooks.error().message}});
    changed_ = true;
    co_return;
  }
  std::map<store::Id, std::shared_ptr<Worker>> known;
  for (const store::Hook& hook : *hooks) {
    auto& worker = known[hook.id];
    if (const auto before = workers_.find(hook.id); before != workers_.end()) worker = before->second;
    if (!worker) worker = std::make_shared<Worker>();
    if (worker->busy) continue; // it reads itself anew
    if (hook.cursor != worker->hook.cursor) worker->taken.clear();
    worker->hook = hook;
  }
  workers_ = std::move(known);
}

void HookPoster::begin_due() {
  const store::Id last = parts_.feed.last();
  for (auto& [id, worker] : workers_) {
    const store::Hook& hook = worker->hook;
    const bool due = hook.state == store::Hook::State::active && hook.cursor < last && hook.again_at <= wall_now();
    if (!due || worker->busy) continue;
    worker->busy = true;
    boost::asio::co_spawn(parts_.executor, work(worker), [self = shared_from_this(), worker](std::exception_ptr broke) {
      worker->busy = false;
      if (!broke) return;
      try {
        std::rethrow_exception(broke);
      } catch (const std::exception& thrown) {
        log::error("task-broke", {{"task", "hook"}, {"why", thrown.what()}});
        worker->hook.again_at = self->wall_now() + 60'000;
      }
    });
  }
}

Task<void> HookPoster::work(std::shared_ptr<Worker> worker) {
  Worker& one = *worker;
  auto read_page = co_await read(one);
  if (!read_page) {
    log::error("hook-unreadable", {{"hook", one.hook.id}, {"why", read_page.error().message}});
    one.hook.again_at = wall_now() + 5'000;
    co_return;
  }
  auto page = std::make_shared<Page>(std::move(*read_page));
  if (page->last == one.hook.cursor) co_return; // what is there is not committed yet
  std::shared_ptr<Worker> mine = worker;
  std::shared_ptr<Page> whole = page;
  co_await post_all(std::move(mine), std::move(whole));
  const Page& done = *page;
  co_await settle(one, done);
}

Task<Result<HookPoster::Page>> HookPoster::read(const Worker& worker) {
  const store::Id account = worker.hook.account, cursor = worker.hook.cursor;
  Page page;
  auto asking = reach_(account);
  auto grants = co_await std::move(asking);
  if (!grants) co_return std::unexpected(grants.error());
  page.grants = std::move(*grants);
  const auto first = co_await parts_.feed.first();
  if (!first) co_return std::unexpected(first.error());
  const auto rows = co_await parts_.feed.read(cursor, kRowsOfPage);
  if (!rows) co_return std::unexpected(rows.error());
  page.last = cursor;
  std::map<std::string, std::size_t> lane_of;
  const auto add = [&](store::Id row, control::FeedEvent event) {
    if (worker.taken.contains(event.id)) return;
    const std::string& key = event.message.empty() ? event.word : event.message;
    const auto [at, fresh] = lane_of.try_emplace(key, page.lanes.size());
    if (fresh) page.lanes.emplace_back();
    page.lanes[at->second].emplace_back(row, std::move(event));
  };
  if (cursor != 0 && *first > cursor + 1) { // what it should have been told is kept no more
    control::FeedEvent gap;
    gap.id = std::to_string(*first - 1) + "-0";
    gap.at = wall_now();
    gap.word = store::kFeedGap;
    add(*first - 1, std::move(gap));
  }
  for (const store::FeedRow& row : *rows) {
    page.last = row.id;
    if (row.word == store::kFeedGap) continue; // of those who watch: for hooks all was written
    for (control::FeedEvent& event : control::events_of(row))
      if (control::is_wanted(worker.hook.events, event.word) && control::concerns(worker.hook.domains, event) &&
          control::may_see(page.grants, event))
        add(row.id, std::move(event));
  }
  if (rows->empty() && !page.lanes.empty()) page.last = *first - 1;
  co_return page;
}

Task<void> HookPoster::post_all(std::shared_ptr<Worker> worker, std::shared_ptr<Page> page) {
  net::TaskGroup group(tasks_);
  const std::size_t lanes = std::min(kLanes, page->lanes.size());
  for (std::size_t i = 0; i < lanes; ++i) {
    std::shared_ptr<Worker> mine = worker;
    std::shared_ptr<Page> whole = page;
    Task<void> lane = post_lane(shared_from_this(), std::move(mine), std::move(whole));
    co_await group.start(std::move(lane));
  }
  const auto never = Instant::max();
  co_await group.wait_until(never);
}

/// One message after the other, until there is none left or something was not taken.
Task<void> HookPoster::post_lane(std::shared_ptr<HookPoster> self, std::shared_ptr<Worker> worker,
                                 std::shared_ptr<Page> page) {
  HookPoster& poster = *self;
  while (!page->lanes.empty()) {
    const auto lane = std::move(page->lanes.front());
    page->lanes.pop_front();
    for (const auto& [row, event] : lane) {
      control::HookTrial trial;
      if (page->error.empty() && poster.may_go_on()) {
        const store::Hook& hook = worker->hook;
        const control::FeedEvent& one = event;
        const control::Grants& grants = page->grants;
        trial = co_await poster.post(hook, one, grants);
        metrics::hook_deliveries.add(trial.error.empty() ? metrics::HookResult::delivered
                                                         : metrics::HookResult::failed);
        if (trial.error.empty()) {
          page->delivered = true;
          worker->taken.insert(event.id);
          continue;
        }
        page->error = trial.error;
        page->gone = trial.status == kGone;
      }
      page->first_open = page->first_open == 0 ? row : std::min(page->first_open, row);
      break; // those behind it of this message wait for it
    }
  }
}

Task<control::HookTrial> HookPoster::post(const store::Hook& hook, const control::FeedEvent& event,
                                          const control::Grants& grants) {
  const std::int64_t now = wall_now();
  control::json::object data = control::told_to(grants, event);
  const control::json::object body{
      {"type", event.word}, {"timestamp", data.at("time")}, {"data", control::json::value(data)}};
  net::HttpRequest request;
  request.method = "POST";
  request.url = hook.url;
  request.content = control::to_text(body);
  request.fields = {{"Content-Type", "application/json"},
                    {"User-Agent", "paquebot"},
                    {"webhook-id", event.id},
                    {"webhook-timestamp", std::to_string(now / 1000)},
                    {"webhook-signature", control::sign_hook(hook, event.id, now / 1000, request.content, now)}};
  auto asking = parts_.send(std::move(request));
  const auto reply = co_await std::move(asking);
  if (!reply) co_return control::HookTrial{0, reply.error().message};
  if (reply->status >= 200 && reply->status < 300) co_return control::HookTrial{reply->status, {}};
  co_return control::HookTrial{reply->status, "it answered " + std::to_string(reply->status)};
}

/// Writes down how far it has come.
Task<void> HookPoster::settle(Worker& worker, const Page& page) {
  if (page.error.empty() && page.first_open != 0 && !page.delivered) co_return; // nothing was begun
  store::Hook hook = worker.hook;
  const store::Id from = hook.cursor;
  const std::int64_t now = wall_now();
  hook.cursor = page.first_open == 0 ? page.last : std::max(from, page.first_open - 1);
  if (page.delivered) hook.delivered_at = now;
  if (page.error.empty() || page.delivered) hook.failures = 0;
  if (page.error.empty() || page.delivered) hook.failing_since = hook.again_at = 0;
  if (!page.error.empty()) {
    ++hook.failures;
    if (hook.failing_since == 0) hook.failing_since = now;
    hook.again_at = now + control::hook_back_off(hook.failures).count();
    hook.last_error = page.error;
    log::info("hook-failed", {{"hook", hook.id}, {"url", hook.url}, {"failures", hook.failures}, {"why", page.error}});
    const bool given_up = now - hook.failing_since >= std::chrono::milliseconds(control::kGiveUpHook).count();
    if (page.gone || given_up) {
      hook.state = store::Hook::State::paused;
      store::Hook paused = hook;
      co_await give_up(std::move(paused));
    }
  }
  if (page.first_open == 0) worker.taken.clear();
  store::Hook noted = hook;
  const auto done = co_await parts_.feed.note_hook(std::move(noted), from);
  if (!done) log::error("hook-unnoted", {{"hook", hook.id}, {"why", done.error().message}});
  // Somebody may have changed it, or set it back, meanwhile.
  const store::Id id = hook.id;
  auto now_is = co_await parts_.feed.get_hook(id);
  if (now_is && now_is->cursor != hook.cursor) worker.taken.clear();
  worker.hook = now_is ? std::move(*now_is) : std::move(hook);
  if (!now_is) worker.hook.state = store::Hook::State::paused; // it is gone, or nobody knows
  if (!now_is) changed_ = true;
}

/// Its owner is told before it is written down, since nobody would be after a crash between.
Task<void> HookPoster::give_up(store::Hook hook) {
  log::warning("hook-paused",
               {{"hook", hook.id}, {"account", hook.login}, {"url", hook.url}, {"why", hook.last_error}});
  auto telling = parts_.tell(std::move(hook));
  co_await std::move(telling);
}

/// Keeps all that it needs, since nobody may wait for it any more.
Task<control::HookTrial> HookPoster::post_own(std::shared_ptr<HookPoster> self, store::Hook hook,
                                              control::FeedEvent event) {
  const control::Grants nobody;
  HookPoster& poster = *self;
  control::HookTrial done = co_await poster.post(hook, event, nobody);
  co_return done;
}

Task<control::HookTrial> HookPoster::test(store::Hook hook) {
  control::FeedEvent event;
  event.id = "test-" + std::to_string(wall_now());
  event.at = wall_now();
  event.word = "hook.test";
  event.detail = "this is a test";
  Task<control::HookTrial> posting = post_own(shared_from_this(), std::move(hook), std::move(event));
  Task<control::HookTrial> there =
      boost::asio::co_spawn(parts_.executor, std::move(posting), boost::asio::use_awaitable);
  control::HookTrial done = co_await std::move(there);
  co_return done;
}

} // namespace paquebot::service
