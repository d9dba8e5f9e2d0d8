#include "cli/tls_summary.h"

#include "base/text.h"
#include "cli/dmarc_summary.h"
#include "mailauth/gzip.h"

#include <algorithm>
#include <fmt/chrono.h>
#include <fmt/format.h>

namespace paquebot::cli {
namespace {

constexpr std::size_t kMostNames = 20, kMostTlsDomains = 1'000, kMostSeen = 10'000, kMostShownFailures = 20;

std::string shown_text(std::string_view text) { return printable(text, 120); }

void note_name(std::set<std::string>& names, const std::string& name) {
  if (names.size() < kMostNames) names.insert(name);
}

std::string names_list(const std::set<std::string>& names) {
  std::string out;
  for (const std::string& name : names) out += (out.empty() ? "" : ", ") + shown_text(name);
  return out;
}

std::string date_of(std::int64_t seconds) {
  const auto time = static_cast<std::time_t>(std::clamp<std::int64_t>(seconds, 0, 253'402'300'799));
  return fmt::format("{:%Y-%m-%d}", fmt::gmtime(time));
}

/// What to do about it (RFC 8460 section 4.3).
std::string_view advice_on(std::string_view result) {
  if (result == "starttls-not-supported") return "they found no STARTTLS: something in between may strip it";
  if (result == "certificate-expired") return "renew the certificate (paquebot tls status)";
  if (result == "certificate-host-mismatch") return "the certificate must name the host that MX records name";
  if (result == "certificate-not-trusted") return "the certificate must be of an authority that others trust";
  if (result == "tlsa-invalid" || result == "validation-failure" || result == "dane-required")
    return "compare the TLSA records with the key in force (paquebot tls status)";
  if (result == "dnssec-invalid") return "the zone's signatures do not validate";
  if (result.starts_with("sts-")) return "look at https://mta-sts.DOMAIN/.well-known/mta-sts.txt (paquebot doctor)";
  return "";
}

bool may_be_tls_report(const std::string& type, const std::string& name) {
  if (type == "application/tlsrpt+gzip" || type == "application/tlsrpt+json") return true;
  return name.ends_with(".json.gz") || name.ends_with(".json");
}

} // namespace

std::vector<mailauth::TlsReport> tls_reports_of(std::string_view message, std::vector<std::string>& problems) {
  std::vector<mailauth::TlsReport> out;
  for (const auto& [name, content] : attachments_of(message, may_be_tls_report, problems)) {
    std::string text;
    const auto unpacked = mailauth::unpack(content, mailauth::kMostTlsReport, [&text](std::string_view piece) {
      text += piece;
      return true;
    });
    auto report = unpacked ? mailauth::parse_tls_report(text) : std::unexpected(unpacked.error());
    if (report)
      out.push_back(std::move(*report));
    else
      problems.push_back(shown_text(name) + ": " + report.error().message);
  }
  return out;
}

void TlsSummary::add(const mailauth::TlsReport& report, const std::string& only) {
  if (seen_.size() >= kMostSeen || !seen_.emplace(report.organization, report.id).second) return;
  std::set<std::string> told;
  for (const mailauth::TlsReport::Policy& policy : report.policies) {
    if (!only.empty() && !iequals(policy.domain, only)) continue;
    if (!domains_.contains(policy.domain) && domains_.size() >= kMostTlsDomains) continue;
    Domain& domain = domains_[policy.domain];
    if (domain.reports == 0 || report.begin < domain.begin) domain.begin = report.begin;
    if (domain.reports == 0 || report.end > domain.end) domain.end = report.end;
    if (told.insert(policy.domain).second) ++domain.reports;
    domain.successes += policy.successes;
    domain.failures += policy.failures;
    note_name(domain.reporters, report.organization);
    note_name(domain.policies, policy.type);
    for (const mailauth::TlsReport::Failure& failure : policy.details) {
      const Failure key{failure.result, failure.mx, failure.reason};
      if (!domain.failed.contains(key) && ++kept_ > kMostFailures) continue;
      domain.failed[key] += failure.count;
    }
  }
}

void TlsSummary::print(std::ostream& out) const {
  for (const auto& [name, domain] : domains_) {
    out << shown_text(name) << ": " << domain.reports << " reports, " << date_of(domain.begin) << " to "
        << date_of(domain.end) << ", by " << names_list(domain.reporters) << '\n'
        << "  " << domain.successes << " sessions as they should be, " << domain.failures
        << " not; policies: " << names_list(domain.policies) << '\n';
    std::vector<std::pair<std::uint64_t, const Failure*>> order;
    for (const auto& [failure, count] : domain.failed) order.emplace_back(count, &failure);
    std::ranges::sort(order, [](const auto& a, const auto& b) { return a.first > b.first; });
    for (std::size_t i = 0; i < order.size() && i < kMostShownFailures; ++i) {
      const auto& [result, host, reason] = *order[i].second;
      out << "  " << order[i].first << " times " << shown_text(result) << " at "
          << (host.empty() ? "?" : shown_text(host));
      if (!reason.empty()) out << " (" << shown_text(reason) << ")";
      const std::string_view advice = advice_on(result);
      out << (advice.empty() ? "" : ": ") << advice << '\n';
    }
  }
}

control::json::value TlsSummary::to_json() const {
  namespace json = control::json;
  json::array domains;
  for (const auto& [name, domain] : domains_) {
    json::array failures, reporters;
    for (const std::string& reporter : domain.reporters) reporters.emplace_back(reporter);
    for (const auto& [failure, count] : domain.failed)
      failures.push_back(json::object{{"result", std::get<0>(failure)},
                                      {"host", std::get<1>(failure)},
                                      {"reason", std::get<2>(failure)},
                                      {"sessions", count}});
    domains.push_back(json::object{{"domain", name},
                                   {"reports", domain.reports},
                                   {"begin", control::time_value(domain.begin * 1000)},
                                   {"end", control::time_value(domain.end * 1000)},
                                   {"reporters", std::move(reporters)},
                                   {"successes", domain.successes},
                                   {"failures", domain.failures},
                                   {"failed", std::move(failures)}});
  }
  return json::object{{"domains", std::move(domains)}};
}

} // namespace paquebot::cli
