// SPF of a domain: may the addresses that its mail comes from send it?

#include "base/text.h"
#include "doctor/checks.h"
#include "doctor/records.h"
#include "mailauth/spf.h"

#include <algorithm>
#include <fmt/format.h>
#include <set>
#include <utility>

namespace paquebot::doctor {
namespace {

constexpr std::string_view kSpfWord = "v=spf1";

constexpr unsigned kMostLookups = 10; ///< RFC 7208 section 4.6.4
constexpr unsigned kNearLookups = 8;
constexpr std::size_t kMostIncludes = 24;

Record changed_record(const std::string& domain, const std::string& text) {
  return text_record(domain, text, "SPF: who sends mail of " + domain);
}

bool costs(mailauth::SpfMechanism mechanism) {
  using enum mailauth::SpfMechanism;
  return mechanism == include || mechanism == a || mechanism == mx || mechanism == ptr || mechanism == exists;
}

/// What a record and those that it leads to cost whoever evaluates it to its end. Names with macros are counted, not
/// followed.
struct Cost {
  unsigned lookups = 0;
  bool whole = true;     ///< else some of it could not be seen
  std::string missing{}; ///< an include that has no record: an error for all (section 5.2)
  std::string anybody{}; ///< a term that lets everybody pass
  bool has_all = false;  ///< the record itself, or one it hands on to, ends with "all"
};

struct Pending {
  std::string domain;
  mailauth::SpfRecord record;
  bool decides; ///< its "all" counts: the domain's own record or by redirect
};

Task<std::optional<mailauth::SpfRecord>> read_spf(Patient& patient, std::string domain, bool& silent) {
  Asker& zone = patient.zone;
  const auto texts = co_await zone.texts(std::move(domain), kSpfWord);
  silent = texts.answer->status == dns::Status::servfail;
  for (const std::string& text : texts.found) {
    if (!mailauth::is_spf_record(text)) continue;
    auto parsed = mailauth::parse_spf_record(text);
    if (parsed) co_return std::move(*parsed);
  }
  co_return std::nullopt;
}

void note_terms(const Pending& one, Cost& cost, std::vector<std::pair<std::string, bool>>& follow) {
  for (const mailauth::SpfDirective& directive : one.record.directives) {
    if (costs(directive.mechanism)) ++cost.lookups;
    const bool all = directive.mechanism == mailauth::SpfMechanism::all;
    if (all && directive.qualifier == mailauth::SpfResult::pass) cost.anybody = directive.text + " in " + one.domain;
    if (all && one.decides) cost.has_all = true;
    if (directive.mechanism == mailauth::SpfMechanism::include) follow.emplace_back(directive.domain_spec, false);
  }
  if (one.record.redirect) {
    ++cost.lookups;
    follow.emplace_back(*one.record.redirect, one.decides);
  }
}

Task<Cost> cost_of(Patient& patient, mailauth::SpfRecord record) {
  Cost cost;
  std::set<std::string> seen{patient.domain};
  std::vector<Pending> open;
  open.push_back({patient.domain, std::move(record), true});
  while (!open.empty()) {
    const Pending one = std::move(open.back());
    open.pop_back();
    std::vector<std::pair<std::string, bool>> follow;
    note_terms(one, cost, follow);
    for (const auto& [spec, decides] : follow) {
      std::string name = to_lower(spec);
      if (name.find('%') != std::string::npos || seen.size() >= kMostIncludes) {
        cost.whole = false;
        continue;
      }
      if (!seen.insert(name).second) continue;
      bool silent = false;
      std::string asked = name;
      auto found = co_await read_spf(patient, std::move(asked), silent);
      if (silent)
        cost.whole = false;
      else if (!found)
        cost.missing = name;
      if (found) open.push_back({name, std::move(*found), decides});
    }
  }
  co_return cost;
}

void judge_cost(const Cost& cost, const std::string& domain, std::vector<Finding>& findings) {
  if (cost.lookups > kMostLookups)
    findings.push_back(
        {.level = Level::wrong,
         .about = domain + " look-ups",
         .seen = fmt::format("The SPF record of {} needs {} look-ups; 10 are the most.", domain, cost.lookups),
         .means = "Who counts them takes the record for broken: SPF fails.",
         .advice = "Take away includes that are not needed, or name networks (ip4:, ip6:)."});
  else if (cost.lookups >= kNearLookups)
    findings.push_back(
        {.level = Level::note,
         .about = domain + " look-ups",
         .seen = fmt::format("The SPF record of {} needs {} of at most 10 look-ups.", domain, cost.lookups)});
  if (!cost.missing.empty())
    findings.push_back(
        {.level = Level::wrong,
         .about = domain + " includes",
         .seen = "The SPF record of " + domain + " hands on to " + printable(cost.missing, 260) + ", which has none.",
         .means = "That breaks the record: SPF fails.",
         .advice = "Take that term away."});
  if (!cost.anybody.empty())
    findings.push_back(
        {.level = Level::wrong,
         .about = domain + " all",
         .seen = "The SPF record of " + domain + " lets anybody send (" + printable(cost.anybody, 260) + ").",
         .means = "It protects nobody, and some take it for that of a spammer.",
         .advice = "End it with -all or ~all."});
  else if (!cost.has_all && cost.whole)
    findings.push_back({.level = Level::note,
                        .about = domain + " all",
                        .seen = "The SPF record of " + domain + " does not say what is with all others.",
                        .advice = "End it with -all or ~all."});
}

/// What the record says of one address that mail of the domain comes from.
Task<Finding> judge_sender(Patient& patient, std::string address, std::string what) {
  Finding finding{.about = patient.domain + " from " + address};
  const auto ip = mailauth::parse_ip(address);
  mailauth::SpfQuestion question;
  question.ip = *ip;
  question.helo = patient.world.machine.hostname;
  question.domain = patient.domain;
  question.receiver = patient.world.machine.hostname;
  mailauth::SpfLimits limits;
  dns::Resolver& zone = patient.zone;
  const mailauth::SpfOutcome outcome = co_await mailauth::check_spf(question, zone, patient.world.clock, limits);
  const std::string result(mailauth::to_string(outcome.result));
  if (outcome.result == mailauth::SpfResult::pass) {
    finding.level = Level::good;
    finding.seen = "SPF of " + patient.domain + " lets " + what + " send.";
  } else if (outcome.result == mailauth::SpfResult::temperror) {
    finding.seen = "SPF of " + patient.domain + " can't be evaluated now: " + printable(outcome.reason, 300) + ".";
  } else {
    finding.level = Level::wrong;
    finding.seen = "SPF of " + patient.domain + " does not let " + what + " send: " + result +
                   (outcome.reason.empty() ? "" : " (" + printable(outcome.reason, 300) + ")") + ".";
    finding.means = "Others distrust or refuse mail of the domain that comes from there.";
  }
  co_return finding;
}

Task<std::vector<Finding>> judge_smarthost(Patient& patient, std::string host) {
  std::vector<Finding> findings;
  std::string name = host;
  const Addresses found = co_await addresses_of(patient, std::move(name));
  if (found.list.empty()) {
    findings.push_back(unseen("Whether " + printable(host, 260) + " may send mail of " + patient.domain +
                              " can't be told: it has no address."));
    co_return findings;
  }
  std::string first = found.list.front(), what = "the server that all mail goes through";
  Finding one = co_await judge_sender(patient, std::move(first), std::move(what));
  if (one.level == Level::wrong) {
    one.level = Level::warning; // providers often send from other addresses
    one.advice = "Ask the provider which include: belongs into the record.";
  }
  one.about = patient.domain + " by " + host;
  findings.push_back(std::move(one));
  co_return findings;
}

Finding no_spf(const std::string& domain) {
  return {.level = Level::wrong,
          .seen = domain + " has no SPF record.",
          .means = "Large providers refuse or distrust its mail.",
          .advice = "Add this to the zone:",
          .records = {spf_record(domain)}};
}

/// For reports, which have no sender but the name in EHLO.
Task<std::vector<Finding>> check_host_spf(Patient& patient) {
  std::vector<Finding> findings;
  const std::string& host = patient.world.machine.hostname;
  const auto wanted = host_spf_record(patient.domain, host);
  if (!wanted) co_return findings;
  Asker& zone = patient.zone;
  std::string name = host;
  const auto texts = co_await zone.texts(std::move(name), kSpfWord);
  if (texts.answer->status != dns::Status::servfail && texts.found.empty())
    findings.push_back({.level = Level::note,
                        .about = host,
                        .seen = host + " has no SPF record.",
                        .means = "Reports, which have no sender but this name, are not vouched for.",
                        .advice = "Add this to the zone:",
                        .records = {*wanted}});
  co_return findings;
}

/// "v=spf1 mx -all" with one more address in front of its end.
std::string with_address(const std::string& text, const std::string& address) {
  const std::string term = (mailauth::parse_ip(address)->v4 ? " ip4:" : " ip6:") + address;
  const auto end = text.rfind(' ');
  if (end == std::string::npos || text.find("all", end) == std::string::npos) return text + term;
  return text.substr(0, end) + term + text.substr(end);
}

} // namespace

Task<std::vector<Finding>> check_spf(Patient& patient) {
  std::vector<Finding> findings;
  Asker& zone = patient.zone;
  std::string name = patient.domain;
  auto texts = co_await zone.texts(std::move(name), kSpfWord);
  std::erase_if(texts.found, [](const std::string& text) { return !mailauth::is_spf_record(text); });
  if (texts.answer->status == dns::Status::servfail) {
    findings.push_back(unseen(no_answer(patient.domain, *texts.answer) + " (SPF)."));
    co_return findings;
  }
  if (texts.found.empty()) {
    findings.push_back(no_spf(patient.domain));
    co_return findings;
  }
  if (texts.found.size() > 1) {
    findings.push_back({.level = Level::wrong,
                        .seen = patient.domain + " has " + std::to_string(texts.found.size()) + " SPF records.",
                        .means = "More than one are as good as none: SPF fails.",
                        .advice = "Make one of them."});
    co_return findings;
  }
  const std::string& text = texts.found.front();
  auto parsed = mailauth::parse_spf_record(text);
  if (!parsed) {
    findings.push_back({.level = Level::wrong,
                        .seen = "The SPF record of " + patient.domain +
                                " can't be read: " + printable(parsed.error().message, 200) + ".",
                        .means = "SPF fails.",
                        .advice = "Correct it, or take this:",
                        .records = {spf_record(patient.domain)}});
    co_return findings;
  }
  mailauth::SpfRecord record = std::move(*parsed);
  const Cost cost = co_await cost_of(patient, std::move(record));
  judge_cost(cost, patient.domain, findings);
  if (patient.world.machine.smarthost) {
    std::string host = patient.world.machine.smarthost->host;
    auto more = co_await judge_smarthost(patient, std::move(host));
    append(findings, std::move(more));
    co_return findings;
  }
  std::string why;
  const auto own = co_await outside_addresses(patient, why);
  if (own.empty()) findings.push_back(unseen("Whether our addresses may send can't be told: " + why + "."));
  for (const std::string& address : own) {
    if (!mailauth::parse_ip(address)) continue;
    std::string from = address, what = address;
    Finding one = co_await judge_sender(patient, std::move(from), std::move(what));
    if (one.level == Level::wrong) {
      one.advice = "Add it to the record:";
      one.records = {changed_record(patient.domain, with_address(text, address))};
    }
    findings.push_back(std::move(one));
  }
  Task<std::vector<Finding>> about_host = check_host_spf(patient);
  auto more = co_await std::move(about_host);
  append(findings, std::move(more));
  co_return findings;
}

} // namespace paquebot::doctor
