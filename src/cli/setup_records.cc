#include "cli/setup_records.h"

#include "base/text.h"
#include "mailauth/ip.h"
#include "net/network.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <optional>
#include <ostream>
#include <utility>

namespace paquebot::cli {
namespace {

struct KnownType {
  std::string_view name;
  dns::Type type;
};
constexpr std::array<KnownType, 7> kKnownTypes{{{"A", dns::Type::a},
                                                {"AAAA", dns::Type::aaaa},
                                                {"MX", dns::Type::mx},
                                                {"TXT", dns::Type::txt},
                                                {"SRV", dns::Type::srv},
                                                {"CNAME", dns::Type::cname},
                                                {"PTR", dns::Type::ptr}}};

std::optional<dns::Type> dns_type_of(std::string_view name) {
  const auto* found = std::ranges::find(kKnownTypes, name, &KnownType::name);
  return found == kKnownTypes.end() ? std::nullopt : std::optional(found->type);
}

/// A record's data as it is written in `value`, lower-case but for texts.
std::string written(const dns::Record& record, std::string_view type) {
  if (type == "MX") return fmt::format("{} {}", record.preference, record.text);
  if (type == "SRV") return fmt::format("{} {} {} {}", record.preference, record.weight, record.port, record.text);
  return record.text;
}

/// The word by which a text is known that a name can have once only: "v=spf1", "v=DMARC1".
std::string_view version_of_text(std::string_view text) {
  const std::string_view word = text.substr(0, text.find_first_of("; "));
  return iequals(word.substr(0, 2), "v=") ? word : std::string_view();
}

bool same_host(std::string_view one, std::string_view other) {
  const auto bare = [](std::string_view name) { return name.ends_with('.') ? name.substr(0, name.size() - 1) : name; };
  return iequals(bare(one), bare(other));
}

bool is_same(const WantedRecord& wanted, const dns::Record& record) {
  const std::string found = written(record, wanted.type);
  if (wanted.type == "TXT") return trim(found) == wanted.value;
  if (wanted.type == "AAAA" || wanted.type == "A") return mailauth::parse_ip(found) == mailauth::parse_ip(wanted.value);
  if (wanted.type == "MX") return same_host(record.text, wanted.value.substr(wanted.value.find(' ') + 1));
  return same_host(found, wanted.value);
}

/// Whether it stands where the wanted one belongs, so that both can't be.
bool is_in_its_place(const WantedRecord& wanted, const dns::Record& record) {
  if (wanted.type != "TXT") return true;
  const auto version = version_of_text(wanted.value);
  return !version.empty() && iequals(version_of_text(record.text), version);
}

} // namespace

std::vector<WantedRecord> wanted_records(const control::json::value& answer, const std::string& hostname,
                                         const std::vector<std::string>& addresses) {
  std::vector<WantedRecord> all;
  for (const std::string& address : addresses) {
    const std::string type = address.contains(':') ? "AAAA" : "A";
    all.push_back({hostname, type, address, hostname + ". IN " + type + " " + address, "the address of the server"});
  }
  for (const auto& record : control::get_list(answer, "records"))
    all.push_back({control::get_text(record, "name"), control::get_text(record, "type"),
                   control::get_text(record, "value"), control::get_text(record, "zone"),
                   control::get_text(record, "purpose")});
  for (const std::string& address : addresses)
    if (const auto ip = mailauth::parse_ip(address))
      all.push_back({ip->reverse_name(),
                     "PTR",
                     hostname,
                     {},
                     "the name of " + address + ": set by whoever gave you the address (\"reverse DNS\")"});
  return all;
}

RecordState judge_record(const WantedRecord& wanted, const dns::Answer& answer) {
  if (answer.status == dns::Status::servfail) return RecordState::unknown;
  const auto same = [&](const dns::Record& record) { return is_same(wanted, record); };
  const auto in_its_place = [&](const dns::Record& record) { return is_in_its_place(wanted, record); };
  if (std::ranges::any_of(answer.records, same)) return RecordState::right;
  return std::ranges::any_of(answer.records, in_its_place) ? RecordState::other : RecordState::missing;
}

std::string_view name_of(RecordState state) {
  switch (state) {
    case RecordState::missing: return "missing";
    case RecordState::other: return "another";
    case RecordState::right: return "right";
    case RecordState::unknown: break;
  }
  return "unknown";
}

control::json::array present_wanted(const std::vector<WantedRecord>& records, const std::vector<RecordState>& states) {
  control::json::array list;
  for (std::size_t i = 0; i < records.size(); ++i) {
    control::json::object one{{"name", records[i].name},
                              {"type", records[i].type},
                              {"value", records[i].value},
                              {"zone", records[i].zone},
                              {"purpose", records[i].purpose}};
    if (i < states.size()) one["state"] = name_of(states[i]);
    list.emplace_back(std::move(one));
  }
  return list;
}

std::vector<std::string> names_that_lead_here(const std::vector<WantedRecord>& records,
                                              const std::vector<RecordState>& states) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < std::min(records.size(), states.size()); ++i) {
    const WantedRecord& one = records[i];
    const bool leads = one.type == "A" || one.type == "AAAA" || one.type == "CNAME";
    if (leads && states[i] == RecordState::right && std::ranges::find(names, one.name) == names.end())
      names.push_back(one.name);
  }
  return names;
}

RecordState look_for(SetupWorld& world, const WantedRecord& wanted) {
  const auto type = dns_type_of(wanted.type);
  if (!type) return RecordState::unknown;
  const auto answer = world.ask(wanted.name, *type);
  return answer ? judge_record(wanted, *answer) : RecordState::unknown;
}

void print_zone(std::ostream& out, const std::vector<WantedRecord>& records) {
  for (const WantedRecord& one : records)
    if (!one.zone.empty()) out << "; " << one.purpose << '\n' << one.zone << '\n';
}

void print_form(std::ostream& out, const std::vector<WantedRecord>& records) {
  std::size_t width = 0;
  for (const WantedRecord& one : records) width = std::max(width, one.name.size());
  for (const WantedRecord& one : records)
    out << fmt::format("  {:<5} {:<{}}  {}\n", one.type, one.name, width, one.value);
}

std::string program_settings(const setup::ClientSettings& clients, const std::string& login) {
  std::string lines;
  for (const auto& [words, protocol] :
       {std::pair("incoming   IMAP", setup::Protocol::imap), std::pair("incoming   POP3", setup::Protocol::pop3),
        std::pair("outgoing   SMTP", setup::Protocol::submission)})
    if (const setup::Offer* offer = clients.best(protocol))
      lines += fmt::format("  {}  {}  port {} with {}\n", words, clients.host, offer->port,
                           offer->security == setup::Security::implicit ? "TLS" : "STARTTLS");
  return lines + "  user name  " + login + "\n";
}

std::vector<std::string> public_addresses(const std::vector<std::string>& all) {
  static const net::Networks kNotPublic =
      net::Networks::parse({"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
                            "172.16.0.0/12", "192.168.0.0/16", "::", "::1", "fe80::/10", "fc00::/7"})
          .value();
  std::vector<std::string> found;
  for (const std::string& one : all)
    if (mailauth::parse_ip(one) && !kNotPublic.contains(one) && std::ranges::find(found, one) == found.end())
      found.push_back(one);
  return found;
}

} // namespace paquebot::cli
