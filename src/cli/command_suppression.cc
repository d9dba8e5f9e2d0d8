// Addresses that programs of the API send nothing to any more.
#include "base/text.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "control/target.h"

#include <ostream>

namespace paquebot::cli {
namespace {

std::string path_of_suppression(const Arguments& arguments) {
  return "/v1/suppressions/" + control::path_encode(arguments.text("ID"));
}

/// "the server", "the domain example.org", "ann@example.org".
std::string whose(const json::value& one) {
  const std::string scope = control::get_text(one, "scope"), of = printable(control::get_text(one, "of"), 256);
  return scope == "server" ? "the server" : scope == "domain" ? "the domain " + of : of;
}

std::string end_of(const json::value& one) {
  const auto until = control::get_time(one, "until");
  return until == 0 ? "for good" : time_text(until);
}

int show_done(Session& session, const Result<json::value>& answer, std::string_view what) {
  if (!answer) return session.report(answer.error());
  if (session.json) {
    session.out() << control::to_pretty_text(*answer);
    return kOk;
  }
  session.out() << printable(control::get_text(*answer, "address")) << " " << what << " " << whose(*answer) << ".\n";
  return kOk;
}

} // namespace

int suppression_list(Session& session, const Arguments& arguments) {
  std::string target = "/v1/suppressions";
  const auto add = [&target](std::string_view name, const std::string& value) {
    if (value.empty()) return;
    target += (target.find('?') == target.npos ? "?" : "&") + std::string(name) + "=" + control::percent_encode(value);
  };
  add("of", arguments.text("--of"));
  add("address", arguments.text("ADDRESS"));
  const auto answer = session.call_list(target, "suppressions");
  if (!answer) return session.report(answer.error());
  if (session.json) {
    session.out() << control::to_pretty_text(*answer);
    return kOk;
  }
  Table table({"ID", "ADDRESS", "OF", "REASON", "SINCE", "UNTIL"});
  for (const auto& one : control::get_list(*answer, "suppressions"))
    table.add({std::to_string(control::get_number(one, "id")), printable(control::get_text(one, "address"), 320),
               whose(one), control::get_text(one, "reason"), time_text(control::get_time(one, "since")), end_of(one)});
  table.print_or(session.out(), "Nobody is suppressed.");
  return kOk;
}

int suppression_add(Session& session, const Arguments& arguments) {
  json::object wanted{{"address", arguments.text("ADDRESS")}};
  if (arguments.has("--of")) wanted["of"] = arguments.text("--of");
  if (arguments.has("--until")) wanted["until"] = arguments.text("--until");
  if (arguments.has("--note")) wanted["note"] = arguments.text("--note");
  return show_done(session, session.call("POST", "/v1/suppressions", control::to_text(wanted)),
                   "gets nothing by the API any more from");
}

int suppression_show(Session& session, const Arguments& arguments) {
  const auto answer = session.call("GET", path_of_suppression(arguments));
  if (!answer) return session.report(answer.error());
  if (session.json) {
    session.out() << control::to_pretty_text(*answer);
    return kOk;
  }
  const std::string message = control::get_text(*answer, "message"), reply = control::get_text(*answer, "reply");
  session.out() << printable(control::get_text(*answer, "address")) << ": " << control::get_text(*answer, "reason")
                << "\nof:    " << whose(*answer) << "\nsince: " << time_text(control::get_time(*answer, "since"))
                << "\nuntil: " << end_of(*answer) << '\n';
  if (!message.empty()) session.out() << "shown by the message " << message << " (paquebot trace " << message << ")\n";
  if (!reply.empty()) session.out() << "said:  " << printable(reply) << '\n';
  return kOk;
}

int suppression_remove(Session& session, const Arguments& arguments) {
  return show_done(session, session.call("DELETE", path_of_suppression(arguments)),
                   "may get mail by the API again from");
}

} // namespace paquebot::cli
