// What a domain says in the DNS about its mail: MX, DKIM, DMARC.

#include "base/text.h"
#include "doctor/checks.h"
#include "doctor/records.h"
#include "mailauth/dkim_key.h"
#include "mailauth/dmarc.h"
#include "mailauth/tags.h"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace paquebot::doctor {
namespace {

constexpr std::string_view kDmarcWord = "v=DMARC1";

Finding no_mx(const Patient& patient) {
  return {.level = Level::wrong,
          .seen = patient.domain + " has no MX record.",
          .means = "Mail for it goes to the machine of that name, or nowhere.",
          .advice = "Add this to the zone:",
          .records = {mx_record(patient.domain, patient.world.machine.hostname)}};
}

} // namespace

Task<std::vector<Finding>> check_mx(Patient& patient) {
  std::vector<Finding> findings;
  Asker& zone = patient.zone;
  std::string name = patient.domain;
  const auto answer = co_await zone.query(std::move(name), dns::Type::mx);
  if (answer->status == dns::Status::servfail) {
    findings.push_back(unseen(no_answer(patient.domain, *answer) + "."));
    co_return findings;
  }
  if (answer->records.empty()) {
    findings.push_back(no_mx(patient));
    co_return findings;
  }
  const std::string& host = patient.world.machine.hostname;
  const auto ours = std::ranges::find_if(answer->records, [&](const auto& one) { return iequals(one.text, host); });
  std::vector<std::string> others;
  for (const dns::Record& one : answer->records)
    if (!iequals(one.text, host)) others.push_back(one.text.empty() ? "nobody (null MX)" : one.text);
  if (ours == answer->records.end())
    findings.push_back({.level = Level::wrong,
                        .seen = "MX of " + patient.domain + " leads to " + joined(others) + ", not to " + host + ".",
                        .means = "Mail for the domain does not come to this server.",
                        .advice = "If it is to come here, this takes the place of those records:",
                        .records = {mx_record(patient.domain, patient.world.machine.hostname)}});
  else if (others.empty())
    findings.push_back({.level = Level::good, .seen = "MX of " + patient.domain + " leads to " + host + "."});
  else
    findings.push_back({.level = Level::note,
                        .seen = "MX of " + patient.domain + " leads to " + host + " and to " + joined(others) + ".",
                        .means = "Mail that goes there has to be handed on to this server."});
  for (const dns::Record& one : answer->records) {
    if (one.text.empty()) continue;
    std::string target = one.text;
    const Addresses found = co_await addresses_of(patient, std::move(target));
    if (!found.list.empty()) continue;
    const bool silent = found.status == dns::Status::servfail;
    findings.push_back({.level = silent ? Level::unknown : Level::wrong,
                        .seen = "MX of " + patient.domain + " names " + printable(one.text, 260) +
                                (silent ? ", for which the DNS gives no answer." : ", which has no address."),
                        .advice = silent ? "" : "Give it an address, or take the record away."});
  }
  co_return findings;
}

// ---- DKIM ----

namespace {

/// What the published text is, beside the one that belongs to the key.
enum class Published : std::uint8_t { same, other, revoked, testing, unreadable };

Published compare(const std::string& published, const std::string& expected) {
  const auto key_of = [](const std::string& text) {
    const auto tags = mailauth::TagList::parse(text);
    const auto value = tags ? tags->find("p") : std::nullopt;
    return value ? mailauth::without_space(*value) : std::string();
  };
  const auto parsed = mailauth::parse_dkim_key(published);
  if (!parsed && parsed.error().code == Errc::not_found) return Published::revoked;
  if (!parsed) return Published::unreadable;
  if (key_of(published) != key_of(expected)) return Published::other;
  return parsed->testing ? Published::testing : Published::same;
}

Finding judge_key(const store::DkimKey& key, const Record& expected, const dns::Answer& answer) {
  const std::string name = mailauth::dkim_key_name(key.selector, key.domain);
  const bool signs = key.state == store::DkimKey::State::active;
  Finding finding{.about = name};
  const auto bad = [&](std::string seen, std::string means) {
    finding.level = signs ? Level::wrong : Level::note;
    finding.seen = std::move(seen);
    finding.means = signs ? std::move(means) : "It is the next key: publish it before it signs.";
    finding.advice = "This belongs into the zone:";
    finding.records = {expected};
    return finding;
  };
  if (answer.status == dns::Status::servfail) {
    finding.seen = no_answer(name, answer) + ".";
    return finding;
  }
  if (answer.records.empty())
    return bad("The key " + name + " is not in the DNS.", "Nobody can verify our signatures.");
  Published best = Published::unreadable;
  for (const dns::Record& record : answer.records) best = std::min(best, compare(record.text, expected.value));
  switch (best) {
    case Published::same:
      finding.level = Level::good;
      finding.seen = "The key " + name + " is in the DNS.";
      return finding;
    case Published::testing:
      finding.level = Level::note;
      finding.seen = "The key " + name + " is in the DNS, marked as a test (t=y).";
      finding.means = "Some take no account of our signatures.";
      finding.advice = "Publish it without t=y:";
      finding.records = {expected};
      return finding;
    case Published::revoked: return bad("The key " + name + " is revoked in the DNS.", "Our signatures fail.");
    case Published::other:
      return bad("The record " + name + " is of another key than the one that signs.",
                 "Our signatures fail at everybody.");
    case Published::unreadable: break;
  }
  return bad("The record " + name + " can't be read as a key: \"" + printable(answer.records.front().text, 60) + "\".",
             "Our signatures fail.");
}

Finding lost_key(const store::DkimKey& key) {
  return {.level = Level::warning,
          .about = mailauth::dkim_key_name(key.selector, key.domain),
          .seen = "The record of the retired key " + key.selector + " is gone from the DNS already.",
          .means = "Mail that it signed and that is still on its way can't be verified.",
          .advice = "Leave records of retired keys in the zone for a week."};
}

} // namespace

Task<std::vector<Finding>> check_dkim(Patient& patient) {
  std::vector<Finding> findings;
  if (patient.world.store == nullptr) {
    findings.push_back(unseen("The keys can't be read from here."));
    co_return findings;
  }
  std::string name = patient.domain;
  const auto keys = co_await patient.world.store->keys().list_dkim_keys(std::move(name));
  if (!keys) {
    findings.push_back(unseen("The keys can't be read: " + printable(keys.error().message, 200) + "."));
    co_return findings;
  }
  constexpr std::int64_t kWeek = 7LL * 86'400'000;
  Asker& zone = patient.zone;
  bool active = false;
  for (const store::DkimKey& key : *keys) {
    const bool retired = key.state == store::DkimKey::State::retired;
    active = active || key.state == store::DkimKey::State::active;
    if (retired && millis(patient.world.clock.wall()) - key.changed > kWeek) continue;
    std::string where = mailauth::dkim_key_name(key.selector, key.domain);
    const auto answer = co_await zone.query(std::move(where), dns::Type::txt);
    const auto expected = dkim_record(key);
    if (!expected) {
      findings.push_back({.level = Level::wrong,
                          .about = key.selector,
                          .seen = "The key " + key.selector + " in the store can't be read.",
                          .advice = "paquebot dkim rotate " + patient.domain});
      continue;
    }
    if (!retired)
      findings.push_back(judge_key(key, *expected, *answer));
    else if (answer->status != dns::Status::servfail && answer->records.empty())
      findings.push_back(lost_key(key));
  }
  if (!active)
    findings.push_back({.level = Level::wrong,
                        .seen = patient.domain + " has no key: what it sends is not signed.",
                        .means = "Large providers refuse or distrust such mail.",
                        .advice = "paquebot dkim create " + patient.domain});
  else if (!patient.world.machine.signs)
    findings.push_back({.level = Level::warning,
                        .seen = "What our domains send is not signed: [dkim] sign is false.",
                        .means = "Large providers refuse or distrust such mail."});
  co_return findings;
}

// ---- DMARC ----

namespace {

/// The domain of a mailto: address; empty for what is none.
std::string domain_of_uri(std::string_view uri) {
  if (!istarts_with(uri, "mailto:")) return {};
  const auto at = uri.rfind('@');
  return at == std::string_view::npos ? std::string() : to_lower(uri.substr(at + 1));
}

bool belongs_to(const std::string& name, const std::string& domain) {
  return name == domain || name.ends_with("." + domain);
}

/// RFC 9990 section 4 (RFC 7489 section 7.1): reports to another domain are sent only if that one says so.
Task<std::vector<Finding>> check_report_targets(Patient& patient, const mailauth::DmarcWalk::Found& found) {
  std::vector<Finding> findings;
  Asker& zone = patient.zone;
  for (const std::string& uri : found.record.rua) {
    const std::string target = domain_of_uri(uri);
    if (target.empty() || belongs_to(target, found.domain) || belongs_to(found.domain, target)) continue;
    const std::string permit = found.domain + "._report._dmarc." + target;
    std::string asked = permit;
    const auto texts = co_await zone.texts(std::move(asked), kDmarcWord);
    if (!texts.found.empty() || texts.answer->status == dns::Status::servfail) continue;
    findings.push_back(
        {.level = Level::warning,
         .about = patient.domain + " reports",
         .seen = "Reports of DMARC are to go to " + printable(target, 260) + ", which does not take them.",
         .means = "None is sent there.",
         .advice = "Name an address of " + found.domain + ", or let that domain publish:",
         .records = {text_record(permit, "v=DMARC1", "takes reports about " + found.domain)}});
  }
  co_return findings;
}

/// Whether what the domain sends has its own name in a signature or the envelope.
Task<Finding> check_alignment(Patient& patient) {
  Finding finding{.level = Level::warning, .about = patient.domain + " alignment"};
  std::string name = patient.domain;
  bool signs = false;
  if (patient.world.store == nullptr) {
    finding.level = Level::unknown;
    finding.seen = "Whether mail of the domain is signed can't be seen from here.";
    co_return finding;
  }
  const auto keys = co_await patient.world.store->keys().list_dkim_keys(std::move(name));
  if (keys && patient.world.machine.signs)
    signs = std::ranges::find(*keys, store::DkimKey::State::active, &store::DkimKey::state) != keys->end();
  finding.level = signs ? Level::good : Level::warning;
  finding.seen = signs ? "Mail is signed with d=" + patient.domain + ", the domain of its From: it is aligned."
                       : "Mail is not signed: only SPF can align it.";
  finding.means = signs ? "" : "What is forwarded on the way fails DMARC.";
  finding.advice = signs ? "" : "paquebot dkim create " + patient.domain;
  co_return finding;
}

} // namespace

Task<std::vector<Finding>> check_dmarc(Patient& patient) {
  std::vector<Finding> findings;
  mailauth::DmarcWalker walker(patient.zone);
  std::string name = patient.domain;
  const mailauth::DmarcWalk walk = co_await walker.walk(std::move(name));
  if (walk.found.empty() && !walk.failed.empty()) {
    findings.push_back(unseen("The DNS gives no answer for _dmarc." + printable(walk.failed.front(), 260) + "."));
  } else if (walk.found.empty()) {
    findings.push_back({.level = Level::warning,
                        .seen = patient.domain + " has no DMARC record.",
                        .means = "Anybody may write in its name, and large providers ask for one.",
                        .advice = "Add this to the zone:",
                        .records = {dmarc_record(patient.domain)}});
  } else {
    const mailauth::DmarcWalk::Found& found = walk.found.front();
    const bool own = found.domain == patient.domain;
    const auto policy = own ? found.record.p : found.record.sp.value_or(found.record.p);
    const std::string words = std::string(mailauth::to_string(policy));
    Finding finding{.level = Level::good,
                    .seen = "DMARC of " + found.domain + (own ? "" : ", which holds here,") + " asks for \"" + words +
                            "\"" + (found.record.testing ? ", as a test (t=y)." : ".")};
    if (!found.record.usable) {
      finding.level = Level::wrong;
      finding.seen = "The DMARC record of " + found.domain + " has no valid policy (p=).";
      finding.means = "It counts as none.";
      finding.records = {dmarc_record(found.domain)};
    } else if (policy == mailauth::DmarcPolicy::none) {
      finding.level = Level::note;
      finding.means = "Others are told of forgeries and let them through.";
      finding.advice = "Once the reports show that all of your mail passes (paquebot report dmarc):";
      finding.records = {dmarc_record(patient.domain)};
    }
    findings.push_back(std::move(finding));
    if (found.record.rua.empty())
      findings.push_back({.level = Level::note,
                          .about = patient.domain + " reports",
                          .seen = "The DMARC record asks for no reports (rua=).",
                          .means = "Nobody tells you who writes in your name."});
    auto more = co_await check_report_targets(patient, found);
    append(findings, std::move(more));
  }
  Finding alignment = co_await check_alignment(patient);
  findings.push_back(std::move(alignment));
  co_return findings;
}

} // namespace paquebot::doctor
