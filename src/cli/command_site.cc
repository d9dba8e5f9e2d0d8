// Sites: hosts of others that share limits.
#include "base/text.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "control/target.h"

#include <ostream>

namespace paquebot::cli {
namespace {

std::string path_of_site(const Arguments& arguments) {
  return "/v1/sites/" + control::path_encode(arguments.text("SITE"));
}

/// "10 a minute", or "-".
std::string pace_text(std::int64_t milliseconds) {
  if (milliseconds <= 0) return "-";
  const std::int64_t a_minute = 60'000 / milliseconds;
  return a_minute >= 1 ? std::to_string(a_minute) + " a minute" : std::to_string(milliseconds / 1000) + " s apart";
}

int show_site_done(Session& session, const Result<json::value>& answer, std::string_view what) {
  if (!answer) return session.report(answer.error());
  if (session.json)
    session.out() << control::to_pretty_text(*answer);
  else
    session.out() << printable(control::get_text(*answer, "site")) << " " << what << ".\n";
  return kOk;
}

} // namespace

int site_list(Session& session, const Arguments&) {
  const auto answer = session.call_list("/v1/sites", "sites");
  if (!answer) return session.report(answer.error());
  if (session.json) {
    session.out() << control::to_pretty_text(*answer);
    return kOk;
  }
  Table table({"SITE", "OPEN", "MOST", "PACE", "WAITING", "WHY"});
  for (const auto& one : control::get_list(*answer, "sites")) {
    const std::string waits = control::get_text(one, "waits_for");
    table.add({printable(control::get_text(one, "site"), 200), std::to_string(control::get_number(one, "workers")),
               std::to_string(control::get_number(one, "window")), pace_text(control::get_number(one, "pace")),
               std::to_string(control::get_number(one, "waiting")),
               printable(waits.empty() ? control::get_text(one, "why") : waits, 300)});
  }
  table.print_or(session.out(), "Nothing waits for a site, and none has said that it has limits.");
  return kOk;
}

int site_show(Session& session, const Arguments& arguments) {
  const auto answer = session.call("GET", path_of_site(arguments));
  if (!answer) return session.report(answer.error());
  if (session.json) {
    session.out() << control::to_pretty_text(*answer);
    return kOk;
  }
  const auto number = [&](std::string_view name) { return std::to_string(control::get_number(*answer, name)); };
  const std::string waits = control::get_text(*answer, "waits_for"), why = control::get_text(*answer, "why");
  const std::string provider = control::get_text(*answer, "provider");
  const auto until = control::get_time(*answer, "paused_until");
  session.out() << printable(control::get_text(*answer, "site"), 1000)
                << (provider.empty() ? "" : "\nprovider:       " + printable(provider, 60))
                << "\ndeliveries:     " << number("workers") << " of " << number("window")
                << "\npace:           " << pace_text(control::get_number(*answer, "pace"))
                << "\na connection:   " << number("per_connection") << " messages (0: any number)"
                << "\nwaiting:        " << number("waiting") << " destinations\n";
  if (!waits.empty()) session.out() << "waits:          " << printable(waits, 1000) << '\n';
  if (until != 0) session.out() << "until:          " << time_text(until) << '\n';
  if (!why.empty())
    session.out() << "said last:      " << printable(why, 1000) << ", "
                  << time_text(control::get_time(*answer, "learned")) << '\n';
  return kOk;
}

int site_pause(Session& session, const Arguments& arguments) {
  json::object wanted;
  if (arguments.has("--until")) wanted["until"] = arguments.text("--until");
  if (arguments.has("--reason")) wanted["reason"] = arguments.text("--reason");
  return show_site_done(session, session.call("POST", path_of_site(arguments) + "/pause", control::to_text(wanted)),
                        "gets nothing for now");
}

int site_resume(Session& session, const Arguments& arguments) {
  return show_site_done(session, session.call("POST", path_of_site(arguments) + "/resume"), "gets mail again");
}

int site_forget(Session& session, const Arguments& arguments) {
  return show_site_done(session, session.call("DELETE", path_of_site(arguments)), "is as if nothing were known of it");
}

int queue_why(Session& session, const Arguments& arguments) {
  const auto answer = session.call("GET", "/v1/queue/" + control::path_encode(arguments.text("ID")) + "/why");
  if (!answer) return session.report(answer.error());
  if (session.json) {
    session.out() << control::to_pretty_text(*answer);
    return kOk;
  }
  for (const auto& one : control::get_list(*answer, "reasons")) {
    const auto until = control::get_time(one, "until");
    const std::string site = control::get_text(one, "site");
    session.out() << printable(control::get_text(one, "address"), 320) << ": "
                  << printable(control::get_text(one, "words"), 2000);
    if (!site.empty()) session.out() << " (" << printable(site, 200) << ")";
    if (until != 0) session.out() << ", until " << time_text(until);
    session.out() << '\n';
  }
  return kOk;
}

} // namespace paquebot::cli
