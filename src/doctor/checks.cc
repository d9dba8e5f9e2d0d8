#include "doctor/checks.h"

#include "base/text.h"
#include "mailauth/ip.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <utility>

namespace paquebot::doctor {
namespace {

constexpr std::size_t kMostAddresses = 16;
constexpr std::size_t kMostOwn = 8;

struct Reserved {
  std::string_view network;
  unsigned bits;
};
/// Of the registries of special addresses (RFC 6890), but not those for documents: they stand for others in tests.
constexpr auto kReserved = std::to_array<Reserved>({
    {"0.0.0.0", 8},
    {"10.0.0.0", 8},
    {"100.64.0.0", 10},
    {"127.0.0.0", 8},
    {"169.254.0.0", 16},
    {"172.16.0.0", 12},
    {"192.168.0.0", 16},
    {"224.0.0.0", 3},
    {"::", 127},
    {"fc00::", 7},
    {"fe80::", 10},
    {"ff00::", 8},
});

void take(Addresses& into, const dns::Answer& answer) {
  for (const dns::Record& record : answer.records)
    if (into.list.size() < kMostAddresses) into.list.push_back(record.text);
  if (answer.status == dns::Status::servfail) {
    into.status = dns::Status::servfail;
    into.why = answer.why;
  } else if (into.status != dns::Status::servfail && answer.status != dns::Status::ok) {
    into.status = answer.status;
  }
}

void add_own(std::vector<std::string>& list, const std::string& address) {
  if (list.size() < kMostOwn && std::ranges::find(list, address) == list.end()) list.push_back(address);
}

} // namespace

std::span<const Check> checks() {
  static constexpr auto kChecks = std::to_array<Check>({
      {"resolver", "the resolver and DNSSEC", false, check_resolver},
      {"name", "the server's name and its addresses", false, check_name},
      {"port-25-out", "port 25 to the outside", false, check_port_out},
      {"ports-in", "who reaches the listeners", false, check_ports_in},
      {"tls", "the certificate", false, check_tls},
      {"caa", "who may issue certificates", false, check_caa},
      {"clock", "the clock", false, check_clock},
      {"block-lists", "block lists", false, check_lists},
      {"queue", "the queue", false, check_queue},
      {"disk", "disk and descriptors", false, check_disk},
      {"store", "backups and the store", false, check_store},
      {"accounts", "accounts that are held or at their limits", false, check_accounts},
      {"hooks", "URLs that are told what happens, and do not take it", false, check_hooks},
      {"programs", "filters and the sandbox", false, check_programs},
      {"mx", "MX", true, check_mx},
      {"spf", "SPF", true, check_spf},
      {"dkim", "DKIM", true, check_dkim},
      {"dmarc", "DMARC and alignment", true, check_dmarc},
      {"mta-sts", "MTA-STS", true, check_mta_sts},
      {"tlsa", "DANE", true, check_tlsa},
      {"tls-rpt", "reports of TLS", true, check_tls_rpt},
      {"set-up", "how programs find the server", true, check_set_up},
  });
  return kChecks;
}

std::vector<Step> steps_for(const std::vector<std::string>& domains, const std::string& only) {
  std::vector<Step> steps;
  if (only.empty()) {
    for (const Check& check : checks())
      if (!check.of_domain) steps.push_back({&check});
  }
  const std::vector<std::string> wanted = only.empty() ? domains : std::vector<std::string>{only};
  for (std::size_t i = 0; i < std::min(wanted.size(), kMostDomains); ++i)
    for (const Check& check : checks())
      if (check.of_domain) steps.push_back({&check, wanted[i]});
  return steps;
}

Task<std::vector<Finding>> make_step(World& world, Step step) {
  Patient patient{world, Asker(world.zone, world.clock), step.domain};
  Task<std::vector<Finding>> work = step.check->run(patient);
  std::vector<Finding> findings = co_await std::move(work);
  for (Finding& one : findings) {
    one.check = step.check->name;
    if (one.about.empty()) one.about = step.domain;
  }
  co_return findings;
}

// ---- What several of them need ----

bool is_public(const std::string& address) {
  const auto ip = mailauth::parse_ip(address);
  return ip && std::ranges::none_of(kReserved, [&](const Reserved& one) {
           return mailauth::in_network(*ip, *mailauth::parse_ip(one.network), one.bits);
         });
}

Task<Addresses> addresses_of(Patient& patient, std::string host) {
  Addresses found;
  Asker& zone = patient.zone;
  std::string name = host;
  const auto four = co_await zone.query(std::move(name), dns::Type::a);
  take(found, *four);
  const auto six = co_await zone.query(std::move(host), dns::Type::aaaa);
  take(found, *six);
  if (!found.list.empty()) found.status = dns::Status::ok;
  co_return found;
}

Task<std::vector<std::string>> outside_addresses(Patient& patient, std::string& why) {
  const Machine& machine = patient.world.machine;
  std::string host = machine.hostname;
  const Addresses named = co_await addresses_of(patient, std::move(host));
  std::vector<std::string> own;
  for (const std::string& address : named.list) add_own(own, address);
  for (const std::string& address : machine.sources)
    if (is_public(address)) add_own(own, address);
  if (own.empty())
    why = named.status == dns::Status::servfail ? "the DNS gives no answer for " + printable(machine.hostname, 260)
                                                : printable(machine.hostname, 260) + " leads nowhere";
  co_return own;
}

std::string joined(const std::vector<std::string>& words, std::size_t most) {
  std::string all;
  for (std::size_t i = 0; i < std::min(words.size(), most); ++i)
    all += (all.empty() ? "" : ", ") + printable(words[i], 260);
  if (words.size() > most) all += fmt::format(" and {} more", words.size() - most);
  return all;
}

std::string moment(std::int64_t at) {
  return fmt::format("{:%Y-%m-%d %H:%M} UTC", fmt::gmtime(static_cast<std::time_t>(at / 1000)));
}

std::string span_text(std::int64_t milliseconds) {
  struct Unit {
    std::int64_t length;
    std::string_view noun;
  };
  constexpr auto kUnits = std::to_array<Unit>({{86'400'000, "day"}, {3'600'000, "hour"}, {60'000, "minute"}});
  for (const Unit& unit : kUnits)
    if (milliseconds >= 2 * unit.length || (milliseconds >= unit.length && unit.length <= 3'600'000))
      return counted(static_cast<std::uint64_t>(milliseconds / unit.length), unit.noun);
  return counted(static_cast<std::uint64_t>(std::max<std::int64_t>(milliseconds, 0) / 1000), "second");
}

std::string counted(std::uint64_t number, std::string_view noun) {
  return fmt::format("{} {}{}", number, noun, number == 1 ? "" : "s");
}

void append(std::vector<Finding>& to, std::vector<Finding> more) {
  for (Finding& one : more) to.push_back(std::move(one));
}

Finding unseen(std::string seen, std::string advice) {
  return {.level = Level::unknown, .seen = std::move(seen), .advice = std::move(advice)};
}

} // namespace paquebot::doctor
