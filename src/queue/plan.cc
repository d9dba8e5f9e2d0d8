#include "queue/plan.h"

#include "base/text.h"
#include "dns/resolver.h"
#include "mail/address.h"

#include <algorithm>

namespace paquebot::queue {
namespace {

Plan refused(std::uint16_t code, mail::EnhancedCode enhanced, std::string text, Cause cause = Cause::none) {
  Plan plan;
  plan.cause = cause;
  plan.failure = mail::Reply(code, enhanced, std::move(text));
  return plan;
}

/// "[192.0.2.1]" and "[IPv6:2001:db8::1]" without the trimmings.
std::string literal_address(std::string_view literal) {
  std::string_view inside = literal.substr(1, literal.size() - 2);
  if (istarts_with(inside, "ipv6:")) inside.remove_prefix(5);
  return std::string(inside);
}

/// Sorts by preference; hosts of equal preference are rotated by `random`, e.g. {10 a, 10 b, 20 c} becomes b, a, c.
std::vector<dns::Record> ordered(std::vector<dns::Record> records, std::uint32_t random) {
  std::ranges::sort(records, [](const auto& a, const auto& b) {
    return a.preference != b.preference ? a.preference < b.preference : a.text < b.text;
  });
  for (auto group = records.begin(); group != records.end();) {
    auto end = std::find_if(group, records.end(), [&](const auto& r) { return r.preference != group->preference; });
    std::rotate(group, group + static_cast<std::ptrdiff_t>(random % static_cast<std::uint32_t>(end - group)), end);
    group = end;
  }
  return records;
}

/// RFC 5321 section 5.1: an MX names a host. Whatever else a domain writes there is passed over: an address
/// ("127.0.0.1"; RFC 3696 section 2: no top level is of digits alone), a path that would be taken for a local socket,
/// and what would make the place of this domain that of another.
bool is_host_name(const dns::Record& record) {
  const std::string_view name = record.text;
  const std::string_view last = name.substr(name.rfind('.') + 1); // all of it without a dot
  return is_ascii(name) && mail::normalize_domain(name) &&
         last.find_first_not_of("0123456789") != std::string_view::npos;
}

std::string place_of(const std::vector<dns::Record>& records) {
  std::vector<std::string> names;
  for (const auto& record : records)
    if (record.preference == records.front().preference) names.push_back(record.text);
  std::ranges::sort(names);
  std::string place = "mx";
  for (const auto& name : names) place += ":" + name;
  return place;
}

/// Of a domain's own hosts.
NextHop next_hop_of(const PlanInput& input, bool through_mx) {
  return {.name = input.domain, .expanded = input.mx->canonical, .secure = input.mx->secure, .through_mx = through_mx};
}

Plan by_mx(const PlanInput& input) {
  std::vector<dns::Record> records = ordered(input.mx->records, input.random);
  if (records.size() == 1 && records.front().text.empty())
    return refused(556, {5, 1, 10}, "the domain " + input.domain + " takes no mail (null MX)"); // RFC 7505 section 3
  auto we = std::ranges::find_if(records, [&](const auto& r) { return iequals(r.text, input.our_name); });
  if (we != records.end()) { // only hosts better than ourselves may be tried
    auto preference = we->preference;
    std::erase_if(records, [&](const auto& r) { return r.preference >= preference; });
    if (records.empty())
      return refused(554, {5, 4, 6},
                     "the best mail host of " + input.domain + " is this server, which does not have that domain");
  }
  std::erase_if(records, [](const auto& r) { return !is_host_name(r); });
  if (records.empty()) return refused(550, {5, 4, 4}, "the domain " + input.domain + " names no usable mail host");
  Plan plan;
  plan.place = place_of(records);
  for (const auto& record : records)
    if (plan.candidates.size() < kMaxCandidates)
      plan.candidates.push_back({.host = record.text, .port = input.port, .preference = record.preference});
  plan.more_hosts = records.size() > kMaxCandidates;
  plan.next_hop = next_hop_of(input, true);
  plan.dane = input.dane;
  return plan;
}

Plan unanswered(const PlanInput& input) {
  const std::string why = input.mx->why.empty() ? "" : ": " + input.mx->why;
  return refused(451, {4, 4, 3}, "the DNS gave no answer about " + input.domain + why,
                 input.mx->own_fault ? Cause::ours : Cause::none);
}

/// Who the mail would go to with REQUIRETLS must be beyond doubt (RFC 8689 section 4.2.1 item 2). Without an MX the
/// certificate has to name the domain itself.
bool unsure(const PlanInput& input) {
  const bool named = input.sts != nullptr && input.sts->mode == StsMode::enforce;
  return input.require_tls && input.mx->status == dns::Status::ok && !input.mx->secure && !named;
}

/// TLS from the route as far as it suffices, else STARTTLS; certificates are checked whatever the route says.
void require_tls(Plan& plan) {
  for (Candidate& candidate : plan.candidates) {
    if (candidate.tls == TlsStart::never) candidate.tls = TlsStart::offered;
    candidate.need.hop = Need::Pkix{candidate.host, plan.route != nullptr ? plan.route->ca_pem : std::string()};
    candidate.need.onward = true;
  }
}

TlsStart start_of(RouteTls tls) {
  switch (tls) {
    case RouteTls::none: return TlsStart::never;
    case RouteTls::opportunistic:
    case RouteTls::required: return TlsStart::offered;
    case RouteTls::implicit: return TlsStart::at_once;
  }
  return TlsStart::offered;
}

Need need_of(const Route& route) {
  if (route.tls == RouteTls::none || route.tls == RouteTls::opportunistic) return {};
  if (!route.verify) return {.hop = Need::Encrypted{}};
  return {.hop = Need::Pkix{route.host, route.ca_pem}};
}

/// RFC 8461 sections 4 and 5: who is not named gets nothing, or is told of.
Plan follow_policy(Plan plan, const PlanInput& input) {
  const StsPolicy& policy = *input.sts;
  if (policy.mode == StsMode::none) return plan;
  const bool enforced = policy.mode == StsMode::enforce;
  if (enforced) std::erase_if(plan.candidates, [&](const Candidate& c) { return !names_host(policy, c.host); });
  if (plan.candidates.empty())
    return refused(451, {4, 7, 5},
                   "not sent: the policy of " + input.domain + " (MTA-STS, enforce) names none of its mail hosts",
                   Cause::tls_failed);
  for (Candidate& candidate : plan.candidates) {
    candidate.sts_testing = !enforced;
    candidate.sts_named = names_host(policy, candidate.host);
    if (enforced) candidate.need.hop = Need::Pkix{candidate.host, ""};
    if (enforced) candidate.asked_by = "MTA-STS";
  }
  return plan;
}

Plan choose(const PlanInput& input) {
  if (input.route) {
    Plan plan;
    plan.route = input.route;
    plan.lmtp = input.route->lmtp;
    plan.place = "route:" + input.route->name;
    const Route& route = *input.route;
    plan.candidates.push_back(
        {.host = route.host, .port = route.port, .tls = start_of(route.tls), .need = need_of(route)});
    return plan;
  }
  if (input.domain.starts_with('[') && input.domain.size() > 2) {
    Plan plan;
    plan.place = "host:" + input.domain;
    plan.candidates.push_back({.host = literal_address(input.domain), .port = input.port});
    return plan;
  }
  switch (input.mx->status) {
    case dns::Status::ok:
      if (unsure(input))
        return refused(550, {5, 7, 30},
                       "REQUIRETLS can't be kept: the mail hosts of " + input.domain + " are not secured by DNSSEC",
                       Cause::unprotected);
      return by_mx(input);
    case dns::Status::nxdomain: return refused(550, {5, 1, 2}, "the domain " + input.domain + " does not exist");
    case dns::Status::servfail: return unanswered(input);
    case dns::Status::no_data: break;
  }
  Plan plan; // no MX: the domain's own addresses (RFC 5321 section 5.1, "implicit MX")
  plan.place = "mx:" + input.domain;
  plan.candidates.push_back({.host = input.domain, .port = input.port});
  plan.next_hop = next_hop_of(input, false);
  plan.dane = input.dane;
  return plan;
}

} // namespace

Plan plan(const PlanInput& input) {
  Plan plan = choose(input);
  if (input.sts != nullptr && plan.next_hop && !plan.candidates.empty()) plan = follow_policy(std::move(plan), input);
  if (input.require_tls && !plan.candidates.empty()) require_tls(plan);
  return plan;
}

} // namespace paquebot::queue
