#include "base/text.h"
#include "cli/output.h"
#include "cli/send_wishes.h"
#include "cli/verbs.h"
#include "control/target.h"

#include <ostream>

namespace paquebot::cli {
namespace {

std::string path_of(std::string_view list) { return "/v1/lists/" + std::string(list); }

int list_add(Session& session, const Arguments& arguments, std::string_view list) {
  json::object wanted{{"what", arguments.text("WHAT")}, {"reason", arguments.text("--reason")}};
  if (arguments.has("--for")) {
    const auto seconds = read_seconds("--for", arguments.text("--for"));
    if (!seconds) return session.report(seconds.error());
    wanted["seconds"] = *seconds;
  }
  const auto answer = session.call("POST", path_of(list), control::to_text(wanted));
  if (!answer) return session.report(answer.error());
  if (session.json) {
    session.out() << control::to_pretty_text(*answer);
    return kOk;
  }
  const std::int64_t expires = control::get_time(*answer, "expires");
  session.out() << control::get_text(*answer, "what") << " is on the " << list << " list"
                << (expires == 0 ? std::string() : " until " + time_text(expires)) << ".\n";
  return kOk;
}

int list_remove(Session& session, const Arguments& arguments, std::string_view list) {
  const auto answer = session.call("DELETE", path_of(list) + "/" + control::path_encode(arguments.text("WHAT")));
  if (!answer) return session.report(answer.error());
  if (session.json)
    session.out() << control::to_pretty_text(*answer);
  else
    session.out() << control::get_text(*answer, "removed") << " is not on the " << list << " list any more.\n";
  return kOk;
}

int list_list(Session& session, std::string_view list) {
  const auto answer = session.call_list(path_of(list), "entries");
  if (!answer) return session.report(answer.error());
  if (session.json) {
    session.out() << control::to_pretty_text(*answer);
    return kOk;
  }
  Table table({"WHAT", "SINCE", "UNTIL", "WHY"});
  for (const auto& one : control::get_list(*answer, "entries")) {
    const std::int64_t expires = control::get_time(one, "expires");
    table.add({control::get_text(one, "what"), time_text(control::get_time(one, "added")),
               expires == 0 ? "-" : time_text(expires), control::get_text(one, "reason")});
  }
  table.print_or(session.out(),
                 "Nothing is on the " + std::string(list) + " list beside what [guard] of the configuration says.");
  return kOk;
}

} // namespace

int block_add(Session& session, const Arguments& arguments) { return list_add(session, arguments, "block"); }
int block_remove(Session& session, const Arguments& arguments) { return list_remove(session, arguments, "block"); }
int block_list(Session& session, const Arguments&) { return list_list(session, "block"); }
int allow_add(Session& session, const Arguments& arguments) { return list_add(session, arguments, "allow"); }
int allow_remove(Session& session, const Arguments& arguments) { return list_remove(session, arguments, "allow"); }
int allow_list(Session& session, const Arguments&) { return list_list(session, "allow"); }

} // namespace paquebot::cli
