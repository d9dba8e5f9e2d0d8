#include "delivery/passage.h"

#include "base/clock.h"
#include "base/log.h"
#include "delivery/signals.h"

#include <algorithm>
#include <map>
#include <utility>

namespace paquebot::delivery {
namespace {

constexpr std::uint32_t kHurried = 3; // attempts of a destination that may be cut short while others wait

using std::chrono::steady_clock;

constexpr unsigned kMessagesPerConnection = 500;

/// How long hosts rest: over before the first destination that failed with them is due again.
steady_clock::time_point rest_until(const queue::Options& options) {
  return system_clock().now() + std::chrono::milliseconds(options.schedule.first) * 9 / 10;
}

/// It is not to be had as it was needed.
bool is_about_tls(queue::Cause cause) {
  using queue::Cause;
  return cause == Cause::tls_missing || cause == Cause::tls_failed || cause == Cause::tls_silent ||
         cause == Cause::unprotected;
}

} // namespace

Passage::Passage(Commons& commons, queue::Post& post, queue::Seat seat)
    : commons_(commons), post_(post), options_(commons.queue.options()), seat_(std::move(seat)) {}

void Passage::rest() { seat_.leave(); }

Task<std::string> Passage::find_site() {
  co_await follow_options(wish_);
  if (!plan_) co_await make_plan();
  co_return plan_->candidates.empty() ? "none:" + post_.destination : plan_->place;
}

Task<void> Passage::make_plan() {
  const queue::Bound bound = queue::bound_of(post_.destination);
  std::string key(bound.destination);
  const queue::RouteTable& routes = options_->routes;
  const mail::TlsWish wish = wish_;
  plan_ = co_await commons_.connector.plan_for(key, routes, wish);
  if (plan_->route != nullptr) co_return;
  if (options_->sources) plan_->source = options_->sources->by_name(bound.source); // one that is no more: as without
  const std::string mark = plan_->source == nullptr ? std::string() : "@" + plan_->source->name;
  plan_->place += mark;
  if (!options_->providers) co_return;
  std::vector<std::string> hosts;
  for (const queue::Candidate& one : plan_->candidates) hosts.push_back(one.host);
  const queue::Provider* const provider = options_->providers->of_hosts(hosts);
  if (provider != nullptr) plan_->provider = provider->name + mark;
}

bool Passage::enter_site(const std::string& site) {
  return commons_.queue.posts().enter(post_, site, plan_ ? plan_->provider : std::string());
}

void Passage::forget_plan() {
  if (peer_) return;
  set_share(Share::none);
  plan_.reset();
}

void Passage::drop() {
  peer_.reset();
  set_share(Share::none);
}

// ---- Shares of a place ----

/// Domains with the same mail hosts share one limit. Nothing is opened while the site has to wait, but for what this
/// attempt has begun with.
bool Passage::has_turn(const Attempt& attempt) {
  queue::Posts& posts = commons_.queue.posts();
  const bool begun = !attempt.tried.empty() || !attempt.last.empty();
  if (!begun && posts.must_wait(post_)) return false;
  if (!enter_site(plan_->place)) return false;
  set_share(Share::opening);
  return true;
}

void Passage::set_share(Share share) {
  if (share_ == share) return;
  commons_.places.move(plan_->place, share_, share);
  share_ = share;
  commons_.slots.notify_all();
}

/// The next message for the same place takes the connection.
void Passage::park() {
  peer_->door.leave();
  auto surplus = commons_.parked.keep(plan_->place, std::move(peer_), system_clock().now());
  if (surplus) commons_.spawn(say_goodbye(std::move(surplus)));
}

Task<void> Passage::take_parked() {
  std::vector<std::string> hosts = commons_.parked.hosts_at(plan_->place);
  if (hosts.empty()) co_return;
  const queue::Plan& plan = *plan_;
  const Needs needs = co_await commons_.connector.needs_of(plan, std::move(hosts));
  peer_ = commons_.parked.take(*plan_, needs);
  if (peer_) commons_.connector.note_reuse(*plan_, *peer_);
  if (!peer_ || plan_->route != nullptr) co_return;
  const PeerIdentity& identity = peer_->identity();
  peer_->door = commons_.doors.enter(identity.door);
}

void Passage::let_go() {
  if (commons_.places.connected(plan_->place) > 1) return commons_.spawn(say_goodbye(std::move(peer_)));
  leaving_ = std::move(peer_);
}

Task<void> Passage::part() {
  if (leaving_) commons_.spawn(say_goodbye(std::move(leaving_)));
  if (peer_ && !commons_.stopping) {
    park();
  } else if (peer_) {
    auto leaving = std::move(peer_);
    co_await say_goodbye(std::move(leaving));
  }
  set_share(Share::none);
}

/// It was not let in: true when others are, so that the place has no room for one more. Those that are at the door are
/// waited for. `ready`: it was turned away at MAIL or behind it, and so are all that only have a connection, until mail
/// goes over it.
Task<bool> Passage::crowded(bool ready) {
  const std::string place = plan_->place;
  const Places& places = commons_.places;
  const auto in = [&] { return ready ? places.count(place, Share::working) : places.connected(place); };
  const auto coming = [&] {
    return places.count(place, Share::opening) + (ready ? places.count(place, Share::open) : 0);
  };
  while (coming() > 0 && in() == 0 && !commons_.stopping) co_await commons_.slots.wait();
  co_return in() > 0;
}

// ---- Connections ----

/// What was planned under other rules (a reload, another wish of the sender) goes.
Task<void> Passage::follow_options(mail::TlsWish wish) {
  auto options = commons_.queue.options();
  if (wish_ == wish && options_ == options) co_return;
  co_await part();
  plan_.reset();
  wish_ = wish;
  options_ = std::move(options);
}

Task<Reach> Passage::reach(Attempt& attempt, mail::TlsWish wish) {
  Reach found;
  if (leaving_) {
    auto leaving = std::move(leaving_);
    co_await say_goodbye(std::move(leaving));
  }
  const unsigned loads = commons_.queue.loads();
  if (loads != std::exchange(commons_.loads, loads)) commons_.hosts.wake_all();
  for (;;) {
    co_await follow_options(wish);
    if (!plan_) co_await make_plan();
    found.way = Way::failed;
    found.cause = plan_->cause;
    if (plan_->candidates.empty()) {
      found.failure = mail::Told::by(plan_->failure);
      co_return found;
    }
    if (share_ == Share::none && !has_turn(attempt)) {
      found.way = Way::no_room;
      co_return found;
    }
    const bool any = attempt.tried.empty() && attempt.used_up == 0;
    if (!peer_ && any && options_ == commons_.queue.options()) co_await take_parked();
    bool again = false;
    if (!peer_) again = co_await open(attempt, found);
    if (!peer_ && !found.full.empty()) {
      set_share(Share::none);
      if (commons_.doors.room(found.full, options_->workers_per_destination)) continue; // it was left meanwhile
      commons_.queue.posts().shut(post_, found.full);
      found.way = Way::no_room;
      co_return found;
    }
    if (again || options_ != commons_.queue.options())
      continue; // a reload: what was opened is parked, and taken if it may be
    found.way = peer_ ? Way::open : Way::failed;
    if (peer_) set_share(peer_->carried > 0 ? Share::working : Share::open);
    co_return found;
  }
}

/// Opens a connection, or says why not. True when the place lets no further one in, and the worker gave its share back.
Task<bool> Passage::open(Attempt& attempt, Reach& found) {
  set_share(Share::opening);
  // A slow host must have an attempt with all its time before its mail is returned; a configured one has it always.
  plan_->patient = plan_->route != nullptr || commons_.queue.standing().failures(post_.destination) >= kHurried;
  const queue::Plan& plan = *plan_;
  AtDoors at{commons_.doors, options_->workers_per_destination};
  Reached reached = co_await commons_.connector.open(plan, attempt.tried, commons_.hosts, std::move(at));
  peer_ = std::move(reached.peer);
  found.failure = std::move(reached.failure);
  found.cause = reached.cause;
  found.full = std::move(reached.full);
  if (!peer_ && reached.silent) commons_.queue.standing().kept_silent(post_.destination);
  if (!peer_ && !found.full.empty()) co_return false;
  bool others = false;
  if (!peer_) {
    set_share(Share::refused);
    const bool ready = !attempt.last.empty() && attempt.surplus;
    others = co_await crowded(ready);
  }
  if (!others)
    for (const auto& [address, reply] : reached.turned_away)
      commons_.hosts.turned_away(address, reply, system_clock().now(), rest_until(*options_));
  if (peer_) co_return false;
  queue::Posts& posts = commons_.queue.posts();
  if (!others) posts.not_too_many(post_);
  const queue::Throttles::Subjects nobody;
  const bool ruled = commons_.queue.shaping().hear(post_, found.failure.peer, nobody, true).rule.has_value();
  if (!others && !ruled && !found.failure.peer.text.empty())
    posts.heard(post_, signal_of(found.failure.peer), found.failure.to_string());
  if (!others || found.cause == queue::Cause::ours) co_return false;
  if (secure() && is_about_tls(found.cause)) co_return false; // the others may need less than this one
  if (attempt.last.empty() ? found.failure.permanent() : !attempt.surplus) co_return false;
  const mail::Told& why = attempt.last.empty() ? found.failure : attempt.last.front();
  const std::string why_not = why.to_string();
  log::info("place-full", {{"destination", post_.destination}, {"why", why_not}});
  attempt.last.clear(); // it is no attempt
  attempt.tried = {};
  posts.too_many(post_, commons_.places.connected(plan.place), why_not);
  set_share(Share::none);
  posts.leave(post_); // it comes again when there is room
  co_return true;
}

// ---- What transactions show ----

void Passage::learn(const Finding& finding, const Transmission& sent, Attempt& attempt) {
  using Session = Finding::Session;
  Peer& peer = *peer_;
  const PeerIdentity& identity = peer.identity();
  const auto now = system_clock().now();
  const auto taken = std::ranges::count(peer.session().settled(), smtp::Settled::content);
  if (std::ranges::find(finding.next, true) != finding.next.end() && taken > 0)
    peer.rcpt_max = static_cast<std::uint32_t>(taken);
  attempt.host_spoke = finding.session != Session::broken;
  attempt.rests = false;
  if (peer.session().breakage() == smtp::Breakage::timeout || (finding.slow && commons_.queue.crowded()))
    commons_.queue.standing().kept_silent(post_.destination);
  else if (finding.session == Session::judged && !finding.slow)
    commons_.queue.standing().answered(post_.destination);
  if (finding.session == Session::used_up) {
    attempt.used_up = std::max(peer.carried, 1u);
    return;
  }
  // What a connection that works refuses as well is refused to the message.
  const bool early = sent.carried == 0 && attempt.used_up == 0 && !sent.content_begun && !sent.in_doubt;
  attempt.surplus = early && (attempt.sessions == 0 || attempt.surplus);
  if (finding.session == Session::elsewhere && attempt.used_up > 0) commons_.queue.posts().not_too_many(post_);
  ++attempt.sessions;
  if (finding.session == Session::broken) return learn_break(finding, sent.content_begun, attempt);
  commons_.hosts.worked(identity.address);
  if (finding.session == Session::elsewhere) attempt.tried.hosts.insert(identity.host);
  // It was indeed for the connection: the new one takes it.
  if (finding.session == Session::judged && attempt.used_up > 0)
    commons_.queue.posts().used_up(post_, std::exchange(attempt.used_up, 0U));
}

/// A provider's rules, each once for a transaction. True when one counts, so that nothing else is made of what was
/// said.
bool Passage::heed_rules(const Transmission& sent, const queue::Throttles::Subjects& subjects, bool to_mail,
                         Heeded& heeded) {
  using queue::Act;
  std::map<std::string, queue::Throttles::Heard> known; // of each text
  bool ruled = false;
  for (std::size_t i = 0; i < sent.replies.size(); ++i) {
    const mail::Reply& reply = sent.replies[i];
    if (reply.positive() || !reply.heard) continue;
    const bool sure = to_mail || reply.code == 421;
    const auto [at, fresh] = known.try_emplace(reply.to_string());
    if (fresh) at->second = commons_.queue.shaping().hear(post_, reply, subjects, sure);
    const queue::Throttles::Heard& heard = at->second;
    if (!heard.rule) continue;
    const bool meant = heard.rule->scope != queue::Scope::source || sure || heard.acts;
    ruled = ruled || meant;
    if (!heard.acts) continue;
    const Act act = heard.rule->act;
    if (act == Act::pause && heard.rule->scope == queue::Scope::source) heeded.blocked = heeded.ends = true;
    if (act != Act::hold && act != Act::fail) continue;
    heeded.orders.resize(sent.replies.size());
    heeded.orders[i] = Order{act, plan_->provider + "/" + heard.rule->name};
  }
  return ruled;
}

Passage::Heeded Passage::heed(const Finding& finding, const Transmission& sent,
                              const queue::Throttles::Subjects& subjects) {
  using Session = Finding::Session;
  Heeded heeded;
  queue::Posts& posts = commons_.queue.posts();
  const bool taken = std::ranges::any_of(sent.replies, [](const mail::Reply& reply) { return reply.positive(); });
  if (taken) {
    blocked_ = 0;
    commons_.queue.shaping().taken(post_, subjects);
  }
  const bool to_mail = std::ranges::find(sent.settled, smtp::Settled::mail) != sent.settled.end();
  if (!plan_->provider.empty() && heed_rules(sent, subjects, to_mail, heeded)) return heeded;
  if (taken || sent.replies.empty()) {
    posts.judged(post_);
    return heeded;
  }
  const Heard heard = heard_of(sent.replies, to_mail);
  if (heard.signal == queue::Signal::none) {
    if (finding.session == Session::judged) posts.judged(post_);
    return heeded;
  }
  const std::string why = peer_->told(*heard.reply).to_string();
  if (heard.signal == queue::Signal::rate) posts.heard(post_, heard.signal, why);
  if (heard.signal == queue::Signal::connections)
    posts.too_many(post_, std::max(1U, commons_.places.connected(plan_->place)), why);
  if (heard.signal != queue::Signal::blocked || (!heard.sure && ++blocked_ < 2)) return heeded;
  blocked_ = 0;
  posts.heard(post_, heard.signal, why);
  log::warning("site-blocks-us", {{"site", post_.site}, {"destination", post_.destination}, {"why", why}});
  heeded.blocked = true;
  return heeded;
}

/// The host ended the session before it judged the message.
void Passage::learn_break(const Finding& finding, bool content_begun, Attempt& attempt) {
  Peer& peer = *peer_;
  const PeerIdentity& identity = peer.identity();
  const auto now = system_clock().now();
  const bool spoke = peer.session().breakage() == smtp::Breakage::none; // 421: for all of its addresses
  (spoke ? attempt.tried.hosts : attempt.tried.addresses).insert(spoke ? identity.host : identity.address);
  // The new connection was no better than the one that was used up: twice in a row. Of a content that may be refused so
  // once.
  const bool twice = attempt.used_up > 0 && !content_begun;
  const unsigned strikes = twice ? 2 * finding.strikes : finding.strikes;
  const bool works = attempt.surplus && commons_.places.count(plan_->place, Share::working) > 0;
  if (!works)
    commons_.hosts.broke_off(identity.address, strikes, peer.told(finding.broken), now, rest_until(*options_));
  attempt.rests = commons_.hosts.resting(identity.address, now).has_value();
}

Task<void> Passage::keep_or_leave(Peer::Event event, Finding::Session found) {
  Peer& peer = *peer_;
  if (event == Peer::Event::message_done) event = co_await peer.run();
  if (event != Peer::Event::ready) {
    peer_.reset();
    co_return;
  }
  const std::uint32_t offered = peer.session().features().mail_max;
  const unsigned known = commons_.queue.posts().per_connection(post_);
  const unsigned most = commons_.queue.shaping().per_connection(post_);
  const bool used_up = peer.used >= kMessagesPerConnection || (offered > 0 && peer.used >= offered) ||
                       (known > 0 && peer.carried >= known) || (most > 0 && peer.used >= most) ||
                       found == Finding::Session::used_up;
  if (used_up)
    let_go();
  else if (found == Finding::Session::elsewhere && peer.carried == 0)
    let_go(); // the next message would be refused as well
  else if (found == Finding::Session::elsewhere)
    park();
}

} // namespace paquebot::delivery
