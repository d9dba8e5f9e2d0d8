#include "delivery/dispatcher.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/timer.h"
#include "delivery/retry.h"
#include "delivery/verdict.h"
#include "net/wheel.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
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
  doors_.on_left([this] { slots_.notify_all(); });
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
    queue::Seat seat;
    while (auto destination = queue_.start_worker(&seat)) spawn(work(std::move(*destination), std::move(seat)));
    if (woken_) continue;
    // Whichever comes first: somebody wakes us, or the next destination is due.
    Timer timer(executor_, queue_.next_look());
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
    if (queue_.crowded()) connector_.hurry(connector_.options().patience);
    auto since = system_clock().now() - kParkFor;
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

void Dispatcher::Worker::settles(const std::vector<store::Outcome>& outcomes) {
  std::vector<std::uint32_t> indexes;
  for (const store::Outcome& outcome : outcomes)
    if (outcome.message == unsettled.message.id) indexes.push_back(outcome.index);
  std::ranges::sort(indexes);
  std::erase_if(unsettled.recipients, [&](const store::RecipientFacts& recipient) {
    return std::ranges::binary_search(indexes, recipient.index);
  });
}

/// Whatever happens in it, the job goes on, and the worker's places are free afterwards.
Task<void> Dispatcher::work(std::string destination, queue::Seat seat) {
  Worker worker;
  worker.seat = std::move(seat);
  worker.destination = destination;
  worker.options = queue_.options();
  bool released = false;
  std::exception_ptr error;
  try {
    released = co_await serve(worker);
    co_await part_with(worker);
  } catch (...) {
    error = std::current_exception();
  }
  std::exception_ptr again;
  try {
    if (error) co_await pick_up_pieces(worker, error);
  } catch (...) {
    again = std::current_exception();
  }
  if (!released) queue_.release_worker(destination);
  if (again) std::rethrow_exception(again);
}

/// Delivers job after job. True when the queue had no more, and has released the worker.
Task<bool> Dispatcher::serve(Worker& worker) {
  std::string destination = worker.destination;
  const auto ours = co_await is_ours(destination);
  if (!ours) co_return false;
  worker.ours = *ours;
  while (!stopping_) {
    worker.seat.leave();
    worker.kept.leave();
    auto job = co_await queue_.take(destination);
    if (!job) co_return true;
    worker.seat = std::move(job->seat);
    worker.unsettled = queue::Job{job->message, job->recipients, nullptr};
    Way way = co_await handle(worker, *job);
    if (way == Way::no_room) {
      worker.unsettled.recipients.clear(); // they wait in the window again
      queue_.put_back(destination, std::move(*job));
    }
    if (way == Way::failed) co_await give_back(worker, *job);
    if (way == Way::no_room || way == Way::failed) co_return false;
    if (!worker.peer) { // the next connection is planned anew: the DNS may have changed
      set_share(worker, Share::none);
      worker.plan.reset();
    }
  }
  co_return false;
}

/// Whether the destination is a domain of this server. Asked again while the store fails, since mail for ourselves must
/// not leave by MX; nothing when we are to stop.
Task<std::optional<bool>> Dispatcher::is_ours(std::string destination) {
  bool told = false;
  while (!stopping_) {
    const auto known = co_await homecoming_.concerns(destination);
    if (known) co_return *known;
    if (!told) log::error("directory-unreadable", {{"destination", destination}, {"why", known.error().message}});
    told = true;
    const auto rest = std::chrono::milliseconds(500);
    co_await net::sleep_for(rest);
  }
  co_return std::nullopt;
}

/// Our own fault: the connection's state is unknown, and so it ends; whoever nothing was recorded of waits for another
/// attempt.
Task<void> Dispatcher::pick_up_pieces(Worker& worker, std::exception_ptr error) {
  worker.peer.reset();
  set_share(worker, Share::none);
  std::string why = "unknown";
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& what) {
    why = what.what();
  } catch (...) {
  }
  log::error("delivery-broke", {{"destination", worker.destination},
                                {"id", worker.unsettled.message.id.to_string()},
                                {"recipients", worker.unsettled.recipients.size()},
                                {"why", why}});
  const queue::Job job = std::exchange(worker.unsettled, {});
  if (job.recipients.empty()) co_return;
  const mail::Told told = mail::Told::by(mail::Reply(451, {4, 3, 0}, "the delivery broke off"));
  std::vector<store::Outcome> outcomes;
  const std::int64_t now = wall();
  judge(job, told, now, due_again(worker.options->schedule, job.message, job.recipients, worker.destination, now),
        outcomes);
  std::string key = worker.destination;
  co_await queue_.settle(key, std::move(outcomes), false);
}

/// Delivers one job. When it can't go on, what is left of the job was not attempted.
Task<Dispatcher::Way> Dispatcher::handle(Worker& worker, queue::Job& job) {
  worker.judged_at = 0;
  if (is_overdue(job.message, settled())) {
    co_await give_up_late(worker, job);
    co_return Way::open;
  }
  if (worker.ours) {
    std::string key = worker.destination;
    co_await homecoming_.take_in(key, std::move(job));
    worker.unsettled.recipients.clear();
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
                    .due = next_attempt(at, job.message.expires_at, wall()),
                    .attempted = false});
  if (back.empty()) co_return;
  worker.settles(back);
  std::string key = worker.destination;
  co_await queue_.settle(key, std::move(back), false);
}

} // namespace paquebot::delivery
