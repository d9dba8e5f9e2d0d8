#include "base/clock.h"
#include "base/encoding.h"
#include "base/log.h"
#include "base/text.h"
#include "cli/dmarc_summary.h"
#include "cli/tls_summary.h"
#include "cli/verbs.h"
#include "control/target.h"

#include <functional>
#include <ostream>
#include <string_view>

namespace paquebot::cli {
namespace {

constexpr std::int64_t kDayMs = 24LL * 3600 * 1000;
constexpr std::uint64_t kMostDays = 3650;
constexpr std::size_t kMostProblems = 10;

/// What was found in mailboxes.
struct Found {
  DmarcSummary summary;
  TlsSummary tls;
  std::vector<std::string> problems; ///< what was no report after all
  std::uint64_t skipped = 0;         ///< messages that were too large
};

/// Where reports are looked for: the address given, else the postmaster of each domain of ours.
Result<std::vector<std::string>> addresses_of(Session& session, const Arguments& arguments) {
  if (const std::string address = arguments.text("--address"); !address.empty())
    return std::vector<std::string>{address};
  const auto list = session.call_list("/v1/domains", "domains");
  if (!list) return std::unexpected(list.error());
  std::vector<std::string> out;
  for (const auto& domain : control::get_list(*list, "domains"))
    out.push_back("postmaster@" + control::get_text(domain, "name"));
  return out;
}

/// Reads one message.
using Reader = std::function<void(std::string_view message, const std::string& domain, Found& found)>;

void read_dmarc_message(std::string_view message, const std::string& domain, Found& found) {
  for (const auto& report : reports_of(message, found.problems))
    if (domain.empty() || iequals(report.domain, domain)) found.summary.add(report);
}

void read_tls_message(std::string_view message, const std::string& domain, Found& found) {
  for (const auto& report : tls_reports_of(message, found.problems)) found.tls.add(report, domain);
}

Result<> read_mailbox(Session& session, const std::string& address, std::int64_t since, const std::string& domain,
                      const Reader& read, Found& found) {
  for (std::int64_t after = 0;;) {
    const std::string target = "/v1/dmarc-reports?address=" + control::percent_encode(address) +
                               "&since=" + control::percent_encode(log::time_of(from_millis(since))) +
                               "&after=" + std::to_string(after);
    const auto page = session.call("GET", target);
    if (!page) return std::unexpected(page.error());
    for (const auto& message : control::get_list(*page, "messages"))
      if (const auto text = base64_decode(control::get_text(message, "content"))) read(*text, domain, found);
    found.skipped += static_cast<std::uint64_t>(control::get_number(*page, "skipped"));
    after = control::get_number(*page, "next");
    if (after == 0) return {};
  }
}

template <class Summary>
void print(Session& session, const Summary& summary, const Found& found) {
  if (session.json) {
    session.out() << control::to_pretty_text(summary.to_json());
  } else if (summary.empty()) {
    session.out() << "no reports found\n";
  } else {
    summary.print(session.out());
  }
  if (found.skipped > 0) session.err() << found.skipped << " messages are too large and were passed over\n";
  for (std::size_t i = 0; i < found.problems.size() && i < kMostProblems; ++i)
    session.err() << "not read: " << printable(found.problems[i]) << '\n';
}

/// What both kinds of reports have in common: 0, or the exit code.
int gather(Session& session, const Arguments& arguments, const Reader& read, Found& found) {
  std::uint64_t days = 7;
  if (const std::string text = arguments.text("--days"); !text.empty()) {
    const auto number = parse_u64(text);
    if (!number || *number == 0 || *number > kMostDays)
      return session.report({Errc::invalid, "--days must be a number from 1 to 3650"});
    days = *number;
  }
  const auto addresses = addresses_of(session, arguments);
  if (!addresses) return session.report(addresses.error());
  const std::int64_t since = millis(system_clock().wall()) - static_cast<std::int64_t>(days) * kDayMs;
  for (const std::string& address : *addresses) {
    const auto done = read_mailbox(session, address, since, arguments.text("--domain"), read, found);
    // A domain may have no postmaster of its own; an address that was asked for must be there.
    const bool missing = !done && done.error().code == Errc::not_found && !arguments.has("--address");
    if (!done && !missing) return session.report(done.error());
  }
  return kOk;
}

} // namespace

int report_dmarc(Session& session, const Arguments& arguments) {
  Found found;
  const int code = gather(session, arguments, read_dmarc_message, found);
  if (code == kOk) print(session, found.summary, found);
  return code;
}

int report_tls(Session& session, const Arguments& arguments) {
  Found found;
  const int code = gather(session, arguments, read_tls_message, found);
  if (code == kOk) print(session, found.tls, found);
  return code;
}

} // namespace paquebot::cli
