#include "delivery/worker.h"

#include "base/log.h"
#include "delivery/handover.h"
#include "delivery/peer_limits.h"
#include "delivery/verdict.h"
#include "metrics/counters.h"
#include "net/wheel.h"

#include <algorithm>
#include <exception>
#include <iterator>
#include <utility>

namespace paquebot::delivery {
namespace {

constexpr unsigned kSessions = 5;              // that one attempt makes for a message, when hosts take no mail
constexpr unsigned kTurn = 10;                 // messages for a destination while others wait for the same site
constexpr std::size_t kRecipientsAtOnce = 100; // in a transaction (RFC 5321 section 4.5.3.1.8)
constexpr auto kAskAgain = std::chrono::milliseconds(500); // whose a domain is, while the store fails

metrics::DeliveryTls tls_of(const Peer& peer) {
  const Proof proof = peer.proof();
  if (!proof.encrypted) return metrics::DeliveryTls::none;
  return proof.name.empty() && proof.tlsa.empty() ? metrics::DeliveryTls::encrypted : metrics::DeliveryTls::verified;
}

std::string what_was_thrown(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& what) {
    return what.what();
  } catch (...) {
    return "unknown";
  }
}

/// Takes out those that go into one transaction: who reached us through different addresses of ours gets different
/// Delivered-To lines.
queue::Job next_part(queue::Job& job) {
  queue::Job part{job.message, {}, job.fresh};
  std::vector<store::RecipientFacts> rest;
  for (store::RecipientFacts& recipient : job.recipients) {
    const bool fits = part.recipients.size() < kRecipientsAtOnce &&
                      (part.recipients.empty() || part.recipients.front().via == recipient.via);
    (fits ? part.recipients : rest).push_back(std::move(recipient));
  }
  job.recipients = std::move(rest);
  return part;
}

} // namespace

Worker::Worker(Commons& commons, queue::Post post, queue::Seat seat)
    : commons_(commons), post_(std::move(post)), passage_(commons, post_, std::move(seat)),
      settling_(commons, post_.destination) {}

Task<void> Worker::run() {
  std::exception_ptr error;
  try {
    co_await serve();
    co_await passage_.part();
  } catch (...) {
    error = std::current_exception();
  }
  std::exception_ptr again;
  try {
    if (error) co_await pick_up_pieces(error);
  } catch (...) {
    again = std::current_exception();
  }
  commons_.queue.posts().release(post_);
  if (again) std::rethrow_exception(again);
}

/// Our own fault.
Task<void> Worker::pick_up_pieces(std::exception_ptr error) {
  passage_.drop();
  std::string why = what_was_thrown(error);
  co_await settling_.pick_up_pieces(std::move(why));
}

/// Destination after destination.
Task<void> Worker::serve() {
  while (!commons_.stopping) {
    const bool there = co_await locate();
    if (!there) co_return;
    const bool goes_on = co_await serve_destination();
    if (!goes_on || commons_.stopping) co_return;
    const bool next = co_await move_on();
    if (!next) co_return;
  }
}

/// Finds out to which site the mail of the destination goes. False: it has to wait until there is room.
Task<bool> Worker::locate() {
  const auto ours = co_await is_ours();
  if (!ours) co_return false;
  ours_ = *ours;
  std::string site = "here:" + post_.destination;
  if (!ours_) site = co_await passage_.find_site();
  co_return passage_.enter_site(site);
}

/// The next destination that waits for the site; the connection is there for it if it may be used for it.
Task<bool> Worker::move_on() {
  turn_ = 0;
  queue::Post next = post_;
  if (!commons_.queue.posts().move_on(next)) co_return false;
  post_ = std::move(next); // released is what it is at
  co_await passage_.part();
  passage_.forget_plan();
  settling_.move_to(post_.destination);
  co_return true;
}

/// Delivers job after job of a destination. True: it has no more, or others have waited long enough.
Task<bool> Worker::serve_destination() {
  while (!commons_.stopping) {
    passage_.rest();
    queue::Post& post = post_;
    auto job = co_await commons_.queue.next(post);
    if (!job) co_return true;
    passage_.take_seat(std::move(job->seat));
    settling_.begin(*job);
    const bool waits = co_await must_wait(*job);
    if (waits) continue;
    commons_.queue.shaping().begins(post_);
    const Way way = co_await handle(*job);
    if (way == Way::no_room) {
      settling_.end(); // they wait in the window again
      commons_.queue.put_back(post_.destination, std::move(*job));
    }
    if (way == Way::failed) {
      co_await settling_.give_back(*job);
      co_await send_apart();
    }
    if (way == Way::no_room || way == Way::failed) co_return false;
    passage_.forget_plan();
    const bool others = commons_.queue.posts().wanted(post_);
    turn_ = others ? turn_ + 1 : 0;
    if (turn_ >= kTurn) co_return true;
  }
  co_return false;
}

/// The place failed with what is asked of its protection: mail whose sender overrules that goes all the same.
Task<void> Worker::send_apart() {
  for (auto job = settling_.next_apart(); job; job = settling_.next_apart()) {
    const Way way = co_await handle(*job);
    if (way == Way::failed || way == Way::no_room) co_await settling_.give_back(*job);
    passage_.forget_plan();
  }
}

/// Whether the destination is a domain of this server. Asked again while the store fails, since mail for ourselves must
/// not leave by MX; nothing when we are to stop.
Task<std::optional<bool>> Worker::is_ours() {
  bool told = false;
  while (!commons_.stopping) {
    std::string key(queue::bound_of(post_.destination).destination);
    const auto known = co_await commons_.homecoming.concerns(std::move(key));
    if (known) co_return *known;
    if (!told) log::error("directory-unreadable", {{"destination", post_.destination}, {"why", known.error().message}});
    told = true;
    co_await net::sleep_for(kAskAgain);
  }
  co_return std::nullopt;
}

/// Delivers one job. When it can't go on, what is left of the job was not attempted.
Task<Way> Worker::handle(queue::Job& job) {
  if (is_overdue(job.message, commons_.settled())) {
    co_await settling_.give_up_late(job);
    co_return Way::open;
  }
  if (!ours_) {
    const Way way = co_await send_all(job);
    co_return way;
  }
  std::string key = post_.destination;
  co_await commons_.homecoming.take_in(std::move(key), std::move(job));
  settling_.end();
  co_return Way::open;
}

Task<Way> Worker::send_all(queue::Job& job) {
  while (!job.recipients.empty()) {
    queue::Job part = next_part(job);
    std::vector<store::RecipientFacts> left; // for whom the peer's limits had no room
    const Way way = co_await send_part(part, left);
    if (way == Way::no_room) std::ranges::move(part.recipients, std::back_inserter(left));
    job.recipients.insert(job.recipients.begin(), std::make_move_iterator(left.begin()),
                          std::make_move_iterator(left.end()));
    if (way == Way::no_room || way == Way::failed) co_return way;
  }
  co_return Way::open;
}

/// Sends one transaction, over one connection after the other while hosts don't judge it. Whoever the peer's limits
/// leave no room for goes to `rest`.
Task<Way> Worker::send_part(queue::Job& part, std::vector<store::RecipientFacts>& rest) {
  std::string via = part.recipients.front().via;
  std::string prefix =
      via.empty() ? std::string() : "Delivered-To: " + via + "\r\n"; // RFC 9228: finds forwarding loops
  Attempt attempt;
  for (bool done = false; !done;) {
    Content content(commons_.store.content(), part, prefix);
    auto opened = co_await content.open();
    if (!opened) {
      log::error("content-unreadable", {{"id", part.message.id.to_string()}, {"why", opened.error().message}});
      const mail::Told told = mail::Told::by({451, {4, 3, 0}, "the stored message can't be read now"});
      std::vector<mail::Told> all(part.recipients.size(), told);
      Handed nothing;
      co_await settling_.results(part, std::move(all), false, nothing);
      co_return Way::open;
    }
    for (;;) {
      const Way way = co_await connect(part, attempt);
      if (way != Way::open) co_return way;
      Peer& peer = *passage_.peer();
      const smtp::PeerFeatures& offered = peer.session().features();
      const smtp::PeerFeatures limits{.rcpt_max = peer.rcpt_max > 0 ? peer.rcpt_max : offered.rcpt_max,
                                      .rcpt_domain_max = offered.rcpt_domain_max};
      if (keep_limits(limits, peer.domains, part.recipients, rest)) break;
      passage_.let_go(); // a new session has room
    }
    done = co_await transmit(part, content, attempt, rest);
  }
  co_return Way::open;
}

/// Sees to it that there is a connection that the job may use; otherwise settles the job, but for `no_room`.
Task<Way> Worker::connect(const queue::Job& job, Attempt& attempt) {
  const bool secure = job.message.sender.tls == mail::TlsWish::required;
  const mail::TlsWish wish = job.message.sender.tls;
  Reach found = co_await passage_.reach(attempt, wish);
  // RFC 8689 section 5: a report is better sent without protection than lost.
  const bool report = job.message.sender.reverse_path.empty();
  const bool unprotected = found.way == Way::failed && found.cause == queue::Cause::unprotected;
  if (secure && report && unprotected) found = co_await passage_.reach(attempt, mail::TlsWish::unspecified);
  if (found.way != Way::failed) co_return found.way;
  Way way = Way::failed;
  if (!attempt.last.empty())
    way = co_await settle_last(job, attempt);
  else if (found.cause == queue::Cause::ours)
    co_await settling_.put_off(job, found.failure);
  else
    way = co_await no_way(job, found.failure);
  co_return way;
}

/// There is no further host for what is left of the job: what the last one said stands. Where that one takes nobody's
/// mail, and nobody else is connected, the destination waits.
Task<Way> Worker::settle_last(const queue::Job& job, Attempt& attempt) {
  if (attempt.rests && !passage_.others_connected()) {
    mail::Told told = attempt.last.front();
    co_await settling_.fail_place(job, std::move(told));
    co_return Way::failed;
  }
  Handed nothing;
  std::vector<mail::Told> all = attempt.last;
  co_await settling_.results(job, std::move(all), attempt.host_spoke, nothing);
  co_return Way::refused;
}

/// Settles a job that found no way: a permanent no (no such domain, null MX) is the job's alone and the worker goes on;
/// otherwise the destination as a whole failed for now.
Task<Way> Worker::no_way(const queue::Job& job, mail::Told failure) {
  if (!failure.permanent()) {
    co_await settling_.fail_place(job, std::move(failure));
    co_return Way::failed;
  }
  std::vector<mail::Told> all(job.recipients.size(), failure);
  const bool works = !failure.place.empty();
  Handed nothing;
  co_await settling_.results(job, std::move(all), works, nothing);
  co_return Way::refused;
}

/// The message goes through the open connection. False: the peer did not judge it for those who are left in `part`, and
/// they go on over another one.
Task<bool> Worker::transmit(queue::Job& part, Content& content, Attempt& attempt,
                            std::vector<store::RecipientFacts>& rest) {
  Peer& peer = *passage_.peer();
  Handover handover(commons_, peer, part, content, passage_.secure());
  const mail::Reply fits = co_await handover.prepare();
  if (!fits.positive()) {
    std::vector<mail::Told> all(part.recipients.size(), peer.told(fits));
    Handed nothing;
    co_await settling_.results(part, std::move(all), false, nothing);
    co_return true;
  }
  Peer::Event event = co_await handover.send_envelope();
  if (event == Peer::Event::need_content) {
    passage_.works();
    event = co_await handover.send_content();
  }
  const Transmission sent = handover.came_to();
  Finding finding = find(sent);
  ++peer.used;
  if (finding.session == Finding::Session::judged) {
    ++peer.carried;
    passage_.works();
  }
  passage_.learn(finding, sent, attempt);
  const Passage::Heeded heeded = passage_.heed(finding, sent, subjects_);
  if (heeded.ends) finding.again.assign(finding.again.size(), false);
  std::vector<mail::Told> all;
  all.reserve(part.recipients.size());
  for (const mail::Reply& reply : peer.session().results()) all.push_back(peer.told(reply));
  const metrics::DeliveryTls tls = tls_of(peer); // who is left is gone
  co_await passage_.keep_or_leave(event, finding.session);
  Handed handed = handover.handed();
  handed.tls = tls;
  mail::Told told = heeded.blocked ? all.front() : mail::Told();
  co_await settle_orders(part, all, finding, heeded);
  const bool done = co_await settle_finding(part, std::move(all), finding, handed, attempt, rest);
  if (heeded.blocked) co_await settling_.put_away(std::move(told));
  co_return done;
}

/// Settles those of whom something was said that counts. False: the others are left in `part`, for another connection.
Task<bool> Worker::settle_finding(queue::Job& part, std::vector<mail::Told> all, const Finding& finding, Handed handed,
                                  Attempt& attempt, std::vector<store::RecipientFacts>& rest) {
  const bool again = attempt.sessions < kSessions && std::ranges::find(finding.again, true) != finding.again.end();
  const bool some_next = std::ranges::find(finding.next, true) != finding.next.end();
  if (!again && !some_next) { // as it nearly always is
    attempt.last.clear();
    if (!part.recipients.empty()) co_await settling_.results(part, std::move(all), attempt.host_spoke, handed);
    part.recipients.clear();
    co_return true;
  }
  queue::Job judged{part.message, {}, part.fresh};
  std::vector<store::RecipientFacts> left;
  std::vector<mail::Told> said, last;
  for (std::size_t i = 0; i < part.recipients.size(); ++i) {
    const bool goes_on = again && finding.again[i];
    if (finding.next[i]) {
      rest.push_back(std::move(part.recipients[i]));
      continue;
    }
    (goes_on ? left : judged.recipients).push_back(std::move(part.recipients[i]));
    (goes_on ? last : said).push_back(std::move(all[i]));
  }
  part.recipients = std::move(left);
  attempt.last = std::move(last);
  if (finding.session == Finding::Session::used_up) attempt.last.clear();
  if (!judged.recipients.empty()) co_await settling_.results(judged, std::move(said), attempt.host_spoke, handed);
  const bool everybody = part.recipients.empty();
  co_return everybody;
}

} // namespace paquebot::delivery
