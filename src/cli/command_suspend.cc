// Mail of an account, or to a domain, that an operator has suspended.
#include "base/text.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "control/target.h"

#include <ostream>

namespace paquebot::cli {
namespace {

std::string whose_text(const json::value& answer) { return printable(control::get_text(answer, "whose"), 1000); }

} // namespace

int queue_suspend(Session& session, const Arguments& arguments) {
  json::object wanted{{"whose", arguments.text("WHOSE")}};
  if (arguments.has("--until")) wanted["until"] = arguments.text("--until");
  if (arguments.has("--reason")) wanted["reason"] = arguments.text("--reason");
  const auto answer = session.call("POST", "/v1/suspensions", control::to_text(wanted));
  if (!answer) return session.report(answer.error());
  if (session.json) {
    session.out() << control::to_pretty_text(*answer);
    return kOk;
  }
  const std::string whose = whose_text(*answer);
  const auto until = control::get_time(*answer, "until");
  const auto held = control::get_number(*answer, "recipients");
  session.out() << "Mail " << (whose.find('@') == whose.npos ? "to " : "of ") << whose << " is held from now on";
  if (until != 0) session.out() << ", until " << time_text(until);
  session.out() << "; of what waited " << (held == 0 ? "nothing" : count_text(held, "recipient")) << ".\n"
                << "Let it go: paquebot queue resume " << whose << '\n';
  return kOk;
}

int queue_suspended(Session& session, const Arguments&) {
  const auto answer = session.call_list("/v1/suspensions", "suspensions");
  if (!answer) return session.report(answer.error());
  if (session.json) {
    session.out() << control::to_pretty_text(*answer);
    return kOk;
  }
  Table table({"WHOSE", "SINCE", "UNTIL", "BY", "REASON"});
  for (const auto& one : control::get_list(*answer, "suspensions")) {
    const auto until = control::get_time(one, "until");
    const bool ending = control::get_text(one, "state") == "ending";
    table.add({control::get_text(one, "of") + " " + control::get_text(one, "whose"),
               time_text(control::get_time(one, "since")),
               ending       ? "ending"
               : until == 0 ? "resumed"
                            : time_text(until),
               control::get_text(one, "by"), control::get_text(one, "reason")});
  }
  table.print_or(session.out(), "Nothing is suspended.");
  return kOk;
}

int queue_resume(Session& session, const Arguments& arguments) {
  const auto answer = session.call("DELETE", "/v1/suspensions/" + control::path_encode(arguments.text("WHOSE")));
  if (!answer) return session.report(answer.error());
  if (session.json) {
    session.out() << control::to_pretty_text(*answer);
    return kOk;
  }
  const auto released = control::get_number(*answer, "recipients");
  session.out() << "Mail of or to " << whose_text(*answer) << " goes as before; "
                << (released == 0 ? "nothing was held" : count_text(released, "recipient") + " released") << ".\n";
  return kOk;
}

} // namespace paquebot::cli
