// What reports on TLS are told of connections (RFC 8460).

#include "delivery/connector.h"

#include <utility>

namespace paquebot::delivery {
namespace {

/// "[192.0.2.1]:25" without the trimmings.
std::string bare_address(const std::string& key) {
  const std::size_t end = key.find(']');
  return key.starts_with('[') && end != std::string::npos ? key.substr(1, end - 1) : key;
}

TlsTry try_of(const queue::Plan& plan, const Peer& peer) {
  const PeerIdentity& identity = peer.identity();
  const Peer::Served& served = peer.served;
  TlsTry one{.need = served.need, .sts = plan.sts};
  one.tlsa_unusable = served.tlsa_unusable;
  one.named = !served.sts_testing || served.sts_named;
  one.encrypted = !peer.tls().version.empty();
  one.authentic = peer.tls().authentic;
  one.flaw = peer.flaw();
  one.mx = identity.host;
  one.sending_ip = peer.local_address();
  one.receiving_ip = bare_address(identity.address);
  one.reason = peer.tls().flaw;
  return one;
}

} // namespace

/// Once for each connection; not again when it is tried in clear.
void Connector::note_session(const queue::Plan& plan, const Peer& peer, const Reached& reached) {
  if (book_ == nullptr || !book_->on() || !plan.counted || !plan.next_hop || !peer.identity().in_clear.empty()) return;
  TlsTry one = try_of(plan, peer);
  using queue::Cause;
  one.missing = !one.encrypted && (reached.cause == Cause::none || reached.cause == Cause::tls_missing);
  one.broke = !one.encrypted && (reached.cause == Cause::tls_failed || reached.cause == Cause::tls_silent);
  if (one.broke) one.reason = reached.failure.own.cause.empty() ? reached.failure.own.text : reached.failure.own.cause;
  if (const auto told = sessions_of(one)) book_->count(plan.next_hop->name, *told);
}

void Connector::note_reuse(const queue::Plan& plan, const Peer& peer) {
  if (book_ == nullptr || !book_->on() || !plan.counted || !plan.next_hop || peer.tls().version.empty()) return;
  if (const auto told = sessions_of(try_of(plan, peer))) book_->count(plan.next_hop->name, *told);
}

void Connector::note_policy(const queue::Plan& plan, const StsFinding& found) {
  using mailauth::TlsResult;
  if (found.trouble == StsTrouble::none || !plan.next_hop) return;
  mailauth::TlsSessions told{.policy = {.type = mailauth::TlsPolicyType::sts}, .reason = found.why};
  if (found.policy) told.policy = told_policy(*found.policy);
  told.result = found.trouble == StsTrouble::invalid  ? TlsResult::sts_policy_invalid
                : found.trouble == StsTrouble::webpki ? TlsResult::sts_webpki_invalid
                                                      : TlsResult::sts_policy_fetch_error;
  const std::string nobody;
  note_trouble(plan, nobody, told);
}

/// Something failed before there was a session.
void Connector::note_trouble(const queue::Plan& plan, const std::string& host, const mailauth::TlsSessions& sessions) {
  if (book_ == nullptr || !plan.counted || !plan.next_hop) return;
  mailauth::TlsSessions told = sessions;
  told.mx = host.empty() ? "mta-sts." + plan.next_hop->name : host;
  told.count = 1;
  book_->count(plan.next_hop->name, told);
}

} // namespace paquebot::delivery
