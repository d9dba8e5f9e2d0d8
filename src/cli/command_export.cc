#include "base/text.h"
#include "cli/export.h"
#include "cli/export_place.h"
#include "cli/output.h"
#include "cli/safe_folder.h"
#include "cli/verbs.h"
#include "control/control.h"
#include "control/target.h"

#include <iostream>
#include <optional>

namespace paquebot::cli {
namespace {

/// The logins; one of a login, and all of a domain.
Result<std::vector<std::string>> logins_of(Session& session, const std::string& whose) {
  std::vector<std::string> logins;
  if (whose.contains('@')) {
    const auto list = session.call("GET", "/v1/accounts/" + control::path_encode(whose) + "/folders");
    if (!list) return std::unexpected(list.error());
    logins.push_back(control::get_text(*list, "login"));
    return logins;
  }
  const auto list = session.call_list("/v1/accounts?domain=" + control::percent_encode(whose), "accounts");
  if (!list) return std::unexpected(list.error());
  for (const json::value& one : control::get_list(*list, "accounts")) logins.push_back(control::get_text(one, "login"));
  return logins;
}

int report_export(Session& session, const ExportSummary& sum, std::size_t accounts) {
  if (session.json) {
    session.out() << control::to_pretty_text(json::object{
        {"accounts", accounts}, {"exported", sum.exported}, {"before", sum.before}, {"failed", sum.failed}});
  } else {
    session.out() << count_text(static_cast<std::int64_t>(sum.exported), "message") << " exported";
    if (accounts != 1) session.out() << " of " << count_text(static_cast<std::int64_t>(accounts), "account");
    if (sum.before > 0) session.out() << ", " << sum.before << " there before";
    if (sum.failed > 0)
      session.out() << ", " << count_text(static_cast<std::int64_t>(sum.failed), "folder") << " not (see above)";
    session.out() << ".\n";
  }
  return sum.failed == 0 ? int{kOk} : int{kCantCreate};
}

struct Wanted {
  bool mbox = false;
  std::string path;
};

Result<ExportSummary> export_one(Session& session, const std::string& login, const Wanted& wanted,
                                 std::ostream* terminal) {
  const auto octets = octets_of_account(session, login);
  if (!octets) return std::unexpected(octets.error());
  const std::string format = wanted.mbox ? "mbox" : "maildir";
  const auto root = open_export(wanted.path, "paquebot export of " + login + " as " + format);
  if (!root) return session.failure(kCantCreate, root.error().message);
  const auto writer = wanted.mbox ? mbox_writer(*root) : maildir_writer(*root, session.err());
  ProgressBar bar(terminal, "exporting " + login, *octets);
  return export_account(session, login, *writer, bar, session.err());
}

} // namespace

int export_mail(Session& session, const Arguments& arguments) {
  const std::string format = arguments.text("--format");
  if (!format.empty() && format != "maildir" && format != "mbox")
    return session.report(session.failure(kUsage, "--format must be maildir or mbox").error());
  const std::string whose = arguments.text("WHOSE"), path = arguments.text("PATH");
  const auto logins = logins_of(session, whose);
  if (!logins) return session.report(logins.error());
  const bool one = whose.contains('@');
  std::optional<Opened> around; // of a domain: each account has a folder in it
  if (!one) {
    auto made = open_export(path, "paquebot export of " + to_lower(whose));
    if (!made) return session.report(session.failure(kCantCreate, made.error().message).error());
    around = std::move(*made);
  }
  std::ostream* terminal = session.terminal() && !arguments.has("--quiet") ? &session.err() : nullptr;
  ExportSummary sum;
  for (const std::string& login : *logins) {
    const Wanted wanted{format == "mbox", one ? path : path + "/" + safe_name(login, "account")};
    const auto done = export_one(session, login, wanted, terminal);
    if (!done) {
      const int code = session.report(done.error());
      report_export(session, sum, logins->size());
      return code;
    }
    sum.exported += done->exported;
    sum.before += done->before;
    sum.failed += done->failed;
  }
  return report_export(session, sum, logins->size());
}

} // namespace paquebot::cli
