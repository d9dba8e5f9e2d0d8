#pragma once

#include "base/task.h"
#include "doctor/asker.h"
#include "doctor/finding.h"
#include "doctor/world.h"

#include <span>
#include <string>
#include <string_view>
#include <vector>

/// What the doctor looks at. A check never fails: what can't be seen is a finding of the level `unknown`. Each one is
/// bounded in questions and time.
namespace paquebot::doctor {

/// What a check works with.
struct Patient {
  World& world;
  Asker zone;           ///< asks the world's zone, within bounds
  std::string domain{}; ///< of a check of a domain
};

/// One row of the table of checks.
struct Check {
  std::string_view name;  ///< "spf"
  std::string_view label; ///< what is looked at, for who waits: "SPF"
  bool of_domain = false; ///< made for each domain; else for the server
  Task<std::vector<Finding>> (*run)(Patient& patient) = nullptr;
};

/// All of them, in the order in which they are made.
std::span<const Check> checks();

/// One check to make.
struct Step {
  const Check* check = nullptr;
  std::string domain{};
};
/// Domains whose records are looked at when nobody names one.
inline constexpr std::size_t kMostDomains = 50;
/// All steps for the server and these domains, of which the first kMostDomains count; or those of `only` alone.
std::vector<Step> steps_for(const std::vector<std::string>& domains, const std::string& only = {});
/// Makes one; its findings have `check` and, where they name nothing else, the domain in `about`.
Task<std::vector<Finding>> make_step(World& world, Step step);

// ---- The checks, by what they look at ----

// host_checks.cc, reach_checks.cc, tls_check.cc
Task<std::vector<Finding>> check_resolver(Patient& patient);
Task<std::vector<Finding>> check_name(Patient& patient);
Task<std::vector<Finding>> check_port_out(Patient& patient);
Task<std::vector<Finding>> check_ports_in(Patient& patient);
Task<std::vector<Finding>> check_tls(Patient& patient);
Task<std::vector<Finding>> check_caa(Patient& patient);
Task<std::vector<Finding>> check_clock(Patient& patient);
Task<std::vector<Finding>> check_lists(Patient& patient);
// house_checks.cc
Task<std::vector<Finding>> check_queue(Patient& patient);
Task<std::vector<Finding>> check_disk(Patient& patient);
Task<std::vector<Finding>> check_store(Patient& patient);
Task<std::vector<Finding>> check_accounts(Patient& patient);
Task<std::vector<Finding>> check_hooks(Patient& patient);
Task<std::vector<Finding>> check_programs(Patient& patient);
// domain_checks.cc, spf_check.cc, transport_checks.cc
Task<std::vector<Finding>> check_mx(Patient& patient);
Task<std::vector<Finding>> check_spf(Patient& patient);
Task<std::vector<Finding>> check_dkim(Patient& patient);
Task<std::vector<Finding>> check_dmarc(Patient& patient);
Task<std::vector<Finding>> check_mta_sts(Patient& patient);
Task<std::vector<Finding>> check_tlsa(Patient& patient);
Task<std::vector<Finding>> check_tls_rpt(Patient& patient);
Task<std::vector<Finding>> check_set_up(Patient& patient);

// ---- What several of them need ----

/// Not of a private, local or otherwise reserved network: one that others may reach.
bool is_public(const std::string& address);
/// Where the host name leads, and where our connections come from, without what is private: our addresses as others see
/// them; at most 8. `why`: why it is not known, when there are none.
Task<std::vector<std::string>> outside_addresses(Patient& patient, std::string& why);
/// A and AAAA of a name, at most 16. `status` is the graver of the two when there are none.
struct Addresses {
  std::vector<std::string> list;
  dns::Status status = dns::Status::ok;
  std::string why;
};
Task<Addresses> addresses_of(Patient& patient, std::string host);
/// "192.0.2.7, 192.0.2.8 and 3 more", each printable.
std::string joined(const std::vector<std::string>& words, std::size_t most = 6);
/// "2026-11-23 09:10 UTC".
std::string moment(std::int64_t at);
/// "4 minutes", "3 hours", "2 days".
std::string span_text(std::int64_t milliseconds);
/// "1 mail", "3 mails".
std::string counted(std::uint64_t number, std::string_view noun);
void append(std::vector<Finding>& to, std::vector<Finding> more);
/// A finding that it can't be told, and why.
Finding unseen(std::string seen, std::string advice = {});

} // namespace paquebot::doctor
