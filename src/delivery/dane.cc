#include "delivery/dane.h"

#include <algorithm>
#include <utility>

namespace paquebot::delivery {
namespace {

using Kind = DaneFinding::Kind;

bool gives_addresses(const dns::Answer& answer) { return answer.status == dns::Status::ok && !answer.records.empty(); }

void add_name(std::vector<std::string>& names, const std::string& name) {
  if (!name.empty() && std::ranges::find(names, name) == names.end()) names.push_back(name);
}

DaneFinding unknown(const std::string& name, const dns::Answer& answer) {
  return {.kind = Kind::unknown,
          .why = name + ": " + (answer.why.empty() ? "no answer" : answer.why),
          .own_fault = answer.own_fault,
          .bogus = answer.bogus};
}

/// Of records that DNSSEC vouches for.
DaneFinding sort_records(const dns::Answer& answer) {
  DaneFinding found{.kind = Kind::unusable};
  for (const dns::Record& record : answer.records)
    if (net::tlsa_is_usable(record.text)) add_name(found.dane.records, record.text);
  if (!found.dane.records.empty()) found.kind = Kind::records;
  return found;
}

} // namespace

DaneBases dane_bases(const std::string& host, const HostAnswers::Both& both) {
  bool secure = false;
  std::string canonical;
  for (const auto& answer : {both.four, both.six}) {
    if (!gives_addresses(*answer)) continue;
    secure = secure || answer->secure; // one family is enough
    if (canonical.empty() || answer->secure) canonical = answer->canonical;
  }
  DaneBases bases;
  if (secure) add_name(bases.names, canonical);
  if (secure) add_name(bases.names, host);
  bases.alias = !secure && !canonical.empty();
  return bases;
}

std::vector<std::string> dane_names(const std::string& base, const queue::NextHop& next_hop) {
  std::vector<std::string> names{base};
  if (next_hop.through_mx && !next_hop.secure) return names;
  add_name(names, next_hop.name);
  if (next_hop.through_mx) add_name(names, next_hop.expanded);
  return names;
}

Task<DaneFinding> find_dane(HostAnswers& answers, std::string host, std::uint16_t port,
                            const queue::NextHop& next_hop) {
  const HostAnswers::Both both = co_await answers.look_up(host);
  DaneBases bases = dane_bases(host, both);
  if (bases.alias) {
    const auto alias = co_await answers.ask(host, dns::Type::cname);
    if (alias->status == dns::Status::servfail) co_return unknown(host, *alias);
    if (alias->secure) bases.names.push_back(host);
  }
  if (bases.names.empty()) co_return DaneFinding{.why = "its addresses are not signed"};
  for (const std::string& base : bases.names) {
    std::string name = "_" + std::to_string(port) + "._tcp." + base;
    const auto answer = co_await answers.ask(name, dns::Type::tlsa);
    if (answer->status == dns::Status::servfail) co_return unknown(name, *answer);
    if (answer->status != dns::Status::ok || !answer->secure) continue;
    DaneFinding found = sort_records(*answer);
    found.dane.names = dane_names(base, next_hop);
    co_return found;
  }
  co_return DaneFinding{.why = "it has no signed TLSA records"};
}

void settle_need(queue::Candidate& candidate, const DaneFinding& found, const queue::NextHop& next_hop) {
  if (found.kind == Kind::records) {
    candidate.need.hop = found.dane;
    candidate.asked_by = next_hop.secure ? "DANE" : "DANE, unsigned MX";
    return;
  }
  candidate.tlsa_unusable = found.kind == Kind::unusable;
  if (candidate.tlsa_unusable && candidate.need.is_any()) {
    candidate.need.hop = queue::Need::Encrypted{};
    candidate.asked_by = "TLSA records, none of them usable";
  }
}

} // namespace paquebot::delivery
