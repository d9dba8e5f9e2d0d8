#include "service/door.h"

#include "base/clock.h"
#include "base/log.h"
#include "metrics/counters.h"
#include "service/proxied.h"

#include <algorithm>

namespace paquebot::service {
namespace {

constexpr std::string_view kBusy = "421 4.7.0 too many connections, please try again later\r\n";
constexpr std::string_view kBusyPop3 = "-ERR [SYS/TEMP] too many connections, please try again later\r\n";
constexpr std::string_view kBusyImap = "* BYE [UNAVAILABLE] too many connections, please try again later\r\n";
constexpr std::string_view kBusyHttp =
    "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 30\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
constexpr std::string_view kStranger = "554 5.7.1 this server does not speak with you\r\n"; // RFC 5321 section 3.1
constexpr std::string_view kStrangerPop3 = "-ERR [SYS/PERM] this server does not speak with you\r\n";
constexpr std::string_view kStrangerImap = "* BYE [NOPERM] this server does not speak with you\r\n";
constexpr std::string_view kStrangerHttp = "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
/// Of all connections, those that HTTP may have.
constexpr unsigned kWebShare = 4;

bool implicit_tls(const ListenerSnapshot& listener) {
  return (listener.smtp && listener.smtp->implicit_tls) || (listener.pop3 && listener.pop3->implicit_tls) ||
         (listener.imap && listener.imap->implicit_tls) || (listener.http && listener.http->tls);
}

/// A local socket has neither address nor port; who may open it is for its mode to say.
bool is_local(const net::Endpoint& peer) { return peer.address.empty() || peer.is_local(); }

metrics::Role counted_role(ListenerRole role) {
  switch (role) {
    case ListenerRole::mx: return metrics::Role::mx;
    case ListenerRole::submission: return metrics::Role::submission;
    case ListenerRole::lmtp: return metrics::Role::lmtp;
    case ListenerRole::pop3: return metrics::Role::pop3;
    case ListenerRole::imap: return metrics::Role::imap;
    case ListenerRole::http: return metrics::Role::http;
    case ListenerRole::control: return metrics::Role::control;
  }
  return metrics::Role::control;
}

/// LMTP is for front servers of ours.
bool is_for_users(ListenerRole role) { return role != ListenerRole::mx && role != ListenerRole::http; }

} // namespace

/// From a proxy of ours: reads whose connection it really is. False: nothing more is to be done with it.
Task<bool> Door::unwrap(const ListenerSnapshot& listener, net::Stream& stream, net::Endpoint& peer, GateLimits limits) {
  limits.per_address = limits.total; // all of them come from the one address
  std::string proxy = peer.address;
  const Guest guest = is_for_users(listener.role) ? Guest::known : Guest::stranger; // who it is is not known yet
  if (gate_.enter(proxy, limits, guest) != Gate::Verdict::welcome) {
    log::warning("too-many-connections", {{"client", proxy}, {"scope", "total"}});
    co_return false;
  }
  auto told = co_await read_proxy_header(stream);
  gate_.leave(proxy);
  if (!told) {
    log::warning("proxy-refused", {{"proxy", proxy}, {"listener", listener.address}, {"why", told.error().message}});
    co_return false;
  }
  peer = stream.remote();
  log::debug("proxied", {{"proxy", proxy}, {"client", peer.to_string()}});
  co_return true;
}

/// What room there is for this peer. Who logged in lately is looked for where it matters only.
Guest Door::guest_of(const ListenerSnapshot& listener, const net::Endpoint& peer, const GateLimits& limits) {
  if (is_local(peer)) return Guest::known;
  if (!is_for_users(listener.role)) return Guest::stranger;
  return gate_.in_reserve(limits) && logins_.is_used(peer.address) ? Guest::known : Guest::user;
}

Task<bool> Door::admit(const ListenerSnapshot& listener, net::Stream& stream, net::Endpoint& peer, GateLimits limits) {
  if (listener.proxy_from.contains(peer.address)) {
    const bool unwrapped = co_await unwrap(listener, stream, peer, limits);
    if (!unwrapped) co_return false;
  }
  if (!listener.accept_from.empty() && !is_local(peer) && !listener.accept_from.contains(peer.address)) {
    metrics::turned_away.add(counted_role(listener.role), metrics::TurnedAway::stranger);
    log::warning("stranger", {{"client", peer.address}, {"listener", listener.address}});
    note(listener, stream, peer, "that network may not connect here (accept_from)");
    co_await turn_away(listener, stream, Refusal::stranger);
    co_return false;
  }
  if (is_local(peer)) limits.per_address = limits.total;
  const Gate::Verdict verdict = enter(listener, peer, limits);
  const metrics::Role role = counted_role(listener.role);
  if (verdict == Gate::Verdict::welcome) {
    metrics::connections.add(role);
    co_return true;
  }
  metrics::turned_away.add(role,
                           verdict == Gate::Verdict::full ? metrics::TurnedAway::full : metrics::TurnedAway::address);
  log::warning("too-many-connections",
               {{"client", peer.address}, {"scope", verdict == Gate::Verdict::full ? "total" : "address"}});
  note(listener, stream, peer,
       verdict == Gate::Verdict::full ? "the server had no room for more connections"
                                      : "that address had too many connections already");
  co_await turn_away(listener, stream, Refusal::busy);
  co_return false;
}

/// Of users' programs only: other servers come again by themselves.
void Door::note(const ListenerSnapshot& listener, const net::Stream& stream, const net::Endpoint& peer,
                const char* why) {
  if (attempts_ == nullptr || !is_for_users(listener.role) || is_local(peer)) return;
  policy::Attempt attempt{.what = policy::Attempt::What::turned_away};
  attempt.at = millis(system_clock().wall());
  attempt.client = peer.address;
  attempt.port = stream.local().port;
  attempt.protocol = listener.role == ListenerRole::pop3   ? "pop3"
                     : listener.role == ListenerRole::imap ? "imap"
                                                           : "smtp";
  attempt.why = why;
  attempts_->add(std::move(attempt));
}

Gate::Verdict Door::enter(const ListenerSnapshot& listener, const net::Endpoint& peer, const GateLimits& limits) {
  const bool web = listener.role == ListenerRole::http;
  if (web) {
    GateLimits share = limits;
    share.total = std::max(limits.total / kWebShare, 1u);
    if (const auto verdict = web_.enter(peer.address, share); verdict != Gate::Verdict::welcome) return verdict;
  }
  const Gate::Verdict verdict = gate_.enter(peer.address, limits, guest_of(listener, peer, limits));
  if (web && verdict != Gate::Verdict::welcome) web_.leave(peer.address);
  return verdict;
}

void Door::leave(const net::Endpoint& peer, ListenerRole role) {
  gate_.leave(peer.address);
  if (role == ListenerRole::http) web_.leave(peer.address);
}

Task<void> Door::turn_away(const ListenerSnapshot& listener, net::Stream& stream, Refusal why) {
  if (implicit_tls(listener)) co_return;
  stream.set_deadline(system_clock().now() + std::chrono::seconds(5));
  const bool busy = why == Refusal::busy;
  std::string_view said = busy ? kBusy : kStranger;
  if (listener.role == ListenerRole::pop3) said = busy ? kBusyPop3 : kStrangerPop3;
  if (listener.role == ListenerRole::imap) said = busy ? kBusyImap : kStrangerImap;
  if (listener.role == ListenerRole::http) said = busy ? kBusyHttp : kStrangerHttp;
  co_await stream.write(said);
}

} // namespace paquebot::service
