// How a worker comes to a connection: plans, shares of places, hosts; and what it means when there is none.

#include "base/clock.h"
#include "base/log.h"
#include "delivery/dispatcher.h"

#include <algorithm>
#include <utility>

namespace paquebot::delivery {
namespace {

constexpr std::uint32_t kHurried = 3; // attempts of a destination that may be cut short while others wait

using std::chrono::steady_clock;

constexpr unsigned kMessagesPerConnection = 500;
constexpr auto kPutOff = std::chrono::seconds(30);

/// How long hosts rest: over before the first destination that failed with them is due again.
steady_clock::time_point rest_until(const queue::Options& options) {
  return system_clock().now() + std::chrono::milliseconds(options.schedule.first) * 9 / 10;
}

} // namespace

// ---- Shares of a place ----

bool Dispatcher::has_room(const Worker& worker, const std::string& door) const {
  const unsigned most = worker.options->workers_per_destination;
  return door.empty() ? places_.room(worker.plan->place, most, system_clock().now()) : doors_.room(door, most);
}

/// Domains with the same mail hosts share one limit, and so do all names of one address (`door`; "": the place). The job does not
/// wait here when other workers of the destination take it, or its time has not come, or too many wait.
Task<Dispatcher::Turn> Dispatcher::stand_in_line(Worker& worker, std::string door) {
  bool paused = false;
  Turn turn = Turn::now;
  while (!has_room(worker, door)) {
    if (stopping_ || queue_.spare_worker(worker.destination)) turn = Turn::others;
    if (turn != Turn::now) break;
    paused = paused || queue_.pause_worker(worker.seat);
    if (!paused) turn = Turn::later;
    if (!paused) break;
    co_await slots_.wait();
    if (stopping_ || queue_.resting(worker.destination)) turn = Turn::others;
    if (turn != Turn::now) break;
  }
  if (turn == Turn::now && door.empty()) set_share(worker, Share::opening);
  if (turn == Turn::now && !door.empty()) worker.kept = doors_.enter(door);
  if (paused) queue_.resume_worker(worker.seat);
  if (paused && turn == Turn::now) queue_.more_room(worker.destination);
  co_return turn;
}

/// Who waits there is at no place meanwhile.
Task<Dispatcher::Turn> Dispatcher::wait_at_door(Worker& worker, std::string door) {
  set_share(worker, Share::none);
  const Turn turn = co_await stand_in_line(worker, std::move(door));
  co_return turn;
}

/// It did not get its turn: `no_room`, or it is put off.
void Dispatcher::come_again(Reach& found, Turn turn) {
  found.way = turn == Turn::others ? Way::no_room : Way::failed;
  found.cause = turn == Turn::later ? queue::Cause::ours : queue::Cause::none;
  if (turn == Turn::later)
    found.failure =
        mail::Told::by(mail::Reply(451, {4, 4, 5}, "too many messages wait for the mail host that this one is for"));
}

void Dispatcher::set_share(Worker& worker, Share share) {
  if (worker.share == share) return;
  places_.move(worker.plan->place, worker.share, share);
  worker.share = share;
  slots_.notify_all();
}

/// The next message for the same place takes the connection.
void Dispatcher::park(Worker& worker) {
  worker.peer->door.leave();
  auto surplus = parked_.keep(worker.plan->place, std::move(worker.peer), system_clock().now());
  if (surplus) spawn(say_goodbye(std::move(surplus)));
}

void Dispatcher::take_parked(Worker& worker) {
  worker.peer = parked_.take(*worker.plan);
  if (!worker.peer || worker.plan->route != nullptr) return;
  const PeerIdentity& identity = worker.peer->identity();
  worker.peer->door = doors_.enter(identity.door);
}

/// A used-up connection goes. Who lets in one at a time would turn the next one away while it is there.
void Dispatcher::let_go(Worker& worker) {
  if (places_.connected(worker.plan->place) > 1) return spawn(say_goodbye(std::move(worker.peer)));
  worker.leaving = std::move(worker.peer);
}

/// Ends the worker's use of its connection.
Task<void> Dispatcher::part_with(Worker& worker) {
  if (worker.leaving) spawn(say_goodbye(std::move(worker.leaving)));
  if (worker.peer && !stopping_) {
    park(worker);
  } else if (worker.peer) {
    auto leaving = std::move(worker.peer);
    co_await say_goodbye(std::move(leaving));
  }
  set_share(worker, Share::none);
}

/// It was not let in: true when others are, so that the place has no room for one more. Those that are at the door are waited for.
/// `ready`: it was turned away at MAIL or behind it, and so are all that only have a connection, until mail goes over it.
Task<bool> Dispatcher::crowded(Worker& worker, bool ready) {
  const std::string place = worker.plan->place;
  const auto in = [&] { return ready ? places_.count(place, Share::working) : places_.connected(place); };
  const auto coming = [&] {
    return places_.count(place, Share::opening) + (ready ? places_.count(place, Share::open) : 0);
  };
  while (coming() > 0 && in() == 0 && !stopping_) co_await slots_.wait();
  co_return in() > 0;
}

// ---- Connections ----

/// What was planned under other rules (a reload, another wish of the sender) goes.
Task<void> Dispatcher::follow_options(Worker& worker, bool secure) {
  auto options = queue_.options();
  if (worker.secure == secure && worker.options == options) co_return;
  co_await part_with(worker);
  worker.plan.reset();
  worker.secure = secure;
  worker.options = std::move(options);
}

/// Finds a connection of the kind that is needed, or says why there is none.
Task<Dispatcher::Reach> Dispatcher::reach(Worker& worker, Attempt& attempt, bool secure) {
  Reach found;
  if (worker.leaving) {
    auto leaving = std::move(worker.leaving);
    co_await say_goodbye(std::move(leaving));
  }
  if (const unsigned loads = queue_.loads(); loads != std::exchange(loads_, loads)) hosts_.wake_all();
  for (;;) {
    co_await follow_options(worker, secure);
    if (!worker.plan) {
      std::string key = worker.destination;
      const queue::RouteTable& routes = worker.options->routes;
      worker.plan = co_await connector_.plan_for(key, routes, secure);
    }
    found.way = Way::failed;
    found.failure = mail::Told::by(worker.plan->failure);
    found.cause = worker.plan->cause;
    if (worker.plan->candidates.empty()) co_return found;
    if (worker.share == Share::none) {
      std::string place;
      const Turn turn = co_await stand_in_line(worker, std::move(place));
      come_again(found, turn);
      if (turn != Turn::now) co_return found;
    }
    const bool any = attempt.tried.empty() && attempt.used_up == 0;
    if (!worker.peer && any && worker.options == queue_.options()) take_parked(worker);
    bool again = false;
    if (!worker.peer) again = co_await open(worker, attempt, found);
    if (!worker.peer && !found.full.empty()) {
      const Turn turn = co_await wait_at_door(worker, found.full);
      come_again(found, turn);
      if (turn != Turn::now) co_return found;
      continue;
    }
    worker.kept.leave();
    if (again || worker.options != queue_.options())
      continue; // a reload: what was opened is parked, and taken if it may be
    found.way = worker.peer ? Way::open : Way::failed;
    if (worker.peer) set_share(worker, worker.peer->carried > 0 ? Share::working : Share::open);
    co_return found;
  }
}

/// Opens a connection, or says why not. True when the place lets no further one in, and the worker gave its share back.
Task<bool> Dispatcher::open(Worker& worker, Attempt& attempt, Reach& found) {
  set_share(worker, Share::opening);
  // A slow host must have an attempt with all its time before its mail is returned; a configured one has it always.
  worker.plan->patient = worker.plan->route != nullptr || queue_.failures(worker.destination) >= kHurried;
  const queue::Plan& plan = *worker.plan;
  AtDoors at{doors_, worker.options->workers_per_destination, std::move(worker.kept)};
  Reached reached = co_await connector_.open(plan, attempt.tried, hosts_, std::move(at));
  worker.peer = std::move(reached.peer);
  found.failure = std::move(reached.failure);
  found.cause = reached.cause;
  found.full = std::move(reached.full);
  if (!worker.peer && reached.silent) queue_.kept_silent(worker.destination);
  if (!worker.peer && !found.full.empty()) co_return false;
  bool others = false;
  if (!worker.peer) {
    set_share(worker, Share::refused);
    const bool ready = !attempt.last.empty() && attempt.surplus;
    others = co_await crowded(worker, ready);
  }
  if (!others)
    for (const auto& [address, reply] : reached.turned_away)
      hosts_.turned_away(address, reply, system_clock().now(), rest_until(*worker.options));
  if (worker.peer) co_return false;
  if (!others) places_.raise(plan.place);
  if (!others || found.cause == queue::Cause::ours) co_return false;
  if (attempt.last.empty() ? found.failure.permanent() : !attempt.surplus) co_return false;
  const mail::Told& why = attempt.last.empty() ? found.failure : attempt.last.front();
  log::info("place-full", {{"destination", worker.destination}, {"why", why.to_string()}});
  attempt.last.clear(); // it is no attempt
  attempt.tried = {};
  places_.lower(plan.place, system_clock().now());
  set_share(worker, Share::none);
  co_return true;
}

/// Sees to it that the worker has a connection that the job may use; otherwise settles the job, but for `no_room`.
Task<Dispatcher::Way> Dispatcher::connect(Worker& worker, const queue::Job& job, Attempt& attempt) {
  bool secure = job.message.sender.tls == mail::TlsWish::required;
  Reach found = co_await reach(worker, attempt, secure);
  // RFC 8689 section 5: a report is better sent without protection than lost.
  bool report = job.message.sender.reverse_path.empty();
  const bool lacking = found.way == Way::failed && found.cause == queue::Cause::unprotected;
  if (secure && report && lacking) found = co_await reach(worker, attempt, false);
  if (found.way != Way::failed) co_return found.way;
  const bool reached_before = !attempt.last.empty();
  Way way = Way::failed;
  if (reached_before)
    way = co_await settle_last(worker, job, attempt);
  else if (found.cause == queue::Cause::ours)
    co_await put_off(worker, job, found.failure);
  else
    way = co_await no_way(worker, job, found.failure);
  co_return way;
}

/// What keeps us is our own resolver or this machine. What was ready waits a little: no attempt counts, and the destination is not
/// said to have failed. What is past its lifetime is returned all the same.
Task<void> Dispatcher::put_off(Worker& worker, const queue::Job& job, mail::Told told) {
  const std::int64_t now = judged_at(worker);
  const std::chrono::milliseconds wait = std::min<std::chrono::milliseconds>(worker.options->schedule.first, kPutOff);
  worker.again_at = now + wait.count();
  std::vector<store::Outcome> outcomes;
  judge(job, told, now, worker.again_at, outcomes);
  for (const queue::Job& other : queue_.take_window(worker.destination))
    judge(other, told, now, worker.again_at, outcomes);
  for (store::Outcome& outcome : outcomes) outcome.attempted = outcome.to != store::State::waiting;
  log::warning("put-off",
               {{"destination", worker.destination}, {"id", job.message.id.to_string()}, {"why", told.to_string()}});
  std::string key = worker.destination;
  co_await queue_.settle(key, std::move(outcomes), false);
  co_await expire_waiting(worker, std::move(told));
}

/// Takes note of what a transaction showed of the host and its place.
void Dispatcher::learn(Worker& worker, const Finding& finding, const Transmission& sent, Attempt& attempt) {
  using Session = Finding::Session;
  Peer& peer = *worker.peer;
  const PeerIdentity& identity = peer.identity();
  const auto now = system_clock().now();
  const auto taken = std::ranges::count(peer.session().settled(), smtp::Settled::content);
  if (std::ranges::find(finding.next, true) != finding.next.end() && taken > 0)
    peer.rcpt_max = static_cast<std::uint32_t>(taken);
  attempt.host_spoke = finding.session != Session::broken;
  attempt.rests = false;
  if (peer.session().breakage() == smtp::Breakage::timeout || (finding.slow && queue_.crowded()))
    queue_.kept_silent(worker.destination);
  else if (finding.session == Session::judged && !finding.slow)
    queue_.answered(worker.destination);
  if (finding.session == Session::used_up) {
    attempt.used_up = std::max(peer.carried, 1u);
    return;
  }
  // What a connection that works refuses as well is refused to the message.
  const bool early = sent.carried == 0 && attempt.used_up == 0 && !sent.content_begun && !sent.in_doubt;
  attempt.surplus = early && (attempt.sessions == 0 || attempt.surplus);
  if (finding.session == Session::elsewhere && attempt.used_up > 0) places_.raise(worker.plan->place);
  ++attempt.sessions;
  if (finding.session == Session::broken) return learn_break(worker, finding, sent.content_begun, attempt);
  hosts_.worked(identity.address);
  if (finding.session == Session::elsewhere) attempt.tried.hosts.insert(identity.host);
  // It was indeed for the connection: the new one takes it.
  if (finding.session == Session::judged && attempt.used_up > 0)
    places_.allow_messages(worker.plan->place, std::exchange(attempt.used_up, 0U), now);
}

/// The host ended the session before it judged the message.
void Dispatcher::learn_break(Worker& worker, const Finding& finding, bool content_begun, Attempt& attempt) {
  Peer& peer = *worker.peer;
  const PeerIdentity& identity = peer.identity();
  const auto now = system_clock().now();
  const bool spoke = peer.session().breakage() == smtp::Breakage::none; // 421: for all of its addresses
  (spoke ? attempt.tried.hosts : attempt.tried.addresses).insert(spoke ? identity.host : identity.address);
  // The new connection was no better than the one that was used up: twice in a row. Of a content that may be refused so once.
  const bool twice = attempt.used_up > 0 && !content_begun;
  const unsigned strikes = twice ? 2 * finding.strikes : finding.strikes;
  const bool works = attempt.surplus && places_.count(worker.plan->place, Share::working) > 0;
  if (!works) hosts_.broke_off(identity.address, strikes, peer.told(finding.broken), now, rest_until(*worker.options));
  attempt.rests = hosts_.resting(identity.address, now).has_value();
}

/// After a transaction: the connection stays with the worker, or goes.
Task<void> Dispatcher::keep_or_leave(Worker& worker, Peer::Event event, Finding::Session found) {
  Peer& peer = *worker.peer;
  if (event == Peer::Event::message_done) event = co_await peer.run();
  if (event != Peer::Event::ready) {
    worker.peer.reset();
    co_return;
  }
  const std::uint32_t offered = peer.session().features().mail_max;
  const unsigned known = places_.messages(worker.plan->place, system_clock().now());
  const bool used_up = peer.used >= kMessagesPerConnection || (offered > 0 && peer.used >= offered) ||
                       (known > 0 && peer.carried >= known) || found == Finding::Session::used_up;
  if (used_up)
    let_go(worker);
  else if (found == Finding::Session::elsewhere && peer.carried == 0)
    let_go(worker); // the next message would be refused as well
  else if (found == Finding::Session::elsewhere)
    park(worker);
}

/// There is no further host for what is left of the job: what the last one said stands. Where that one takes nobody's mail, and
/// nobody else is connected, the destination waits.
Task<Dispatcher::Way> Dispatcher::settle_last(Worker& worker, const queue::Job& job, Attempt& attempt) {
  if (attempt.rests && places_.connected(worker.plan->place) == 0) {
    mail::Told told = attempt.last.front();
    co_await fail_place(worker, job, std::move(told));
    co_return Way::failed;
  }
  Handed nothing;
  std::vector<mail::Told> all = attempt.last;
  co_await settle_results(worker, job, std::move(all), attempt.host_spoke, nothing);
  co_return Way::refused;
}

/// Settles a job that found no way: a permanent no (no such domain, null MX) is the job's alone and the worker goes on;
/// otherwise the destination as a whole failed for now.
Task<Dispatcher::Way> Dispatcher::no_way(Worker& worker, const queue::Job& job, mail::Told failure) {
  if (!failure.permanent()) {
    co_await fail_place(worker, job, failure);
    co_return Way::failed;
  }
  std::vector<mail::Told> all(job.recipients.size(), failure);
  const bool works = !failure.place.empty();
  Handed nothing;
  co_await settle_results(worker, job, std::move(all), works, nothing);
  co_return Way::refused;
}

} // namespace paquebot::delivery
