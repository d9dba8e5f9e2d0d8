#include "base/text.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "control/target.h"

#include <ostream>

namespace paquebot::cli {
namespace {

std::string path_of(const Arguments& arguments) {
  return "/v1/accounts/" + control::path_encode(arguments.text("LOGIN")) + "/app-passwords";
}

int add(Session& session, const Arguments& arguments) {
  const json::object wanted{{"label", arguments.text("LABEL")}};
  const auto answer = session.call("POST", path_of(arguments), control::to_text(wanted));
  if (!answer) return session.report(answer.error());
  const std::string label = control::get_text(*answer, "label");
  if (session.json) {
    session.out() << control::to_pretty_text(*answer);
  } else {
    session.out() << "The app password \"" << printable(label) << "\" of " << control::get_text(*answer, "login")
                  << " is shown once, here:\n"
                  << control::get_text(*answer, "password") << '\n';
  }
  if (session.arrived()) return kOk;
  const bool undone = session.call("DELETE", path_of(arguments) + "/" + control::path_encode(label)).has_value();
  return session.report({Errc::io, undone ? "the app password could not be shown, so it was not made"
                                          : "the app password could not be shown: revoke it and make another one"});
}

int list(Session& session, const Arguments& arguments) {
  const auto answer = session.call_list(path_of(arguments), "app_passwords");
  if (!answer) return session.report(answer.error());
  if (session.json) {
    session.out() << control::to_pretty_text(*answer);
    return kOk;
  }
  Table table({"LABEL", "MADE", "LAST USED", "FROM"});
  for (const auto& one : control::get_list(*answer, "app_passwords")) {
    const auto used = control::get_time(one, "used");
    table.add({printable(control::get_text(one, "label")), time_text(control::get_time(one, "created")),
               used == 0 ? "never" : time_text(used), printable(control::get_text(one, "used_from"))});
  }
  table.print_or(session.out(), control::get_text(*answer, "login") + " has no app passwords.");
  return kOk;
}

int revoke(Session& session, const Arguments& arguments) {
  const auto answer = session.call("DELETE", path_of(arguments) + "/" + control::path_encode(arguments.text("LABEL")));
  if (!answer) return session.report(answer.error());
  if (session.json) {
    session.out() << control::to_pretty_text(*answer);
  } else {
    session.out() << "The app password \"" << printable(control::get_text(*answer, "revoked")) << "\" of "
                  << control::get_text(*answer, "login") << " works no more, and its open sessions have ended.\n";
  }
  return kOk;
}

} // namespace

int account_app_password(Session& session, const Arguments& arguments) {
  const std::string action = arguments.text("ACTION");
  const bool labelled = arguments.has("LABEL");
  if (action == "list" && !labelled) return list(session, arguments);
  if (action == "add" && labelled) return add(session, arguments);
  if (action == "revoke" && labelled) return revoke(session, arguments);
  session.err() << "paquebot: write app-password add LOGIN LABEL, app-password list LOGIN or app-password revoke LOGIN "
                   "LABEL\n";
  return kUsage;
}

} // namespace paquebot::cli
