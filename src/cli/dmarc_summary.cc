#include "cli/dmarc_summary.h"

#include "base/text.h"
#include "cli/mime_view.h"
#include "cli/output.h"
#include "cli/temp_file.h"

#include <algorithm>
#include <array>
#include <fmt/chrono.h>
#include <fmt/format.h>

namespace paquebot::cli {
namespace {

constexpr std::size_t kMostAttachments = 10; ///< of one message that are looked at
constexpr std::uint64_t kMostAttached = 10u << 20;
constexpr std::size_t kMostReporters = 20;
constexpr std::size_t kMostAdvice = 20; ///< senders that are told of one by one
constexpr std::size_t kShown = 80;

std::string shown(std::string_view text) { return printable(text, kShown); }

bool may_be_report(const std::string& type, const std::string& name) {
  constexpr std::array kTypes = {"application/gzip",
                                 "application/x-gzip",
                                 "application/zip",
                                 "application/x-zip",
                                 "text/xml",
                                 "application/xml",
                                 "application/x-zip-compressed",
                                 "application/x-gzip-compressed"};
  if (std::ranges::any_of(kTypes, [&type](const char* one) { return type == one; })) return true;
  return type == "application/octet-stream" &&
         (name.ends_with(".gz") || name.ends_with(".zip") || name.ends_with(".xml"));
}

Result<std::string> content_of(const MimeView& view, std::size_t index) {
  auto file = TempFile::make();
  if (!file) return std::unexpected(file.error());
  if (auto saved = view.save(index, file->descriptor()); !saved) return std::unexpected(saved.error());
  const auto size = file->size();
  if (!size) return std::unexpected(size.error());
  if (*size > kMostAttached) return fail(Errc::invalid, "it is too large");
  if (auto begun = file->rewind(); !begun) return std::unexpected(begun.error());
  std::string text(*size, '\0');
  const auto got = file->read(text.data(), text.size());
  if (!got) return std::unexpected(got.error());
  text.resize(*got);
  return text;
}

std::string day_text(std::int64_t seconds) {
  constexpr std::int64_t kYear9999 = 253'402'300'799;
  const auto time = static_cast<std::time_t>(std::clamp<std::int64_t>(seconds, 0, kYear9999));
  return fmt::format("{:%Y-%m-%d}", fmt::gmtime(time));
}

std::string joined(const std::set<std::string>& names) {
  std::string out;
  for (const std::string& name : names) out += (out.empty() ? "" : ", ") + shown(name);
  return names.size() >= kMostReporters ? out + ", ..." : out;
}

/// "all", "none", or how many of them.
std::string share(std::uint64_t part, std::uint64_t whole) {
  return part == 0 ? "none" : part == whole ? "all" : std::to_string(part);
}

void remember(std::set<std::string>& names, const std::string& name) {
  if (names.size() < kMostReporters) names.insert(name);
}

} // namespace

std::vector<std::pair<std::string, std::string>>
attachments_of(std::string_view message,
               const std::function<bool(const std::string& type, const std::string& name)>& wanted,
               std::vector<std::string>& problems) {
  std::vector<std::pair<std::string, std::string>> out;
  auto file = TempFile::make();
  if (!file) return problems.push_back(file.error().message), out;
  auto written = file->append(message);
  if (written) written = file->rewind();
  if (!written) return problems.push_back(written.error().message), out;
  const auto view = MimeView::open(*file);
  if (!view) return problems.push_back(view.error().message), out;
  for (std::size_t i = 0, looked_at = 0; i < view->attachments().size() && looked_at < kMostAttachments; ++i) {
    const MimeView::Attachment& part = view->attachments()[i];
    if (!wanted(to_lower(part.type), to_lower(part.name))) continue;
    ++looked_at;
    auto content = content_of(*view, i);
    if (content)
      out.emplace_back(part.name, std::move(*content));
    else
      problems.push_back(shown(part.name) + ": " + content.error().message);
  }
  return out;
}

std::vector<mailauth::DmarcReport> reports_of(std::string_view message, std::vector<std::string>& problems) {
  std::vector<mailauth::DmarcReport> out;
  for (const auto& [name, content] : attachments_of(message, may_be_report, problems)) {
    auto report = mailauth::parse_dmarc_report(content);
    if (report)
      out.push_back(std::move(*report));
    else
      problems.push_back(shown(name) + ": " + report.error().message);
  }
  return out;
}

void DmarcSummary::add(const mailauth::DmarcReport& report) {
  if (!seen_.emplace(report.org_name, report.report_id, report.domain).second) return;
  Domain& domain = domains_[report.domain];
  if (domain.reports == 0 || report.begin < domain.begin) domain.begin = report.begin;
  if (domain.reports == 0 || report.end > domain.end) {
    domain.end = report.end;
    domain.policy = report.p;
  }
  ++domain.reports;
  remember(domain.reporters, report.org_name);
  for (const auto& row : report.rows) add_row(domain, report, row);
}

void DmarcSummary::add_row(Domain& domain, const mailauth::DmarcReport& report, const mailauth::DmarcReport::Row& row) {
  const std::uint64_t count = std::min<std::uint64_t>(row.count, 1'000'000'000'000);
  SenderKey key(row.header_from.empty() ? report.domain : row.header_from, row.source_ip);
  auto found = domain.senders.find(key);
  if (found == domain.senders.end()) {
    if (senders_ >= kMostSenders) {
      domain.left_out += count;
      return;
    }
    ++senders_;
    found = domain.senders.emplace(std::move(key), Sender{}).first;
  }
  Sender& sender = found->second;
  const bool spf = iequals(row.spf, "pass"), dkim = iequals(row.dkim, "pass");
  sender.count += count;
  if (spf) sender.spf += count;
  if (dkim) sender.dkim += count;
  if (spf || dkim) sender.passed += count;
  if (iequals(row.disposition, "quarantine")) sender.quarantined += count;
  if (iequals(row.disposition, "reject")) sender.refused += count;
  remember(sender.reporters, report.org_name);
}

std::vector<std::pair<DmarcSummary::SenderKey, const DmarcSummary::Sender*>>
DmarcSummary::by_count(const Domain& domain) {
  std::vector<std::pair<SenderKey, const Sender*>> out;
  out.reserve(domain.senders.size());
  for (const auto& [key, sender] : domain.senders) out.emplace_back(key, &sender);
  std::ranges::sort(out, [](const auto& one, const auto& other) {
    return one.second->count != other.second->count ? one.second->count > other.second->count : one.first < other.first;
  });
  return out;
}

void DmarcSummary::print(std::ostream& out) const {
  bool first = true;
  for (const auto& [name, domain] : domains_) {
    if (!first) out << '\n';
    first = false;
    print_domain(out, name, domain);
  }
}

void DmarcSummary::print_domain(std::ostream& out, const std::string& name, const Domain& domain) {
  std::uint64_t all = 0, passed = 0;
  for (const auto& [key, sender] : domain.senders) {
    all += sender.count;
    passed += sender.passed;
  }
  out << shown(name) << ": " << count_text(static_cast<std::int64_t>(domain.reports), "report") << ", "
      << day_text(domain.begin) << " to " << day_text(domain.end) << ", from " << joined(domain.reporters) << '\n'
      << count_text(static_cast<std::int64_t>(all), "message") << ": " << passed << " pass DMARC, " << all - passed
      << " fail\n";
  if (domain.left_out > 0) out << "and " << domain.left_out << " messages of further senders\n";
  out << '\n';
  Table table({"SOURCE", "AUTHOR", "MESSAGES", "SPF", "DKIM", "PASS", "QUARANTINED", "REFUSED", "TOLD BY"});
  for (const std::size_t column : {2U, 3U, 4U, 5U, 6U, 7U}) table.align_right(column);
  for (const auto& [key, sender] : by_count(domain))
    table.add({shown(key.second), shown(key.first), std::to_string(sender->count), share(sender->spf, sender->count),
               share(sender->dkim, sender->count), share(sender->passed, sender->count),
               std::to_string(sender->quarantined), std::to_string(sender->refused), joined(sender->reporters)});
  table.print(out);
  print_advice(out, name, domain);
}

void DmarcSummary::print_advice(std::ostream& out, const std::string& name, const Domain& domain) {
  std::vector<std::string> lines;
  for (const auto& [key, sender] : by_count(domain)) {
    if (lines.size() >= kMostAdvice) break;
    const std::string source = shown(key.second);
    const std::string author = shown(key.first);
    const std::uint64_t failed = sender->count - sender->passed;
    if (failed > 0)
      lines.push_back(fmt::format("{}: {} in the name of {} pass neither SPF nor DKIM. If it is a server of yours, put "
                                  "it into the SPF record of {} and let it sign with DKIM; if it is not, somebody "
                                  "forges or forwards your mail, and there is nothing to do but p=reject.",
                                  source, count_text(static_cast<std::int64_t>(failed), "message"), author, author));
    else if (sender->dkim == 0)
      lines.push_back(fmt::format(
          "{}: passes by SPF alone, so its mail fails once somebody forwards it: let it sign with DKIM.", source));
    else if (sender->spf == 0)
      lines.push_back(fmt::format("{}: passes by DKIM alone. That is well for a forwarder or a mailing list; a server "
                                  "of yours belongs into the SPF record.",
                                  source));
  }
  const bool all_pass =
      std::ranges::all_of(domain.senders, [](const auto& one) { return one.second.passed == one.second.count; });
  if (all_pass && domain.policy != mailauth::DmarcPolicy::reject)
    lines.push_back(
        fmt::format("All mail passes: {} may ask for more in its DMARC record: {}.", shown(name),
                    domain.policy == mailauth::DmarcPolicy::none ? "p=quarantine, then p=reject" : "p=reject"));
  if (!lines.empty()) out << "\nWhat to do:\n";
  for (const std::string& line : lines) out << "  " << line << '\n';
}

control::json::value DmarcSummary::to_json() const {
  namespace json = control::json;
  const auto names = [](const std::set<std::string>& all) { return json::array(all.begin(), all.end()); };
  json::array domains;
  for (const auto& [name, domain] : domains_) {
    json::array senders;
    for (const auto& [key, sender] : by_count(domain))
      senders.push_back(json::object{{"source", key.second},
                                     {"author", key.first},
                                     {"messages", sender->count},
                                     {"spf", sender->spf},
                                     {"dkim", sender->dkim},
                                     {"passed", sender->passed},
                                     {"quarantined", sender->quarantined},
                                     {"refused", sender->refused},
                                     {"reporters", names(sender->reporters)}});
    domains.push_back(json::object{{"domain", name},
                                   {"reports", domain.reports},
                                   {"begin", domain.begin * 1000},
                                   {"end", domain.end * 1000},
                                   {"policy", std::string(mailauth::to_string(domain.policy))},
                                   {"reporters", names(domain.reporters)},
                                   {"senders", std::move(senders)},
                                   {"left_out", domain.left_out}});
  }
  return json::object{{"domains", std::move(domains)}};
}

} // namespace paquebot::cli
