// Ways into the console, and who did what.
#include "base/text.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "control/target.h"

#include <algorithm>
#include <ostream>

namespace paquebot::cli {
namespace {

/// A link as it was made, or as JSON. `words` say what it is for.
int show_link(Session& session, const json::value& answer, const std::string& words) {
  if (session.json) {
    session.out() << control::to_pretty_text(answer);
  } else {
    session.out() << words << ", until " << time_text(control::get_time(answer, "expires")) << ":\n"
                  << printable(control::get_text(answer, "url"), 1000) << '\n';
  }
  return session.arrived() ? kOk : session.report({Errc::io, "the link could not be shown: make another one"});
}

} // namespace

int console_link(Session& session, const Arguments& arguments) {
  json::object wanted;
  if (arguments.has("LOGIN")) wanted["login"] = arguments.text("LOGIN");
  const auto answer = session.call("POST", "/v1/console/link", control::to_text(wanted));
  if (!answer) return session.report(answer.error());
  return show_link(session, *answer, "Open this in a browser; it works once");
}

int account_reset_link(Session& session, const Arguments& arguments) {
  const std::string path = "/v1/accounts/" + control::path_encode(arguments.text("LOGIN")) + "/reset-link";
  const auto answer = session.call("POST", path);
  if (!answer) return session.report(answer.error());
  return show_link(session, *answer,
                   "With this " + printable(control::get_text(*answer, "login"), 256) +
                       " sets another password; it works once");
}

int account_second_factor(Session& session, const Arguments& arguments) {
  const std::string path = "/v1/accounts/" + control::path_encode(arguments.text("LOGIN")) + "/totp";
  const auto answer = session.call("DELETE", path);
  if (!answer) return session.report(answer.error());
  if (session.json)
    session.out() << control::to_pretty_text(*answer);
  else
    session.out() << printable(control::get_text(*answer, "login"), 256)
                  << " logs in with the password alone again, in mail programs, too.\n";
  return kOk;
}

int account_logout(Session& session, const Arguments& arguments) {
  const std::string path = "/v1/accounts/" + control::path_encode(arguments.text("LOGIN")) + "/sessions";
  const auto answer = session.call("DELETE", path);
  if (!answer) return session.report(answer.error());
  if (session.json)
    session.out() << control::to_pretty_text(*answer);
  else
    session.out() << printable(control::get_text(*answer, "login"), 256) << " is logged out of "
                  << count_text(control::get_number(*answer, "ended"), "browser") << ".\n";
  return kOk;
}

int audit(Session& session, const Arguments& arguments) {
  std::string query;
  const auto add = [&](std::string_view name, const std::string& value) {
    query += (query.empty() ? "?" : "&") + std::string(name) + "=" + control::percent_encode(value);
  };
  if (arguments.has("LOGIN")) add("login", arguments.text("LOGIN"));
  if (arguments.has("--action")) add("action", arguments.text("--action"));
  if (arguments.has("--limit")) add("limit", arguments.text("--limit"));
  const auto answer = session.call("GET", "/v1/audit" + query);
  if (!answer) return session.report(answer.error());
  if (session.json) {
    session.out() << control::to_pretty_text(*answer);
    return kOk;
  }
  Table table({"WHEN", "WHO", "FROM", "WHAT", "ON", "RESULT"});
  for (const auto& one : control::get_list(*answer, "entries")) {
    const std::string from = control::get_text(one, "from");
    table.add({time_text(control::get_time(one, "time")), printable(control::get_text(one, "who"), 128),
               from.empty() ? "here" : printable(from, 64), printable(control::get_text(one, "action"), 64),
               printable(control::get_text(one, "on"), 256), printable(control::get_text(one, "result"), 256)});
  }
  table.print_or(session.out(), "Nothing of the kind was done.");
  return kOk;
}

} // namespace paquebot::cli
