#include "delivery/dispatcher.h"

#include "base/log.h"
#include "delivery/verdict.h"
#include "net/wheel.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <iterator>

namespace paquebot::delivery {
namespace {

constexpr auto kParkFor = std::chrono::seconds(3);

} // namespace

Dispatcher::Dispatcher(boost::asio::any_io_executor executor, queue::Queue& queue, store::Store& store,
                       const Clock& clock, Connector& connector, Homecoming& homecoming, Signer& signer,
                       policy::ReturnPaths& paths)
    : executor_(std::move(executor)), queue_(queue), store_(store), clock_(clock), connector_(connector),
      homecoming_(homecoming), signer_(signer), paths_(paths), recorder_(queue) {
  queue_.on_runnable([this] { wake(); });
}

void Dispatcher::wake() {
  if (wake_posted_.exchange(true)) return;
  boost::asio::post(executor_, [this] {
    wake_posted_ = false;
    woken_ = true;
    changed_.notify_all();
  });
}

void Dispatcher::stop() {
  boost::asio::post(executor_, [this] {
    stopping_ = true;
    changed_.notify_all();
    slots_.notify_all();
  });
}

/// Runs a coroutine of ours to its end and counts it; what it throws is our own bug: logged, never lost.
void Dispatcher::spawn(Task<void> task) {
  ++active_;
  boost::asio::co_spawn(executor_, std::move(task), [this](std::exception_ptr error) {
    --active_;
    if (error) {
      try {
        std::rethrow_exception(error);
      } catch (const std::exception& what) {
        log::error("delivery-broke", {{"why", what.what()}});
      }
    }
    changed_.notify_all();
  });
}

Task<void> Dispatcher::run() {
  spawn(reap());
  while (!stopping_) {
    woken_ = false;
    while (auto destination = queue_.start_worker()) spawn(work(std::move(*destination)));
    if (woken_) continue;
    // Whichever comes first: somebody wakes us, or the next destination is due.
    boost::asio::steady_timer timer(executor_, queue_.next_look());
    timer.async_wait([this](boost::system::error_code error) {
      if (!error) changed_.notify_all();
    });
    co_await changed_.wait();
  }
  while (active_ > 0) co_await changed_.wait();
}

/// Closes parked connections after a while, and all of them at the end.
Task<void> Dispatcher::reap() {
  while (!stopping_) {
    auto tick = std::chrono::milliseconds(500);
    co_await net::sleep_for(tick);
    auto since = std::chrono::steady_clock::now() - kParkFor;
    while (auto peer = parked_.expired(since)) spawn(say_goodbye(std::move(peer)));
  }
  while (auto peer = parked_.expired(std::chrono::steady_clock::time_point::max())) spawn(say_goodbye(std::move(peer)));
}

Task<void> Dispatcher::say_goodbye(std::unique_ptr<Peer> peer) {
  Peer& leaving = *peer;
  leaving.session().quit();
  while (co_await leaving.run() != Peer::Event::closed) {
  }
}

// ---- A worker ----

Task<void> Dispatcher::work(std::string destination) {
  Worker worker;
  worker.destination = destination;
  worker.options = queue_.options();
  worker.ours = co_await homecoming_.concerns(destination);
  bool released = false;
  while (!stopping_) {
    auto job = co_await queue_.take(destination);
    if (!job) {
      released = true;
      break;
    }
    Way way = co_await handle(worker, *job);
    if (way == Way::no_room) queue_.put_back(destination, std::move(*job));
    if (way == Way::failed) co_await give_back(worker, *job);
    if (way == Way::no_room || way == Way::failed) break;
    if (!worker.peer) { // the next connection is planned anew: the DNS may have changed
      set_share(worker, Share::none);
      worker.plan.reset();
    }
  }
  co_await part_with(worker);
  if (!released) queue_.release_worker(destination);
}

/// Delivers one job. When it can't go on, what is left of the job was not attempted.
Task<Dispatcher::Way> Dispatcher::handle(Worker& worker, queue::Job& job) {
  worker.judged_at = 0;
  if (is_overdue(job.message, wall())) {
    co_await give_up_late(worker, job);
    co_return Way::open;
  }
  if (worker.ours) {
    std::string key = worker.destination;
    co_await homecoming_.take_in(key, std::move(job));
    co_return Way::open;
  }
  // Recipients that reached us through different addresses of ours get different Delivered-To lines; at most 100 go into one
  // transaction (RFC 5321 section 4.5.3.1.8).
  while (!job.recipients.empty()) {
    queue::Job part{job.message, {}, job.fresh};
    std::vector<store::RecipientFacts> rest;
    for (store::RecipientFacts& recipient : job.recipients) {
      bool fits =
          part.recipients.size() < 100 && (part.recipients.empty() || part.recipients.front().via == recipient.via);
      (fits ? part.recipients : rest).push_back(std::move(recipient));
    }
    job.recipients = std::move(rest);
    std::vector<store::RecipientFacts> left; // for whom the peer's limits had no room
    Way way = co_await send_part(worker, part, left);
    if (way == Way::no_room) std::ranges::move(part.recipients, std::back_inserter(left));
    job.recipients.insert(job.recipients.begin(), std::make_move_iterator(left.begin()),
                          std::make_move_iterator(left.end()));
    if (way == Way::no_room || way == Way::failed) co_return way;
  }
  co_return Way::open;
}

/// The rest of a job whose destination failed waits with it, unattempted.
Task<void> Dispatcher::give_back(Worker& worker, const queue::Job& job) {
  std::vector<store::Outcome> back;
  back.reserve(job.recipients.size());
  std::int64_t at = worker.again_at > 0 ? worker.again_at : queue_.back_off_until(worker.destination);
  for (const store::RecipientFacts& recipient : job.recipients)
    back.push_back({.message = job.message.id,
                    .index = recipient.index,
                    .to = store::State::waiting,
                    .due = at,
                    .attempted = false});
  if (back.empty()) co_return;
  std::string key = worker.destination;
  co_await queue_.settle(key, std::move(back), false);
}

} // namespace paquebot::delivery
