// What others and users' programs are told of the way here: MTA-STS, DANE, TLS-RPT, SRV.

#include "base/text.h"
#include "doctor/checks.h"
#include "doctor/house.h"
#include "doctor/policy_text.h"
#include "net/certificate.h"
#include "net/certificate_trust.h"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace paquebot::doctor {
namespace {

constexpr std::string_view kStsWord = "v=STSv1", kTlsRptWord = "v=TLSRPTv1";

/// The record that belongs there, as the server tells; nothing when it has none.
std::vector<Record> expected(const Patient& patient, const std::string& name) {
  std::vector<Record> found;
  if (patient.world.set_up)
    for (Record& one : patient.world.set_up(patient.domain))
      if (one.name == name) found.push_back(std::move(one));
  return found;
}

/// The hosts of MX.
Task<std::vector<std::string>> hosts_of(Patient& patient) {
  Asker& zone = patient.zone;
  std::string name = patient.domain;
  const auto answer = co_await zone.query(std::move(name), dns::Type::mx);
  std::vector<std::string> hosts;
  for (const dns::Record& record : answer->records)
    if (!record.text.empty()) hosts.push_back(record.text);
  co_return hosts;
}

bool is_own_certificate(const Machine& machine) {
  if (!machine.certificate) return false;
  const auto facts = net::read_certificate(machine.certificate->pem);
  return facts && facts->self_signed;
}

constexpr std::int64_t kStsTrial = 7LL * 86'400'000;

/// A week of good certificates on all hosts is what the mode enforce asks for. Of others' hosts only reports tell.
std::string testing_advice(const Patient& patient, const std::vector<std::string>& hosts, std::int64_t since) {
  const std::int64_t now = millis(patient.world.clock.wall());
  const auto others =
      std::ranges::count_if(hosts, [&](const auto& one) { return one != patient.world.machine.hostname; });
  const std::string reports =
      others == 0 ? "" : " Look first whether the reports of TLS tell of failures at the other hosts of MX.";
  if (since == 0 || since > now)
    return "After a week with a good certificate, set the mode to enforce ([mta_sts] mode)." + reports;
  if (now - since < kStsTrial)
    return "The certificate has been good for " + span_text(now - since) + "; from " + moment(since + kStsTrial) +
           " on, set the mode to enforce ([mta_sts] mode)." + reports;
  return "The certificate has been good for " + span_text(now - since) +
         ": set [mta_sts] mode = \"enforce\", then nobody on the way can take TLS away." + reports;
}

/// Of kTlsGoodSetting.
Task<std::int64_t> good_since(Patient& patient) {
  if (patient.world.store == nullptr) co_return 0;
  std::string key(kTlsGoodSetting);
  const auto kept = co_await patient.world.store->upkeep().get_setting(std::move(key));
  co_return kept ? static_cast<std::int64_t>(parse_u64(*kept).value_or(0)) : 0;
}

/// What the policy means for the hosts of MX. `since`: from when on each round of the doctor found our certificate
/// good; 0: not known.
std::vector<Finding> judge_policy(const Patient& patient, const StsPolicy& policy,
                                  const std::vector<std::string>& hosts, std::int64_t since) {
  std::vector<Finding> findings;
  const bool enforce = policy.mode == "enforce";
  for (const std::string& host : hosts) {
    if (policy.mode == "none" || sts_covers(policy, host)) continue;
    findings.push_back(
        {.level = enforce ? Level::wrong : Level::warning,
         .seen = "The policy of MTA-STS does not name " + printable(host, 260) + ", to which MX leads.",
         .means = enforce ? "Mail is being refused now by who heeds it." : "With mode enforce mail would be refused.",
         .advice = "Add \"mx: " + printable(host, 260) + "\" to the policy, and change the id of _mta-sts." +
                   patient.domain + "."});
  }
  const bool ours = std::ranges::find(hosts, patient.world.machine.hostname) != hosts.end();
  if (enforce && ours && is_own_certificate(patient.world.machine))
    findings.push_back(
        {.level = Level::wrong,
         .seen = "The policy asks for verified TLS, and the certificate is one that this server made itself.",
         .means = "Mail is being refused now by who heeds it.",
         .advice = "Get a certificate from an authority, or set the mode to testing."});
  if (!findings.empty()) return findings;
  Finding fine{.level = Level::good, .seen = "The policy of MTA-STS fits: mode " + policy.mode + "."};
  if (policy.mode == "testing") {
    fine.level = Level::note;
    fine.means = "What can't be verified is delivered all the same.";
    fine.advice = testing_advice(patient, hosts, since);
  } else if (policy.mode == "none") {
    fine.level = Level::note;
    fine.means = "It takes an earlier policy back.";
  }
  return {std::move(fine)};
}

Finding no_sts(const Patient& patient) {
  const auto records = expected(patient, "_mta-sts." + patient.domain);
  return {.level = Level::note,
          .seen = patient.domain + " has no MTA-STS.",
          .means = "Who sends mail here takes any certificate, or none, unless DANE says otherwise.",
          .advice = records.empty() ? "" : "This, and a policy at https://mta-sts." + patient.domain + ", change that:",
          .records = records};
}

} // namespace

Task<std::vector<Finding>> check_mta_sts(Patient& patient) {
  std::vector<Finding> findings;
  Asker& zone = patient.zone;
  const std::string name = "_mta-sts." + patient.domain;
  std::string asked = name;
  const auto texts = co_await zone.texts(std::move(asked), kStsWord);
  if (texts.answer->status == dns::Status::servfail)
    findings.push_back(unseen(no_answer(name, *texts.answer) + "."));
  else if (texts.found.empty())
    findings.push_back(no_sts(patient));
  else if (texts.found.size() > 1)
    findings.push_back({.level = Level::wrong,
                        .seen = name + " has several texts.",
                        .means = "They count as none.",
                        .advice = "Leave one of them."});
  else if (const auto id = read_sts_text(texts.found.front()); !id)
    findings.push_back({.level = Level::wrong,
                        .seen = "The text of " + name + " can't be read: " + id.error().message + ".",
                        .means = "It counts as none.",
                        .records = expected(patient, name)});
  if (!findings.empty()) co_return findings;
  if (!patient.world.fetch) {
    findings.push_back(unseen("The policy of MTA-STS can't be fetched from here.", "Ask again while the server runs."));
    co_return findings;
  }
  std::string host = "mta-sts." + patient.domain, path = "/.well-known/mta-sts.txt";
  Task<Result<std::string>> call = patient.world.fetch(std::move(host), std::move(path));
  const Result<std::string> text = co_await std::move(call);
  if (!text && text.error().code == Errc::refused) {
    findings.push_back(
        unseen("The policy of MTA-STS can't be fetched from here: " + printable(text.error().message, 200) + "."));
    co_return findings;
  }
  const auto policy = text ? read_sts_policy(*text) : Result<StsPolicy>(std::unexpected(text.error()));
  if (!policy) {
    findings.push_back(
        {.level = Level::wrong,
         .seen = fmt::format("The policy at https://mta-sts.{}/.well-known/mta-sts.txt can't be {}: {}.",
                             patient.domain, text ? "used" : "fetched", printable(policy.error().message, 200)),
         .means = "MTA-STS does not work; who knows an earlier policy goes on with that.",
         .advice = "It must be served with a certificate for that name."});
    co_return findings;
  }
  const auto hosts = co_await hosts_of(patient);
  const std::int64_t since = co_await good_since(patient);
  findings = judge_policy(patient, *policy, hosts, since);
  co_return findings;
}

// ---- DANE ----

namespace {

Record tlsa_record(const std::string& name, const std::string& pem) {
  return plain_record(name, "TLSA", "3 1 1 " + net::tlsa_data_of(pem),
                      "DANE: by which others verify the key of this server");
}

/// One host of ours: its records, and whether the name is signed.
Finding judge_tlsa(const std::string& name, const std::string& host, const std::string& pem, const dns::Answer& answer,
                   bool own_signed) {
  Finding finding{.about = name};
  const bool fits = std::ranges::any_of(answer.records, [&](const auto& one) { return net::tlsa_fits(one.text, pem); });
  if (answer.status == dns::Status::servfail) {
    finding.seen = no_answer(name, answer) + " (TLSA).";
    finding.means = answer.bogus ? "Who validates sends no mail here." : "";
  } else if (answer.records.empty() && !own_signed) {
    finding.level = Level::note;
    finding.seen = "The zone of " + host + " is not signed (DNSSEC): there can be no DANE.";
  } else if (answer.records.empty()) {
    finding.level = Level::note;
    finding.seen = "The zone of " + host + " is signed, and there is no TLSA record.";
    finding.means = "With one, others send here with verified TLS only.";
    finding.advice = "If the key stays when the certificate is renewed:";
    finding.records = {tlsa_record(name, pem)};
  } else if (!answer.secure) {
    finding.level = Level::note;
    finding.seen = "There are TLSA records for " + host + ", but its zone is not signed: they say nothing to anybody.";
  } else if (fits) {
    finding.level = Level::good;
    finding.seen = "A TLSA record of " + name + " fits the key.";
  } else {
    finding.level = Level::wrong;
    finding.seen = "TLSA of " + name + " is of another key than the one that is shown.";
    finding.means = "Mail is being refused now by everybody who validates.";
    finding.advice = "Put this into the zone at once:";
    finding.records = {tlsa_record(name, pem)};
  }
  return finding;
}

} // namespace

Task<std::vector<Finding>> check_tlsa(Patient& patient) {
  std::vector<Finding> findings;
  const Machine& machine = patient.world.machine;
  const auto hosts = co_await hosts_of(patient);
  Asker& zone = patient.zone;
  if (std::ranges::find(hosts, machine.hostname) == hosts.end()) {
    findings.push_back(
        {.level = Level::unknown,
         .seen = "MX of " + patient.domain + " does not lead to this server: nothing is known of its keys."});
    co_return findings;
  }
  if (!machine.certificate) {
    findings.push_back(unseen("The certificate can't be seen from here.", "Ask again while the server runs."));
    co_return findings;
  }
  if (machine.resolver &&
      (machine.resolver->stand == dns::Stand::off || machine.resolver->stand == dns::Stand::without)) {
    findings.push_back(unseen("Without validation (see \"resolver\") nothing can be told of DANE."));
    co_return findings;
  }
  const std::string name = "_25._tcp." + machine.hostname;
  std::string asked = name, host = machine.hostname;
  const auto answer = co_await zone.query(std::move(asked), dns::Type::tlsa);
  const auto address = co_await zone.query(std::move(host), dns::Type::a);
  findings.push_back(judge_tlsa(name, machine.hostname, machine.certificate->pem, *answer, address->secure));
  co_return findings;
}

Task<std::vector<Finding>> check_tls_rpt(Patient& patient) {
  std::vector<Finding> findings;
  Asker& zone = patient.zone;
  const std::string name = "_smtp._tls." + patient.domain;
  std::string asked = name;
  const auto texts = co_await zone.texts(std::move(asked), kTlsRptWord);
  const Record record = text_record(name, "v=TLSRPTv1; rua=mailto:postmaster@" + patient.domain,
                                    "TLS-RPT: others tell us when TLS to here fails");
  if (texts.answer->status == dns::Status::servfail)
    findings.push_back(unseen(no_answer(name, *texts.answer) + "."));
  else if (texts.found.empty())
    findings.push_back({.level = Level::note,
                        .seen = patient.domain + " asks for no reports of TLS.",
                        .means = "Nobody tells you when their mail does not come through for want of TLS.",
                        .advice = "Add this to the zone:",
                        .records = {record}});
  else if (texts.found.size() > 1 || !is_tls_rpt(texts.found.front()))
    findings.push_back(
        {.level = Level::warning,
         .seen = "The text of " + name + " can't be used: \"" + printable(texts.found.front(), 100) + "\".",
         .means = "No reports come.",
         .advice = "Let this be the only one:",
         .records = {record}});
  else
    findings.push_back({.level = Level::good, .seen = "Reports of TLS are asked for."});
  co_return findings;
}

// ---- How programs find the server ----

namespace {

/// "0 1 995 mx.example.org", as the DNS has it.
std::string words_of(const dns::Record& record) {
  return fmt::format("{} {} {} {}", record.preference, record.weight, record.port, record.text);
}

/// The last two words of a SRV value: port and host, which have to be right.
std::string end_of(const std::string& value) {
  const auto words = split(value, ' ');
  return words.size() < 4 ? value : std::string(words[2]) + " " + std::string(words[3]);
}

Finding judge_set_up(const Record& record, const dns::Answer& answer, const std::vector<std::string>& found) {
  Finding finding{.about = record.name};
  const bool right = std::ranges::any_of(found, [&](const std::string& one) {
    return iequals(record.type == "SRV" ? end_of(one) : one,
                   record.type == "SRV" ? end_of(record.value) : record.value);
  });
  if (answer.status == dns::Status::servfail) {
    finding.seen = no_answer(record.name, answer) + ".";
  } else if (found.empty()) {
    finding.level = Level::note;
    finding.seen = "There is no " + record.name + " (" + record.type + ").";
    finding.means = "Without it people type the server's name into their programs.";
    finding.advice = "Add this to the zone:";
    finding.records = {record};
  } else if (right) {
    finding.level = Level::good;
    finding.seen = record.name + " leads here.";
  } else {
    finding.level = Level::warning;
    finding.seen =
        record.name + " (" + record.type + ") leads to " + joined(found, 3) + ", not to " + record.value + ".";
    finding.means = "Programs set themselves up for another server.";
    finding.advice = "If they are to come here, this takes its place:";
    finding.records = {record};
  }
  return finding;
}

/// Where users log in (RFC 6186, RFC 8314 section 5.1), of what the listeners offer.
std::vector<Record> service_records(const Machine& machine, const std::string& domain) {
  std::vector<Record> records;
  for (const ListenerFacts& one : *machine.listeners) {
    const bool sends = one.role == "submission", imap = one.role == "imap",
               inside = one.bound.address.starts_with("127.");
    if ((!sends && !imap && one.role != "pop3") || one.tls == ListenerFacts::Tls::none || inside) continue;
    const bool implicit = one.tls == ListenerFacts::Tls::implicit;
    const std::string service = std::string(sends ? "_submission" : imap ? "_imap" : "_pop3") + (implicit ? "s" : "");
    const std::string value = fmt::format("{} 1 {} {}", implicit ? 0 : 10, one.bound.port, machine.hostname);
    records.push_back(plain_record(service + "._tcp." + domain, "SRV", value,
                                   sends  ? "where users' programs send mail"
                                   : imap ? "where users' programs read their mail"
                                          : "where users' programs fetch their mail",
                                   value + "."));
  }
  return records;
}

} // namespace

Task<std::vector<Finding>> check_set_up(Patient& patient) {
  std::vector<Finding> findings;
  const Machine& machine = patient.world.machine;
  if (!patient.world.set_up && !machine.listeners) {
    findings.push_back(unseen("What programs are to be told is known to a running server only."));
    co_return findings;
  }
  Asker& zone = patient.zone;
  const std::vector<Record> wanted =
      patient.world.set_up ? patient.world.set_up(patient.domain) : service_records(machine, patient.domain);
  for (const Record& record : wanted) {
    if (record.type != "SRV" && record.type != "CNAME") continue;
    std::string name = record.name;
    std::vector<std::string> found;
    if (record.type == "SRV") {
      const auto answer = co_await zone.query(std::move(name), dns::Type::srv);
      for (const dns::Record& one : answer->records) found.push_back(words_of(one));
      findings.push_back(judge_set_up(record, *answer, found));
      continue;
    }
    // Whichever way the name leads here, by CNAME or by an address, is right.
    const auto alias = co_await zone.query(std::move(name), dns::Type::cname);
    for (const dns::Record& one : alias->records) found.push_back(one.text);
    std::string again = record.name, host = record.value;
    const Addresses there = co_await addresses_of(patient, std::move(again));
    const Addresses here = co_await addresses_of(patient, std::move(host));
    const bool same = std::ranges::any_of(
        there.list, [&](const std::string& one) { return std::ranges::find(here.list, one) != here.list.end(); });
    if (same) found = {record.value};
    if (found.empty()) found = there.list;
    findings.push_back(judge_set_up(record, *alias, found));
  }
  if (findings.empty()) findings.push_back(unseen("There is no listener that users' programs reach from outside."));
  co_return findings;
}

} // namespace paquebot::doctor
