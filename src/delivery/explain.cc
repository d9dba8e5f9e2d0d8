#include "delivery/explain.h"

#include "delivery/dane.h"
#include "delivery/protection.h"

#include <utility>

namespace paquebot::delivery {
namespace {

std::string words_of(const DaneFinding& found) {
  switch (found.kind) {
    case DaneFinding::Kind::none: return "none: " + found.why;
    case DaneFinding::Kind::unusable: return "records that nobody can use";
    case DaneFinding::Kind::unknown: return "unknown: " + found.why;
    case DaneFinding::Kind::records: break;
  }
  return std::to_string(found.dane.records.size()) + " usable, of " + found.dane.names.front();
}

} // namespace

Task<Explained> explain(Connector& connector, const queue::RouteTable& routes, std::string domain, bool refresh) {
  Explained told{.domain = domain};
  if (const queue::Route* route = routes.find(domain)) {
    told.route = route->name;
    co_return told;
  }
  StsBook* book = connector.policies();
  if (book != nullptr && refresh) co_await book->refresh(domain);
  std::string name = domain;
  queue::Plan plan = co_await connector.plan_for(std::move(name), routes, mail::TlsWish::unspecified);
  plan.counted = false;
  if (book != nullptr) told.policy = co_await book->ask(domain);
  told.signed_mx = plan.next_hop && plan.next_hop->secure;
  told.failure = plan.candidates.empty() ? plan.failure.to_string() : "";
  const HostBook nobody;
  const Tried nothing;
  Doors doors;
  for (const queue::Candidate& candidate : plan.candidates) {
    if (told.hosts.size() >= kMostExplained) break;
    ExplainedHost host{.host = candidate.host, .preference = candidate.preference, .named = candidate.sts_named};
    queue::Candidate settled = candidate;
    if (plan.dane && plan.next_hop) {
      const DaneFinding found = co_await connector.dane_of(plan, candidate);
      settle_need(settled, found, *plan.next_hop);
      host.dane = words_of(found);
    }
    host.asked_by = settled.asked_by;
    queue::Plan only = plan;
    only.candidates = {candidate};
    const queue::Plan& one = only;
    AtDoors at{doors, 1, {}};
    Reached reached = co_await connector.open(one, nothing, nobody, std::move(at));
    host.tried = true;
    host.works = reached.peer != nullptr;
    host.told = reached.peer ? reached.peer->protection_words() : reached.failure.to_string();
    if (reached.peer) co_await say_goodbye(std::move(reached.peer));
    told.hosts.push_back(std::move(host));
  }
  co_return told;
}

} // namespace paquebot::delivery
