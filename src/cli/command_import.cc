#include "base/text.h"
#include "cli/client_target.h"
#include "cli/import.h"
#include "cli/import_carrier.h"
#include "cli/import_imap.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/verbs.h"
#include "control/control.h"
#include "control/target.h"
#include "imap/mailbox_name.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>
#include <optional>

namespace paquebot::cli {
namespace {

constexpr std::size_t kMaxLine = 4096;

/// "login:hash[:quota]". Hashes of crypt(3) and argon2id hold no colon.
Result<json::object> read_account_line(std::string_view line) {
  const auto parts = split(line, ':');
  if (parts.size() < 2 || parts.size() > 3 || parts[0].empty() || parts[1].empty()) {
    return fail(Errc::invalid, "not of the form login:hash[:quota]");
  }
  json::object account{{"login", std::string(trim(parts[0]))}, {"hash", std::string(trim(parts[1]))}};
  if (parts.size() == 3 && !trim(parts[2]).empty()) {
    const auto quota = parse_size(parts[2]);
    if (!quota) return std::unexpected(quota.error());
    account["quota"] = *quota;
  }
  return account;
}

/// Errors that concern one line; any other ends the import.
bool concerns_one(const Error& error) {
  return error.code == Errc::invalid || error.code == Errc::conflict || error.code == Errc::not_found;
}

struct Counts {
  std::uint64_t done = 0;
  std::uint64_t before = 0; ///< there already: the import was run again
  std::uint64_t failed = 0;
};

/// And no alias.
bool is_account(Session& session, const json::object& wanted) {
  return session.call("GET", "/v1/accounts/" + control::path_encode(control::get_text(wanted, "login"))).has_value();
}

Result<Counts> import_lines(Session& session, std::istream& in, const std::string& name) {
  Counts counts;
  std::string line;
  for (std::uint64_t number = 1; std::getline(in, line); ++number) {
    auto text = std::string_view(line);
    if (constexpr std::string_view kMark = "\xEF\xBB\xBF"; number == 1 && text.starts_with(kMark))
      text.remove_prefix(kMark.size());
    text = trim(text);
    if (text.empty() || text.starts_with('#')) continue;
    auto account = text.size() <= kMaxLine ? read_account_line(text) : fail(Errc::invalid, "the line is too long");
    Result<json::value> answer = account ? session.call("POST", "/v1/accounts", control::to_text(*account))
                                         : Result<json::value>(std::unexpected(account.error()));
    if (answer) {
      ++counts.done;
      continue;
    }
    if (answer.error().code == Errc::conflict && is_account(session, *account)) {
      ++counts.before;
      continue;
    }
    if (!concerns_one(answer.error())) return std::unexpected(answer.error());
    ++counts.failed;
    session.err() << name << ':' << number << ": " << printable(answer.error().message, 1024) << '\n';
  }
  return counts;
}

int report_counts(Session& session, std::uint64_t done, std::uint64_t before, std::uint64_t failed,
                  std::string_view noun) {
  if (session.json) {
    session.out() << control::to_pretty_text(json::object{{"imported", done}, {"before", before}, {"failed", failed}});
  } else {
    session.out() << count_text(static_cast<std::int64_t>(done), noun) << " imported";
    if (before > 0) session.out() << ", " << before << " there before";
    if (failed > 0) session.out() << ", " << failed << " not (see above)";
    session.out() << ".\n";
  }
  return failed == 0 ? kOk : kBadData;
}

/// Of mail. `kept`: mailboxes with the uids of elsewhere.
int report_mail(Session& session, const ImportSummary& summary, std::uint64_t kept) {
  if (session.json) {
    session.out() << control::to_pretty_text(json::object{
        {"imported", summary.imported}, {"before", summary.before}, {"failed", summary.failed}, {"uids_kept", kept}});
    return summary.failed == 0 ? kOk : kBadData;
  }
  const int told = report_counts(session, summary.imported, summary.before, summary.failed, "message");
  if (kept > 0)
    session.out() << "Uids were kept in " << count_text(static_cast<std::int64_t>(kept), "folder")
                  << ": IMAP clients know that mail already.\n";
  return told;
}

int tell_of_import(Session& session, Result<ImportSummary>& summary, ImportCarrier& carrier) {
  if (!summary) {
    session.report(summary.error());
    return summary.error().code == Errc::not_found ? int{kNoInput} : int{exit_code(summary.error())};
  }
  const auto kept = summary->ended ? Result<std::uint64_t>(0) : carrier.keep_uids();
  if (!kept) summary->ended = kept.error();
  const int told = report_mail(session, *summary, kept.value_or(0));
  return summary->ended ? session.report(*summary->ended) : told;
}

/// --folder; empty: INBOX.
Result<std::string> wanted_folder(const Arguments& arguments) {
  const std::string text = arguments.text("--folder");
  if (text.empty()) return text;
  auto name = imap::read_name(text, true);
  const auto refusal = name ? imap::refusal_of_name(*name) : std::optional<std::string_view>("it is no UTF-8");
  if (refusal) return fail(Errc::invalid, "--folder can't be the name of a mailbox: " + std::string(*refusal));
  return *name == "INBOX" ? std::string() : std::move(*name);
}

} // namespace

int import_accounts(Session& session, const Arguments& arguments) {
  const std::string name = arguments.text("FILE");
  std::ifstream file;
  if (name != "-") {
    file.open(name);
    if (!file) {
      session.err() << "paquebot: can't read " << printable(name) << ": " << std::strerror(errno) << '\n';
      return kNoInput;
    }
  }
  const auto counts = import_lines(session, name == "-" ? session.in() : file, printable(name));
  if (!counts) return session.report(counts.error());
  if (counts->done + counts->before + counts->failed == 0) {
    session.err() << "paquebot: " << printable(name) << " holds no account: there is nothing to import\n";
    return kNoInput;
  }
  return report_counts(session, counts->done, counts->before, counts->failed, "account");
}

int import_mail(Session& session, const Arguments& arguments) {
  const std::string login = arguments.text("LOGIN");
  const std::string path = arguments.text("PATH");
  const auto folder = wanted_folder(arguments);
  if (!folder) return session.report(folder.error());
  // The account first: nobody wants to read a gigabyte to learn of a typing error.
  const auto account = session.call("GET", "/v1/accounts/" + control::path_encode(login));
  if (!account) return session.report(account.error());
  std::ostream* terminal = session.terminal() && !arguments.has("--quiet") ? &session.err() : nullptr;
  Result<ImportSummary> summary;
  std::optional<ProgressBar> bar(std::in_place, terminal, "importing", octets_of_mailbox(path));
  ImportCarrier carrier(session, control::get_text(*account, "login"), *bar, arguments.has("--again"));
  summary = import_mailbox(
      path, *folder,
      [&](const ImportedMessage& message, const ImportContent& content) { return carrier.carry(message, content); },
      session.err(), [&](const ImportedFolder& one) { return carrier.make_folder(one); });
  bar.reset();
  return tell_of_import(session, summary, carrier);
}

/// From a server of somewhere else.
int import_imap_mail(Session& session, const Arguments& arguments) {
  if (arguments.text("--server").empty() || arguments.text("--user").empty())
    return session.report(
        session.failure(kUsage, "say from where and as whom: --server imap.example.org --user ann").error());
  const auto folder = wanted_folder(arguments);
  if (!folder) return session.report(folder.error());
  const auto account = session.call("GET", "/v1/accounts/" + control::path_encode(arguments.text("LOGIN")));
  if (!account) return session.report(account.error());
  const auto target = read_target(session, arguments, nullptr, "");
  if (!target) return session.report(target.error());
  std::ostream* terminal = session.terminal() && !arguments.has("--quiet") ? &session.err() : nullptr;
  Result<ImportSummary> summary;
  ProgressBar octets(nullptr, {}, 0);
  std::optional<ProgressBar> bar(std::in_place, terminal, "importing", 0, "message");
  ImportCarrier carrier(session, control::get_text(*account, "login"), octets, arguments.has("--again"));
  summary = import_imap(
      *target, *folder, *bar,
      [&](const ImportedMessage& message, const ImportContent& content) { return carrier.carry(message, content); },
      session.err(), [&](const ImportedFolder& one) { return carrier.make_folder(one); });
  bar.reset();
  return tell_of_import(session, summary, carrier);
}

} // namespace paquebot::cli
