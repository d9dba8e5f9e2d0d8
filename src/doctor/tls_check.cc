// What others see of our certificate.

#include "base/text.h"
#include "dns/wire.h"
#include "doctor/checks.h"
#include "net/certificate.h"
#include "net/certificate_trust.h"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

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
          .advice = "Get one from an authority for " + hostname + " and name it: [tls] certificate, key."};
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
      if (one.tls == ListenerFacts::Tls::none && (one.role == "submission" || one.role == "pop3" || one.role == "mx"))
        findings.push_back({.level = one.bound.address.starts_with("127.") ? Level::note : Level::warning,
                            .about = one.role + " on port " + std::to_string(one.bound.port),
                            .seen = "The listener " + one.role + " on " + one.bound.to_string() + " has no TLS.",
                            .means = "What goes through it can be read on the way."});
  }
  const auto facts = net::read_certificate(pem);
  if (machine.certificate->file.empty() || (facts && facts->self_signed)) {
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
      std::vector<std::string> texts;
      for (const dns::Record& record : answer->records) texts.push_back(record.text);
      findings.push_back(
          {.level = Level::note,
           .about = name,
           .seen = name + " says who may issue certificates: " + joined(texts) + ".",
           .means = "An authority that is not among them issues none for " + patient.world.machine.hostname + "."});
      co_return findings;
    }
    name = name.substr(name.find('.') + 1);
  }
  findings.push_back({.level = Level::good, .seen = "Any authority may issue a certificate for this server (no CAA)."});
  co_return findings;
}

} // namespace paquebot::doctor
