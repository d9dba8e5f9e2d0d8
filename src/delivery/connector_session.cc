// One connection to one address, from the socket to where it is ready for mail.

#include "base/clock.h"
#include "delivery/connector.h"
#include "delivery/connector_words.h"

#include <boost/asio/post.hpp>
#include <optional>

namespace paquebot::delivery {
namespace {

/// A host that refuses in its greeting may be meant only for us or only for now: temporary, but for the codes that say
/// that it never takes mail (RFC 7504).
void soften(mail::Told& failure) {
  if (failure.peer.code == 521 || failure.peer.code == 556 || !failure.permanent()) return;
  failure.own = mail::Reply(451, {4, 4, 2}, "the server refused the session");
}

} // namespace

void Connector::forget_roots() {
  boost::asio::post(executor_, [this] { verifying_.clear(); });
}

/// For a message with REQUIRETLS: what a host can't give now it is taken never to give (RFC 8689 section 4.2.1); one that can't be
/// reached may work later.
Task<Reached> Connector::try_required(const queue::Plan& plan, const queue::Candidate& candidate, std::string address) {
  Reached reached = co_await try_session(plan, candidate, address, true);
  if (reached.peer && !reached.peer->session().features().requiretls) {
    Peer& peer = *reached.peer;
    mail::Reply lacking(550, {5, 7, 30}, "REQUIRETLS support required: the server does not offer it");
    reached.failure = peer.told(std::move(lacking));
    peer.session().quit();
    while (co_await peer.run() != Peer::Event::closed) {
    }
    reached.peer.reset();
  } else if (reached.tls_lacking) {
    const std::string why = reached.failure.own.code != 0 ? ": " + reached.failure.own.text : std::string();
    reached.failure.own = mail::Reply(550, {5, 7, 10}, "encryption needed (REQUIRETLS)" + why);
  }
  co_return reached;
}

Result<std::shared_ptr<net::TlsContext>> Connector::tls_for(const queue::Plan& plan) {
  if (!plan.verify) {
    if (!opportunistic_) return fail(Errc::unsupported, "TLS can't be set up");
    return opportunistic_;
  }
  std::string ca = plan.route ? plan.route->ca_pem : std::string();
  auto known = verifying_.find(ca);
  if (known != verifying_.end()) return known->second;
  auto made = net::TlsContext::client(true, ca);
  if (made) verifying_[ca] = *made;
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

Task<Reached> Connector::try_session(const queue::Plan& plan, const queue::Candidate& candidate, std::string address,
                                     bool allow_tls) {
  Reached reached;
  net::Endpoint to{address, candidate.port};
  const std::string key = key_of(address, candidate.port);
  const std::string name = (candidate.host == address ? "" : candidate.host + " ") + key;
  auto deadline = system_clock().now() + options_.connect_timeout;
  std::string from = address.find(':') == std::string::npos ? options_.source_ipv4 : options_.source_ipv6;
  Result<net::Stream> stream = fail(Errc::closed, "");
  if (to.is_local())
    stream = co_await net::connect_local(executor_, wheel_, address, deadline);
  else
    stream = co_await net::connect_tcp(executor_, wheel_, to, from, deadline);
  if (!stream) {
    reached.failure = own_word(mail::Reply(451, {4, 4, 1}, "no connection: " + stream.error().message), name);
    reached.silent = stream.error().code == Errc::timeout;
    reached.own_fault = stream.error().code == Errc::temporary; // no files or memory for it
    co_return reached;
  }
  auto tls = tls_for(plan);
  if (!tls) {
    reached.failure = own_word(mail::Reply(451, {4, 7, 5}, tls.error().message), name);
    reached.own_fault = tls.error().code == Errc::io;
    co_return reached;
  }
  smtp::ClientOptions options = options_.client;
  options.ehlo_name = options_.hostname;
  options.lmtp = plan.lmtp;
  options.tls_wanted = allow_tls && plan.tls != queue::RouteTls::none;
  options.tls_required = plan.tls == queue::RouteTls::required;
  if (plan.route) {
    options.user = plan.route->user;
    options.password = plan.route->password;
    options.auth_in_clear = plan.tls == queue::RouteTls::none;
  }
  bool implicit = plan.tls == queue::RouteTls::implicit;
  net::TlsInfo info;
  if (implicit) {
    net::TlsContext& context = **tls;
    net::Stream& raw = *stream;
    std::string server_name = candidate.host;
    raw.set_deadline(deadline);
    auto done = co_await raw.start_tls_client(context, server_name);
    if (!done) {
      reached.silent = done.error().code == Errc::timeout;
      reached.tls_lacking = !reached.silent;
      reached.failure = own_word(mail::Reply(451, {4, 7, 5}, "no TLS: " + done.error().message), name);
      co_return reached;
    }
    info = *done;
  }
  PeerIdentity identity{name,           candidate.host, key,
                        candidate.port, terms_of(plan), Doors::door_of(address, candidate.port)};
  auto peer = std::make_unique<Peer>(std::move(*stream), options, implicit, std::move(identity), *tls);
  peer->set_tls(info);
  Peer& running = *peer;
  std::optional<Knock> knock;
  if (!plan.patient) knock.emplace(knocking_, running);
  Peer::Event event = co_await running.run();
  if (event == Peer::Event::ready) {
    reached.peer = std::move(peer);
    co_return reached;
  }
  reached.failure = running.told(running.session().failure());
  soften(reached.failure);
  smtp::Breakage breakage = running.session().breakage();
  reached.silent = running.timed_out();
  const bool lacking = breakage == smtp::Breakage::tls_failed || breakage == smtp::Breakage::tls_unavailable;
  reached.tls_lacking = lacking && !running.timed_out();
  if (breakage == smtp::Breakage::tls_failed && !running.cut_short()) {
    mail::Reply& own = reached.failure.own;
    own.code = 454;
    if (!own.cause.empty()) own.text += ": " + own.cause; // what is wrong with a certificate, for who reads the queue
  }
  if (reached.failure.peer.code == 421) reached.turned_away.emplace_back(key, reached.failure);
  co_return reached;
}

} // namespace paquebot::delivery
