// One connection to one address, from the socket to where it is ready for mail.

#include "base/clock.h"
#include "delivery/connector.h"
#include "delivery/connector_words.h"
#include "delivery/protection.h"

#include <boost/asio/post.hpp>
#include <optional>

namespace paquebot::delivery {
namespace {

using queue::Cause;

/// Why no connection came about.
Cause unconnected(Errc error) {
  if (error == Errc::timeout) return Cause::silent;
  return error == Errc::temporary ? Cause::ours : Cause::unreached; // no files or memory for it
}

/// Why the session ended before it was ready for mail.
Cause cause_of(Peer& peer) {
  const smtp::Breakage breakage = peer.session().breakage();
  if (breakage == smtp::Breakage::tls_failed)
    return !peer.timed_out() ? Cause::tls_failed : peer.cut_short() ? Cause::silent : Cause::tls_silent;
  if (peer.timed_out()) return Cause::silent;
  return breakage == smtp::Breakage::tls_unavailable ? Cause::tls_missing : Cause::refused;
}

/// A host that refuses in its greeting may be meant only for us or only for now: temporary, but for the codes that say
/// that it never takes mail (RFC 7504).
void soften(mail::Told& failure) {
  if (failure.peer.code == 521 || failure.peer.code == 556 || !failure.permanent()) return;
  failure.own = mail::Reply(451, {4, 4, 2}, "the server refused the session");
}

/// Why the protection of a host did not come about that somebody asks for.
void explain_failure(const queue::Candidate& candidate, Reached& reached) {
  const bool missing = reached.cause == Cause::tls_missing;
  if (candidate.asked_by.empty() || (!missing && reached.cause != Cause::tls_failed)) return;
  mail::Reply& own = reached.failure.own;
  const mail::EnhancedCode status = missing ? mail::EnhancedCode{4, 7, 10} : mail::EnhancedCode{4, 7, 5};
  own = mail::Reply(454, status, unprotected_because(candidate.need, candidate.asked_by, missing, own.text));
}

} // namespace

void Connector::forget_roots() {
  boost::asio::post(executor_, [this] {
    verifying_.clear();
    opportunistic_.reset();
  });
}

/// One address of a host.
struct Connector::Target {
  const queue::Plan& plan;
  const queue::Candidate& candidate;
  net::Endpoint end;
  std::string key;  ///< as in HostBook
  std::string name; ///< for replies and trails
};

/// One address; when an opportunistic handshake fails, the same address once more in clear (RFC 7435).
Task<Reached> Connector::open_one(const queue::Plan& plan, const queue::Candidate& candidate, std::string address) {
  const std::string key = key_of(address, candidate.port);
  std::string name = (candidate.host == address ? "" : candidate.host + " ") + key;
  if (plan.source != nullptr) name += " from " + plan.source->name;
  const Target to{plan, candidate, {address, candidate.port}, key, name};
  Reached reached;
  if (candidate.need.onward) {
    reached = co_await try_protected(to);
    co_return reached;
  }
  const std::string nothing;
  reached = co_await try_session(to, nothing);
  const bool tls_broke = reached.cause == Cause::tls_failed || reached.cause == Cause::tls_silent;
  if (!candidate.need.is_any()) explain_failure(candidate, reached);
  if (!tls_broke || !candidate.need.is_any()) co_return reached;
  const std::string why = "TLS failed: " + reached.failure.own.text;
  reached = co_await try_session(to, why);
  co_return reached;
}

/// For a message with REQUIRETLS: what a host can't give now it is taken never to give (RFC 8689 section 4.2.1); one
/// that can't be reached may work later.
Task<Reached> Connector::try_protected(const Target& to) {
  const std::string nothing;
  Reached reached = co_await try_session(to, nothing);
  if (reached.peer && !satisfies(reached.peer->proof(), to.candidate.need)) {
    Peer& peer = *reached.peer;
    mail::Reply lacking(550, {5, 7, 30}, "REQUIRETLS support required: the server does not offer it");
    reached.failure = peer.told(std::move(lacking));
    reached.cause = Cause::unprotected;
    peer.session().quit();
    while (co_await peer.run() != Peer::Event::closed) {
    }
    reached.peer.reset();
  } else if (reached.cause == Cause::tls_missing || reached.cause == Cause::tls_failed) {
    const std::string why = reached.failure.own.code != 0 ? ": " + reached.failure.own.text : std::string();
    reached.failure.own = mail::Reply(550, {5, 7, 10}, "encryption needed (REQUIRETLS)" + why);
    reached.cause = Cause::unprotected;
  }
  co_return reached;
}

/// Looks at certificates too, if the system's roots can be had.
Result<std::shared_ptr<net::TlsContext>> Connector::opportunistic() {
  if (opportunistic_) return opportunistic_;
  auto made = net::TlsContext::watching();
  if (!made) made = net::TlsContext::client(false);
  if (made) opportunistic_ = *made;
  return made;
}

/// A context that enforces a certificate if it is needed.
Result<std::shared_ptr<net::TlsContext>> Connector::tls_for(const queue::Need& need) {
  if (need.dane() != nullptr && !dane_) {
    auto made = net::TlsContext::for_dane();
    if (!made) return made;
    dane_ = *made;
  }
  if (need.dane() != nullptr) return dane_;
  const queue::Need::Pkix* pkix = need.pkix();
  if (pkix == nullptr) return opportunistic();
  auto known = verifying_.find(pkix->roots);
  if (known != verifying_.end()) return known->second;
  auto made = net::TlsContext::client(true, pkix->roots);
  if (made) verifying_[pkix->roots] = *made;
  return made;
}

void Connector::hurry(std::chrono::milliseconds patience) {
  const auto since = system_clock().now() - patience;
  for (const auto& [peer, begun] : knocking_)
    if (begun <= since) peer->hurry();
}

/// Stands among those that are not ready for mail yet.
class Connector::Knock {
public:
  Knock(std::map<Peer*, std::chrono::steady_clock::time_point>& all, Peer& peer) : all_(all), peer_(&peer) {
    all_.emplace(peer_, system_clock().now());
  }
  ~Knock() { all_.erase(peer_); }
  Knock(const Knock&) = delete;
  Knock& operator=(const Knock&) = delete;

private:
  std::map<Peer*, std::chrono::steady_clock::time_point>& all_;
  Peer* peer_;
};

smtp::ClientOptions Connector::session_options(const Target& to, bool allow_tls) const {
  smtp::ClientOptions options = options_.client;
  const queue::TlsStart start = to.candidate.tls;
  const queue::Source* const source = to.plan.source;
  options.ehlo_name = source != nullptr && !source->ehlo.empty() ? source->ehlo : options_.hostname;
  options.lmtp = to.plan.lmtp;
  options.tls_wanted = allow_tls && start != queue::TlsStart::never;
  options.tls_required = start == queue::TlsStart::offered && !to.candidate.need.is_any();
  if (to.plan.route == nullptr) return options;
  options.user = to.plan.route->user;
  options.password = to.plan.route->password;
  options.auth_in_clear = start == queue::TlsStart::never;
  return options;
}

Task<Result<net::Stream>> Connector::dial(const Target& to, std::chrono::steady_clock::time_point deadline) {
  const bool four = to.end.address.find(':') == std::string::npos;
  std::string from = four ? options_.source_ipv4 : options_.source_ipv6;
  if (const queue::Source* const source = to.plan.source) from = four ? source->ipv4 : source->ipv6;
  net::Endpoint end = to.end;
  auto stream = co_await dial_->open(std::move(end), std::move(from), deadline);
  co_return stream;
}

/// From the socket to where it is ready for mail. `in_clear`: why TLS is not tried; empty: it is.
Task<Reached> Connector::try_session(const Target& to, const std::string& in_clear) {
  Reached reached;
  const auto fails = [&](std::uint16_t subject, std::uint16_t detail, const std::string& why, Cause cause) {
    reached.failure = own_word(mail::Reply(451, {4, subject, detail}, why), to.name);
    reached.cause = cause;
  };
  const auto deadline = system_clock().now() + options_.connect_timeout;
  auto stream = co_await dial(to, deadline);
  if (!stream) {
    fails(4, 1, "no connection: " + stream.error().message, unconnected(stream.error().code));
    co_return reached;
  }
  const queue::Candidate& candidate = to.candidate;
  auto tls = tls_for(candidate.need);
  if (!tls) {
    fails(7, 5, tls.error().message, tls.error().code == Errc::io ? Cause::ours : Cause::unreached);
    co_return reached;
  }
  const std::string door = Doors::door_of(to.end.address, candidate.port);
  PeerIdentity identity{to.name, candidate.host, to.key, candidate.port, candidate.need, terms_of(to.plan), door};
  identity.asked_by = candidate.asked_by;
  identity.in_clear = in_clear;
  identity.configured = !to.plan.next_hop;
  identity.sts_testing = candidate.sts_testing;
  identity.sts_named = candidate.sts_named;
  identity.tlsa_unusable = candidate.tlsa_unusable;
  const bool at_once = candidate.tls == queue::TlsStart::at_once;
  net::TlsInfo info;
  if (at_once) {
    net::TlsContext& context = **tls;
    net::Stream& raw = *stream;
    raw.set_deadline(deadline);
    const std::string& server_name = identity.server_name();
    auto done = co_await raw.start_tls_client(context, server_name);
    if (!done) {
      const bool late = done.error().code == Errc::timeout;
      fails(7, 5, "no TLS: " + done.error().message, late ? Cause::silent : Cause::tls_failed);
      co_return reached;
    }
    info = *done;
  }
  auto peer = std::make_unique<Peer>(std::move(*stream), session_options(to, in_clear.empty()), at_once,
                                     std::move(identity), *tls);
  peer->set_tls(std::move(info));
  peer->show_in(live_);
  co_await greet(to.plan, std::move(peer), reached);
  co_return reached;
}

/// Greeting, EHLO, STARTTLS and login.
Task<void> Connector::greet(const queue::Plan& plan, std::unique_ptr<Peer> peer, Reached& reached) {
  Peer& running = *peer;
  std::optional<Knock> knock;
  if (!plan.patient) knock.emplace(knocking_, running);
  if (co_await running.run() == Peer::Event::ready) {
    knock.reset();
    note_session(plan, running, reached);
    reached.peer = std::move(peer);
    co_return;
  }
  reached.cause = cause_of(running);
  reached.failure = running.told(running.session().failure());
  note_session(plan, running, reached);
  soften(reached.failure);
  mail::Reply& own = reached.failure.own;
  if ((reached.cause == Cause::tls_failed || reached.cause == Cause::tls_silent) && own.code != 0) {
    own.code = 454;                                       // as RFC 3207 section 4 calls it
    if (!own.cause.empty()) own.text += ": " + own.cause; // what is wrong with a certificate, for who reads the queue
  }
  if (reached.failure.peer.code == 421) reached.turned_away.emplace_back(running.identity().address, reached.failure);
}

} // namespace paquebot::delivery
