// What reports on DMARC and TLS say of our domains, summed up for their pages. Whatever stands in them is a stranger's.

#include "base/text.h"
#include "control/handlers.h"
#include "control/page.h"
#include "control/report_mail.h"
#include "mailauth/dmarc_report.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

namespace paquebot::control {
namespace {

constexpr std::int64_t kDayLength = 24LL * 3'600'000;
constexpr std::uint64_t kUsualDays = 30, kMostReportDays = 365;
constexpr std::size_t kMostReportDomains = 200, kMostRowsShown = 100, kMostRowsKept = 20'000, kMostNames = 20;
constexpr std::uint64_t kMostAtOnceCounted = 1'000'000'000'000;
constexpr std::size_t kMostTold = 200;

std::string told(std::string_view text) { return printable(text, kMostTold); }
std::int64_t day_of(std::int64_t time) { return time - time % kDayLength; }

void remember_name(std::set<std::string>& names, std::string_view name) {
  if (names.size() < kMostNames) names.insert(told(name));
}

json::array in_list(const std::set<std::string>& names) { return json::array(names.begin(), names.end()); }

/// What both kinds of report have.
struct Span {
  std::uint64_t reports = 0;
  std::int64_t begin = 0, end = 0; ///< ms since 1970
  std::set<std::string> reporters{};

  void add(std::int64_t from, std::int64_t to, std::string_view reporter) {
    if (reports == 0 || from < begin) begin = from;
    end = std::max(end, to);
    ++reports;
    remember_name(reporters, reporter);
  }
  json::object shown(const std::string& domain) const {
    return {{"domain", domain},
            {"reports", reports},
            {"begin", time_value(begin)},
            {"end", time_value(end)},
            {"reporters", in_list(reporters)}};
  }
};

// ---- DMARC ----

class DmarcSums {
public:
  void add(const mailauth::DmarcReport& report) {
    if (!seen_.emplace(report.org_name, report.report_id, report.domain).second) return;
    Domain& domain = domains_[to_lower(report.domain)];
    const std::int64_t begin = report.begin * 1000, end = report.end * 1000;
    if (end >= domain.span.end) domain.policy = std::string(mailauth::to_string(report.p));
    domain.span.add(begin, end, report.org_name);
    for (const auto& row : report.rows) add_row(domain, day_of(begin), report, row);
  }
  json::array shown() const {
    json::array all;
    for (const auto& [name, domain] : domains_) all.push_back(shown(name, domain));
    return all;
  }

private:
  struct Sender {
    std::uint64_t messages = 0, spf = 0, dkim = 0, passed = 0, quarantined = 0, refused = 0;
  };
  struct Day {
    std::uint64_t messages = 0, passed = 0;
  };
  struct Domain {
    Span span{};
    std::string policy = "none";
    std::map<std::pair<std::string, std::string>, Sender> senders{}; ///< author's domain, source
    std::map<std::int64_t, Day> days{};
  };

  void add_row(Domain& domain, std::int64_t day, const mailauth::DmarcReport& report,
               const mailauth::DmarcReport::Row& row) {
    const std::uint64_t count = std::min<std::uint64_t>(row.count, kMostAtOnceCounted);
    const bool spf = iequals(row.spf, "pass"), dkim = iequals(row.dkim, "pass");
    Day& of_day = domain.days[day];
    of_day.messages += count;
    if (spf || dkim) of_day.passed += count;
    const std::pair key(told(row.header_from.empty() ? report.domain : row.header_from), told(row.source_ip));
    if (!domain.senders.contains(key) && kept_++ >= kMostRowsKept) return;
    Sender& sender = domain.senders[key];
    sender.messages += count;
    if (spf) sender.spf += count;
    if (dkim) sender.dkim += count;
    if (spf || dkim) sender.passed += count;
    if (iequals(row.disposition, "quarantine")) sender.quarantined += count;
    if (iequals(row.disposition, "reject")) sender.refused += count;
  }

  static json::object shown(const std::string& name, const Domain& domain) {
    std::vector<std::pair<std::pair<std::string, std::string>, Sender>> senders(domain.senders.begin(),
                                                                                domain.senders.end());
    std::ranges::stable_sort(senders, std::ranges::greater(), [](const auto& one) { return one.second.messages; });
    if (senders.size() > kMostRowsShown) senders.resize(kMostRowsShown);
    json::array rows, days;
    for (const auto& [key, one] : senders)
      rows.push_back(json::object{{"source", key.second},
                                  {"author", key.first},
                                  {"messages", one.messages},
                                  {"spf", one.spf},
                                  {"dkim", one.dkim},
                                  {"passed", one.passed},
                                  {"quarantined", one.quarantined},
                                  {"refused", one.refused}});
    std::uint64_t messages = 0, passed = 0;
    for (const auto& [day, one] : domain.days) {
      days.push_back(json::object{{"day", time_value(day)}, {"messages", one.messages}, {"passed", one.passed}});
      messages += one.messages;
      passed += one.passed;
    }
    json::object out = domain.span.shown(name);
    out["policy"] = domain.policy;
    out["messages"] = messages;
    out["passed"] = passed;
    out["senders"] = std::move(rows);
    out["days"] = std::move(days);
    return out;
  }

  std::map<std::string, Domain> domains_;
  std::set<std::tuple<std::string, std::string, std::string>> seen_;
  std::size_t kept_ = 0;
};

// ---- TLS (RFC 8460 section 4.4) ----

class TlsSums {
public:
  void add(const json::value& report) {
    const std::string reporter = get_text(report, "organization-name"), id = get_text(report, "report-id");
    if (!seen_.emplace(reporter, id).second) return;
    const auto* range = report.as_object().if_contains("date-range");
    if (range == nullptr) return;
    const std::int64_t begin = get_time(*range, "start-datetime"), end = get_time(*range, "end-datetime");
    if (begin <= 0) return;
    for (const json::value& one : get_list(report, "policies")) add_policy(one, begin, end, reporter);
  }
  json::array shown() const {
    json::array all;
    for (const auto& [name, domain] : domains_) all.push_back(shown(name, domain));
    return all;
  }

private:
  struct Day {
    std::uint64_t successes = 0, failures = 0;
  };
  using Kind = std::tuple<std::string, std::string, std::string>; ///< result, server, reason
  struct Domain {
    Span span{};
    std::map<Kind, std::uint64_t> kinds{};
    std::map<std::int64_t, Day> days{};
  };

  static std::uint64_t count_of(const json::value& value, std::string_view name) {
    return std::min(static_cast<std::uint64_t>(std::max<std::int64_t>(0, get_number(value, name))), kMostAtOnceCounted);
  }

  void add_policy(const json::value& one, std::int64_t begin, std::int64_t end, const std::string& reporter) {
    const auto* object = one.if_object();
    const auto* policy = object == nullptr ? nullptr : object->if_contains("policy");
    const auto* summary = object == nullptr ? nullptr : object->if_contains("summary");
    if (policy == nullptr || summary == nullptr) return;
    const auto name = mail::normalize_domain(get_text(*policy, "policy-domain"));
    if (!name) return;
    if (!domains_.contains(*name) && domains_.size() >= kMostReportDomains) return;
    Domain& domain = domains_[*name];
    domain.span.add(begin, end, reporter);
    Day& day = domain.days[day_of(begin)];
    day.successes += count_of(*summary, "total-successful-session-count");
    day.failures += count_of(*summary, "total-failure-session-count");
    for (const json::value& detail : get_list(one, "failure-details")) {
      const Kind kind(told(get_text(detail, "result-type")), told(get_text(detail, "receiving-mx-hostname")),
                      told(get_text(detail, "failure-reason-code")));
      if (!domain.kinds.contains(kind) && kept_++ >= kMostRowsKept) continue;
      domain.kinds[kind] += count_of(detail, "failed-session-count");
    }
  }

  static json::object shown(const std::string& name, const Domain& domain) {
    std::vector<std::pair<Kind, std::uint64_t>> kinds(domain.kinds.begin(), domain.kinds.end());
    std::ranges::stable_sort(kinds, std::ranges::greater(), [](const auto& one) { return one.second; });
    if (kinds.size() > kMostRowsShown) kinds.resize(kMostRowsShown);
    json::array rows, days;
    for (const auto& [kind, count] : kinds)
      rows.push_back(json::object{
          {"kind", std::get<0>(kind)}, {"server", std::get<1>(kind)}, {"reason", std::get<2>(kind)}, {"count", count}});
    std::uint64_t successes = 0, failures = 0;
    for (const auto& [day, one] : domain.days) {
      days.push_back(json::object{{"day", time_value(day)}, {"successes", one.successes}, {"failures", one.failures}});
      successes += one.successes;
      failures += one.failures;
    }
    json::object out = domain.span.shown(name);
    out["successes"] = successes;
    out["failures"] = failures;
    out["kinds"] = std::move(rows);
    out["days"] = std::move(days);
    return out;
  }

  std::map<std::string, Domain> domains_;
  std::set<std::pair<std::string, std::string>> seen_;
  std::size_t kept_ = 0;
};

// ---- Both ----

/// What a request asks about.
struct ReportWish {
  std::vector<std::string> domains;
  std::int64_t since = 0;
};

Task<Found<ReportWish>> read_report_wish(Context& context, const Call& call) {
  ReportWish wish;
  const std::string text = call.ask("days");
  const auto days = text.empty() ? std::optional<std::uint64_t>(kUsualDays) : parse_u64(text);
  if (!days || *days == 0 || *days > kMostReportDays)
    co_return refuse(Errc::invalid, "\"days\" must be a number from 1 to 365", {}, "days");
  wish.since = millis(system_clock().wall()) - static_cast<std::int64_t>(*days) * kDayLength;
  if (const std::string only = call.ask("domain"); !only.empty()) {
    const auto name = read_domain(only);
    if (!name) co_return std::unexpected(name.error());
    if (const auto ours = co_await need_domain(context, *name); !ours) co_return std::unexpected(ours.error());
    wish.domains.push_back(*name);
    co_return wish;
  }
  store::Within within = within_reach(call.asker);
  std::string from_start;
  const std::size_t most = kMostReportDomains;
  const auto all = co_await context.store.directory().page_domains(std::move(within), std::move(from_start), most);
  if (!all) co_return std::unexpected(all.error());
  for (const store::Domain& one : *all) wish.domains.push_back(one.name);
  co_return wish;
}

/// Only what is about these domains: anybody can send a report about any other to an address of ours.
json::array about(json::array all, const std::vector<std::string>& domains) {
  json::array kept;
  for (json::value& one : all)
    if (std::ranges::find(domains, get_text(one, "domain")) != domains.end()) kept.push_back(std::move(one));
  return kept;
}

} // namespace

Task<Answer> sum_dmarc_reports(Context& context, Call call) {
  const auto wish = co_await read_report_wish(context, call);
  if (!wish) co_return std::unexpected(wish.error());
  DmarcSums sums;
  std::function<void(const std::string&)> use = [&sums](const std::string& message) {
    for (const std::string& text : attached_texts(message))
      if (const auto report = mailauth::parse_dmarc_report(text)) sums.add(*report);
  };
  std::vector<std::string> domains = wish->domains;
  const auto skipped = co_await each_report(context, std::move(domains), wish->since, std::move(use));
  if (!skipped) co_return std::unexpected(skipped.error());
  co_return json::object{{"domains", about(sums.shown(), wish->domains)}, {"skipped", *skipped}};
}

Task<Answer> sum_tls_reports(Context& context, Call call) {
  const auto wish = co_await read_report_wish(context, call);
  if (!wish) co_return std::unexpected(wish.error());
  TlsSums sums;
  std::function<void(const std::string&)> use = [&sums](const std::string& message) {
    for (const std::string& text : attached_texts(message)) {
      if (!trim(text).starts_with('{')) continue;
      const auto report = parse_json(text, "the report");
      if (report && report->is_object()) sums.add(*report);
    }
  };
  std::vector<std::string> domains = wish->domains;
  const auto skipped = co_await each_report(context, std::move(domains), wish->since, std::move(use));
  if (!skipped) co_return std::unexpected(skipped.error());
  co_return json::object{{"domains", about(sums.shown(), wish->domains)}, {"skipped", *skipped}};
}

} // namespace paquebot::control
