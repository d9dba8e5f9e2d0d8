#include "delivery/parked.h"

#include <algorithm>

namespace paquebot::delivery {
namespace {

/// What its host is asked for; null: the connection does not do for that.
const queue::Candidate* serves(const queue::Plan& plan, const Needs& needs, const Peer& peer) {
  const PeerIdentity& identity = peer.identity();
  const auto host = std::ranges::find_if(plan.candidates, [&](const queue::Candidate& candidate) {
    return candidate.host == identity.host && candidate.port == identity.port;
  });
  const auto need = needs.find(identity.host);
  if (host == plan.candidates.end() || need == needs.end()) return nullptr;
  return satisfies(peer.proof(), need->second.need) ? &need->second : nullptr;
}

} // namespace

std::unique_ptr<Peer> Parked::take(const queue::Plan& plan, const Needs& needs) {
  const Terms terms = terms_of(plan);
  for (auto entry = order_.rbegin(); entry != order_.rend(); ++entry) {
    if (entry->place != plan.place || entry->peer->identity().terms != terms) continue;
    const queue::Candidate* wanted = serves(plan, needs, *entry->peer);
    if (wanted == nullptr) continue;
    auto peer = std::move(entry->peer);
    peer->served = {wanted->need, wanted->asked_by, wanted->sts_testing, wanted->sts_named, wanted->tlsa_unusable};
    order_.erase(std::next(entry).base());
    return peer;
  }
  return nullptr;
}

std::vector<std::string> Parked::hosts_at(const std::string& place) const {
  std::vector<std::string> hosts;
  for (const Entry& entry : order_) {
    const std::string& host = entry.peer->identity().host;
    if (entry.place == place && std::ranges::find(hosts, host) == hosts.end()) hosts.push_back(host);
  }
  return hosts;
}

std::unique_ptr<Peer> Parked::oldest() {
  auto peer = std::move(order_.front().peer);
  order_.pop_front();
  return peer;
}

std::unique_ptr<Peer> Parked::keep(const std::string& place, std::unique_ptr<Peer> peer,
                                   std::chrono::steady_clock::time_point now) {
  order_.push_back({place, std::move(peer), now});
  return order_.size() > most_ ? oldest() : nullptr;
}

std::unique_ptr<Peer> Parked::expired(std::chrono::steady_clock::time_point since) {
  return !order_.empty() && order_.front().since <= since ? oldest() : nullptr;
}

} // namespace paquebot::delivery
