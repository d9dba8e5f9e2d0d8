// The machine's place in the network: resolver, names and addresses, block lists.

#include "base/text.h"
#include "doctor/checks.h"
#include "mailauth/ip.h"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace paquebot::doctor {

Task<std::vector<Finding>> check_resolver(Patient& patient) {
  std::vector<Finding> findings;
  std::optional<dns::UpstreamState> state = patient.world.machine.resolver;
  if ((!state || state->stand == dns::Stand::unknown) && patient.world.look_at_resolver) {
    Task<dns::UpstreamState> look = patient.world.look_at_resolver();
    state = co_await std::move(look);
  }
  if (!state || state->stand == dns::Stand::unknown) {
    findings.push_back(
        unseen("Whether the resolver answers and validates is not known yet.", "Ask again while the server runs."));
    co_return findings;
  }
  const std::string names = [&] {
    std::vector<std::string> all;
    for (const dns::Seen& one : state->seen) all.push_back(one.server.to_string());
    return all.empty() ? std::string("the resolver") : joined(all, 3);
  }();
  switch (state->stand) {
    case dns::Stand::validating:
      findings.push_back({.level = Level::good, .seen = names + ": answers are validated (DNSSEC)."});
      break;
    case dns::Stand::off:
      findings.push_back({.level = Level::warning,
                          .seen = "DNSSEC is off by the configuration ([dns]).",
                          .means = "What the DNS says is taken as it comes; DANE can't protect what is sent."});
      break;
    case dns::Stand::without:
      findings.push_back({.level = Level::warning,
                          .seen = "Your resolver does not validate: " + printable(state->why, 300) + ".",
                          .means = "DANE is off, and what the DNS says may be forged.",
                          .advice =
                              "Run a resolver on this machine (apt install unbound) and name it: [dns] resolvers = "
                              "[\"127.0.0.1:53\"]."});
      break;
    default:
      findings.push_back({.level = Level::wrong,
                          .seen = "Answers of the DNS can't be validated: " + printable(state->why, 300) + ".",
                          .means = "They are not used: mail waits.",
                          .advice = "Look at the clock of this machine and at the resolver (docs/operations.md, \"The "
                                    "DNS\")."});
  }
  co_return findings;
}

namespace {

/// One address that the name leads to.
Finding judge_address(const Machine& machine, const std::string& address) {
  Finding finding{.about = address};
  const bool own = machine.is_own && machine.is_own(address);
  if (!is_public(address)) {
    finding.level = Level::wrong;
    finding.seen = machine.hostname + " leads to " + address + ", which nobody outside reaches.";
    finding.means = "No mail comes in from other servers.";
    finding.advice = "Let the name lead to the address that others see of this machine.";
  } else if (own) {
    finding.level = Level::good;
    finding.seen = machine.hostname + " leads to " + address + ", an address of this machine.";
  } else if (machine.is_own && std::ranges::any_of(machine.sources, is_public) &&
             (mailauth::parse_ip(address)->v4 == std::ranges::any_of(machine.sources, [](const std::string& one) {
                const auto ip = mailauth::parse_ip(one);
                return ip && ip->v4 && is_public(one);
              }))) {
    finding.level = Level::wrong;
    finding.seen = machine.hostname + " leads to " + address + ", which is not an address of this machine: it has " +
                   joined(machine.sources) + ".";
    finding.means = "Mail for this server goes to another machine, unless a router hands it on.";
    finding.advice = "Correct the record, or see under \"ports-in\" whether connections come all the same.";
  } else {
    finding.seen = machine.hostname + " leads to " + address + "; whether that comes here can't be seen from inside.";
    finding.advice = "Behind a router, let it hand on the ports; connections from outside are told under \"ports-in\".";
  }
  return finding;
}

Finding judge_pointer(const std::string& hostname, const std::string& address, const dns::Answer& answer) {
  Finding finding{.about = address};
  const auto same = [&](const dns::Record& record) { return iequals(record.text, hostname); };
  if (answer.status == dns::Status::servfail) {
    finding.seen = no_answer("the name of " + address, answer) + ".";
  } else if (answer.records.empty()) {
    finding.level = Level::wrong;
    finding.seen = address + " has no name (PTR).";
    finding.means = "Many servers refuse mail from an address without a name.";
    finding.advice = "Ask who gave you the address to set its name to " + hostname + ".";
  } else if (std::ranges::any_of(answer.records, same)) {
    finding.level = Level::good;
    finding.seen = "The name of " + address + " is " + hostname + ".";
  } else {
    std::vector<std::string> names;
    for (const dns::Record& record : answer.records) names.push_back(record.text);
    finding.level = Level::warning;
    finding.seen = "The name of " + address + " is " + joined(names, 3) + ", not " + hostname + ".";
    finding.means = "Some servers take that for a machine that should not send mail.";
    finding.advice = "Ask who gave you the address to set its name to " + hostname + ".";
  }
  return finding;
}

Finding leads_nowhere(const Machine& machine) {
  Finding finding{.level = Level::wrong,
                  .seen = machine.hostname + " has no address in the DNS.",
                  .means = "No mail comes in, and servers refuse what comes from a name that leads nowhere."};
  for (const std::string& source : machine.sources)
    if (is_public(source))
      finding.records.push_back(plain_record(machine.hostname, mailauth::parse_ip(source)->v4 ? "A" : "AAAA", source,
                                             "where the mail server is"));
  finding.advice = finding.records.empty()
                       ? "Give the name an A record with the address that others see of this machine."
                       : "Add this to the zone:";
  return finding;
}

Finding sends_from(const Machine& machine, const std::string& source) {
  return {.level = Level::warning,
          .about = source,
          .seen = "Mail leaves from " + source + ", to which " + machine.hostname + " does not lead.",
          .means = "Servers that look the name up find another address and trust it less.",
          .advice = "Add the address to the name, or bind what is sent to another one ([delivery] "
                    "source_address).",
          .records = {plain_record(machine.hostname, mailauth::parse_ip(source)->v4 ? "A" : "AAAA", source,
                                   "where mail comes from")}};
}

} // namespace

Task<std::vector<Finding>> check_name(Patient& patient) {
  std::vector<Finding> findings;
  const Machine& machine = patient.world.machine;
  if (machine.hostname.find('.') == std::string::npos) {
    findings.push_back({.level = Level::wrong,
                        .seen = "The server calls itself \"" + printable(machine.hostname, 260) + "\".",
                        .means = "Others expect a whole domain name that leads to this machine.",
                        .advice = "Set [server] hostname, such as \"mx.example.org\"."});
    co_return findings;
  }
  std::string host = machine.hostname;
  const Addresses named = co_await addresses_of(patient, std::move(host));
  if (named.list.empty() && named.status == dns::Status::servfail) {
    findings.push_back(
        unseen("The DNS gives no answer for " + machine.hostname + ": " + printable(named.why, 200) + "."));
    co_return findings;
  }
  if (named.list.empty()) findings.push_back(leads_nowhere(machine));
  for (const std::string& address : named.list) findings.push_back(judge_address(machine, address));
  for (const std::string& source : machine.sources)
    if (!named.list.empty() && is_public(source) && std::ranges::find(named.list, source) == named.list.end())
      findings.push_back(sends_from(machine, source));
  std::string why;
  const auto own = co_await outside_addresses(patient, why);
  Asker& zone = patient.zone;
  for (const std::string& address : own) {
    const auto ip = mailauth::parse_ip(address);
    if (!ip || !is_public(address)) continue;
    std::string reverse = ip->reverse_name();
    const auto answer = co_await zone.query(std::move(reverse), dns::Type::ptr);
    findings.push_back(judge_pointer(machine.hostname, address, *answer));
  }
  co_return findings;
}

namespace {

bool in_loopback(const dns::Record& record) { return record.text.starts_with("127."); }
/// How lists say that they don't answer this resolver: too many questions, or a public one.
bool is_refusal(const dns::Record& record) { return record.text.starts_with("127.255.255."); }

/// What a list said of one address.
Finding judge_listing(const std::string& list, const std::string& address, const dns::Answer& answer,
                      const std::string& reason) {
  Finding finding{.about = address + " in " + list};
  if (answer.status == dns::Status::servfail) {
    finding.seen = list + " does not answer.";
  } else if (answer.records.empty()) {
    finding.level = Level::good;
    finding.seen = address + " is not on the block list " + list + ".";
  } else if (std::ranges::any_of(answer.records, is_refusal)) {
    finding.seen = "The list " + list + " refuses your resolver: that says nothing of " + address + ".";
    finding.advice = "Public resolvers are refused by it: run one on this machine (apt install unbound).";
  } else if (!std::ranges::all_of(answer.records, in_loopback)) {
    finding.seen = "What comes for the list " + list + " is no answer of a list: somebody answers in its place.";
    finding.advice = "Look at the resolver: some answer every name with an address of their own.";
  } else {
    finding.level = Level::wrong;
    finding.seen = address + " is on the block list " + list +
                   (reason.empty() ? std::string(".") : ": \"" + printable(reason, 300) + "\".");
    finding.means = "Servers that ask this list refuse your mail.";
    finding.advice =
        "Find out what was sent (paquebot queue list, paquebot account suspects), end it, then ask the list "
        "to take the address off.";
  }
  return finding;
}

/// Each list answers for 127.0.0.2 (RFC 5782 section 5): one that does not says nothing when it has no record.
Task<bool> list_works(Patient& patient, std::string list) {
  Asker& zone = patient.zone;
  std::string test = "2.0.0.127." + list;
  const auto answer = co_await zone.query(std::move(test), dns::Type::a);
  co_return !answer->records.empty();
}

} // namespace

Task<std::vector<Finding>> check_lists(Patient& patient) {
  std::vector<Finding> findings;
  const std::vector<std::string>& lists = patient.world.options.lists;
  if (lists.empty()) {
    findings.push_back(unseen("No block lists are asked ([doctor] lists is empty)."));
    co_return findings;
  }
  std::string why;
  const auto own = co_await outside_addresses(patient, why);
  Asker& zone = patient.zone;
  bool asked = false;
  for (const std::string& list : lists) {
    std::string name = list;
    const bool works = co_await list_works(patient, std::move(name));
    if (!works) {
      Finding silent = unseen("The list " + list + " does not answer this resolver as lists do.");
      silent.about = list;
      findings.push_back(std::move(silent));
      continue;
    }
    for (const std::string& address : own) {
      const auto ip = mailauth::parse_ip(address);
      if (!ip || !is_public(address)) continue;
      std::string reverse = ip->reverse_name();
      reverse.resize(reverse.rfind(".arpa")); // "7.2.0.192.in-addr"
      std::string asked_name = reverse.substr(0, reverse.rfind('.') + 1) + list;
      std::string again = asked_name;
      const auto answer = co_await zone.query(std::move(asked_name), dns::Type::a);
      std::string reason;
      if (!answer->records.empty()) {
        const auto text = co_await zone.query(std::move(again), dns::Type::txt);
        if (!text->records.empty()) reason = text->records.front().text;
      }
      asked = true;
      findings.push_back(judge_listing(list, address, *answer, reason));
    }
  }
  if (findings.empty() && !asked)
    findings.push_back(unseen(own.empty() ? "Our addresses are not known: " + why + "."
                                          : "None of our addresses is one that others see."));
  co_return findings;
}

} // namespace paquebot::doctor
