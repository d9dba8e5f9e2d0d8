#include "base/text.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "control/target.h"

#include <ostream>

namespace paquebot::cli {
namespace {

std::string suspicion_path(const Arguments& arguments) {
  return "/v1/accounts/" + control::path_encode(arguments.text("LOGIN")) + "/suspicion";
}

} // namespace

int account_suspects(Session& session, const Arguments&) {
  const auto answer = session.call_list("/v1/suspicions", "suspicions");
  if (!answer) return session.report(answer.error());
  if (session.json) {
    session.out() << control::to_pretty_text(*answer);
    return kOk;
  }
  Table table({"ACCOUNT", "SINCE", "HELD", "WHY"});
  table.align_right(2);
  for (const auto& one : control::get_list(*answer, "suspicions")) {
    table.add({control::get_text(one, "login"), time_text(control::get_time(one, "since")),
               std::to_string(control::get_number(one, "held")), control::get_text(one, "reason")});
  }
  if (table.empty()) {
    session.out() << "No account looks taken over.\n";
  } else {
    table.print(session.out());
    session.out() << "Let it go: paquebot account release LOGIN; throw it away: … --drop\n";
  }
  return kOk;
}

int account_hold(Session& session, const Arguments& arguments) {
  const json::object wanted{{"reason", arguments.text("--reason")}};
  const auto answer = session.call("POST", suspicion_path(arguments), control::to_text(wanted));
  if (!answer) return session.report(answer.error());
  if (session.json) {
    session.out() << control::to_pretty_text(*answer);
  } else {
    const std::string login = control::get_text(*answer, "login");
    session.out() << "What " << login << " sends is held from now on. Let it go: paquebot account release " << login
                  << '\n';
  }
  return kOk;
}

int account_release(Session& session, const Arguments& arguments) {
  const bool drop = arguments.has("--drop");
  const std::string login = printable(arguments.text("LOGIN"));
  if (drop && !confirmed(session, arguments, "Throw the held mail of " + login + " away?")) return kRefused;
  const auto answer = session.call("DELETE", suspicion_path(arguments) + (drop ? "?drop=1" : ""));
  if (!answer) return session.report(answer.error());
  if (session.json) {
    session.out() << control::to_pretty_text(*answer);
  } else {
    session.out() << control::get_text(*answer, "login") << " sends as before; "
                  << count_text(control::get_number(*answer, drop ? "dropped" : "released"), "recipient")
                  << (drop ? " dropped.\n" : " released.\n");
  }
  return kOk;
}

} // namespace paquebot::cli
