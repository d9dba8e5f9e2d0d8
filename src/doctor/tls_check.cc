// What others see of our certificate.

#include "base/text.h"
#include "dns/wire.h"
#include "doctor/checks.h"
#include "net/certificate.h"
#include "net/certificate_trust.h"

#include <algorithm>
#include <fmt/format.h>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace paquebot::doctor {
namespace {

Finding judge_problem(const std::string& problem, std::int64_t left) {
  const bool soon = left > 0 && problem.starts_with("ends on");
  return {.level = soon ? Level::warning : Level::wrong,
          .seen = "The certificate " + problem + (soon ? "" : "."),
          .means = soon ? "After that programs refuse to connect."
                        : "Programs warn their users or refuse to connect; servers that verify don't deliver.",
          .advice = "Get another one, for " + std::string("the server's name and those that programs use."),
          .records = {}};
}

Finding self_made(const std::string& hostname) {
  return {.level = Level::warning,
          .seen = "The certificate is one that this server made itself.",
          .means = "Programs ask their users before they trust it. Other servers take it, except under MTA-STS.",
          .advice =
              "Let it order one for " + hostname + ": [acme] agree_tos = true. Or name one: [tls] certificate, key."};
}

} // namespace

Task<std::vector<Finding>> check_tls(Patient& patient) {
  std::vector<Finding> findings;
  const Machine& machine = patient.world.machine;
  if (!machine.certificate || machine.certificate->pem.empty()) {
    findings.push_back(unseen("The certificate can't be seen from here.", "Ask again while the server runs."));
    co_return findings;
  }
  const std::string& pem = machine.certificate->pem;
  const std::int64_t now = millis(patient.world.clock.wall());
  if (machine.listeners) {
    for (const ListenerFacts& one : *machine.listeners)
      if (one.tls == ListenerFacts::Tls::none &&
          (one.role == "submission" || one.role == "pop3" || one.role == "imap" || one.role == "mx"))
        findings.push_back({.level = one.bound.address.starts_with("127.") ? Level::note : Level::warning,
                            .about = one.role + " on port " + std::to_string(one.bound.port),
                            .seen = "The listener " + one.role + " on " + one.bound.to_string() + " has no TLS.",
                            .means = "What goes through it can be read on the way."});
  }
  const auto facts = net::read_certificate(pem);
  if (facts && facts->self_signed) {
    findings.push_back(self_made(machine.hostname));
    co_return findings;
  }
  const std::int64_t left = facts ? facts->not_after - now : 0;
  const auto problems = net::certificate_problems(pem, machine.hostname, now);
  for (const std::string& problem : problems) findings.push_back(judge_problem(printable(problem, 500), left));
  const auto trusted = net::certificate_is_trusted(pem, now);
  if (!trusted && problems.empty())
    findings.push_back({.level = Level::warning,
                        .seen = "The certificate is not trusted here: " + printable(trusted.error().message, 200) + ".",
                        .means = "Programs that know the same authorities as this machine don't trust it either.",
                        .advice =
                            "Is the chain whole? The file begins with our certificate, then come those that vouch "
                            "for it. An authority of your own has to be known to the programs."});
  if (trusted && problems.empty())
    findings.push_back({.level = Level::good,
                        .seen = "The certificate is for " + joined(facts->names, 4) + ", trusted, and good for " +
                                span_text(left) + "."});
  co_return findings;
}

namespace {

/// Authorities that issue under another name than that of their servers (their documentation of CAA).
struct Issuer {
  std::string_view host, name;
};
constexpr Issuer kIssuers[] = {{"zerossl.com", "sectigo.com"}};

bool is_below(std::string_view name, std::string_view zone) {
  return iequals(name, zone) || (name.size() > zone.size() && iequals(name.substr(name.size() - zone.size()), zone) &&
                                 name[name.size() - zone.size() - 1] == '.');
}

/// "ca.example.net" of "https://ca.example.net:14000/dir".
std::string_view host_of_url(std::string_view url) {
  url.remove_prefix(std::min(url.size(), url.find("://") == std::string_view::npos ? 0 : url.find("://") + 3));
  return url.substr(0, url.find_first_of(":/?#"));
}

/// Whom a record of CAA lets issue: "0 issue ca.example.net; account=1" gives "ca.example.net". Nothing: it says
/// nothing of that (RFC 8659 section 4.2).
std::optional<std::string_view> issuer_of(std::string_view text) {
  const auto words = split(text, ' ');
  if (words.size() < 2 || !iequals(words[1], "issue")) return std::nullopt;
  std::string_view value = text.substr(text.find(words[1]) + words[1].size());
  value = trim(value.substr(0, value.find(';')));
  return value;
}

/// Whether records of CAA let the authority issue that certificates are ordered of.
Finding judge_caa(const Machine& machine, const std::string& name, const dns::Answer& answer) {
  std::vector<std::string> texts;
  bool restricted = false, allowed = false;
  const std::string_view host = host_of_url(machine.authority);
  for (const dns::Record& record : answer.records) {
    texts.push_back(record.text);
    const auto issuer = issuer_of(record.text);
    if (!issuer) continue;
    restricted = true;
    const auto* other = std::ranges::find_if(kIssuers, [&](const Issuer& one) { return is_below(host, one.host); });
    if (!issuer->empty())
      allowed |= is_below(host, *issuer) || (other != std::end(kIssuers) && iequals(other->name, *issuer));
  }
  Finding finding{.level = Level::note,
                  .about = name,
                  .seen = name + " says who may issue certificates: " + joined(texts) + ".",
                  .means = "An authority that is not among them issues none for " + machine.hostname + "."};
  if (machine.authority.empty() || !restricted) return finding;
  finding.level = allowed ? Level::good : Level::warning;
  finding.means = allowed ? "That is the authority that certificates are ordered of."
                          : "Certificates are ordered of " + printable(host, 260) +
                                ", which is not among them: the next one will be refused.";
  if (!allowed) finding.advice = "Add a record with the name that the authority tells in its documentation of CAA.";
  return finding;
}

} // namespace

/// RFC 8659 section 3: the first name upwards that has any.
Task<std::vector<Finding>> check_caa(Patient& patient) {
  std::vector<Finding> findings;
  Asker& zone = patient.zone;
  std::string name = patient.world.machine.hostname;
  while (name.find('.') != std::string::npos) {
    std::string asked = name;
    const auto answer = co_await zone.query(std::move(asked), dns::kCaa);
    if (answer->status == dns::Status::servfail) {
      findings.push_back(
          unseen(no_answer(name, *answer) + " (CAA).", "An authority that gets none either issues no certificate."));
      co_return findings;
    }
    if (!answer->records.empty()) {
      findings.push_back(judge_caa(patient.world.machine, name, *answer));
      co_return findings;
    }
    name = name.substr(name.find('.') + 1);
  }
  findings.push_back({.level = Level::good, .seen = "Any authority may issue a certificate for this server (no CAA)."});
  co_return findings;
}

} // namespace paquebot::doctor
