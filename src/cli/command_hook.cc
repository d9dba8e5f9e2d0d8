// Who is told of events, and what happened.
#include "base/text.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "control/target.h"

#include <ostream>

namespace paquebot::cli {
namespace {

json::array texts_of(const std::vector<std::string>& list) {
  json::array out;
  for (const std::string& text : list) out.emplace_back(json::string(text));
  return out;
}

std::string path_of_hook(const Arguments& arguments, std::string_view more = {}) {
  return "/v1/hooks/" + control::path_encode(arguments.text("ID")) + std::string(more);
}

std::string joined(const json::value& item, std::string_view name) {
  std::string all;
  for (const auto& one : control::get_list(item, name))
    if (one.is_string()) all += (all.empty() ? "" : " ") + printable(one.as_string(), 256);
  return all.empty() ? "all" : all;
}

/// "active", or what is the matter.
std::string state_of(const json::value& hook) {
  const std::string state = control::get_text(hook, "state");
  const auto failures = control::get_number(hook, "failures");
  if (state == "active" && failures > 0) return "failing " + std::to_string(failures) + " times";
  if (state == "active" && control::get_bool(hook, "waiting")) return "active, behind";
  return state;
}

void add_wishes(const Arguments& arguments, json::object& wanted) {
  if (arguments.has("--event")) wanted["events"] = texts_of(arguments.list("--event"));
  if (arguments.has("--domain")) wanted["domains"] = texts_of(arguments.list("--domain"));
}

int show_change(Session& session, const Result<json::value>& answer, std::string_view what) {
  if (!answer) return session.report(answer.error());
  if (session.json) {
    session.out() << control::to_pretty_text(*answer);
    return kOk;
  }
  session.out() << "The hook " << control::get_number(*answer, "id") << " to "
                << printable(control::get_text(*answer, "url")) << " " << what << "\n";
  return kOk;
}

int change_to(Session& session, const Arguments& arguments, const json::object& wanted, std::string_view what) {
  return show_change(session, session.call("PATCH", path_of_hook(arguments), control::to_text(wanted)), what);
}

void print_secret(Session& session, const json::value& hook) {
  session.out() << "Its secret is shown once, here:\n" << control::get_text(hook, "secret") << '\n';
}

} // namespace

int hook_add(Session& session, const Arguments& arguments) {
  json::object wanted{{"url", arguments.text("URL")}};
  add_wishes(arguments, wanted);
  if (arguments.has("--account")) wanted["login"] = arguments.text("--account");
  const auto answer = session.call("POST", "/v1/hooks", control::to_text(wanted));
  const int shown = show_change(session, answer, "is told what happens from now on.");
  if (shown == kOk && !session.json) print_secret(session, *answer);
  return shown;
}

int hook_list(Session& session, const Arguments& arguments) {
  std::string target = "/v1/hooks";
  if (arguments.has("LOGIN")) target += "?login=" + control::percent_encode(arguments.text("LOGIN"));
  const auto answer = session.call_list(target, "hooks");
  if (!answer) return session.report(answer.error());
  if (session.json) {
    session.out() << control::to_pretty_text(*answer);
    return kOk;
  }
  Table table({"ID", "OF", "URL", "EVENTS", "DOMAINS", "STATE"});
  for (const auto& one : control::get_list(*answer, "hooks")) {
    const std::string login = control::get_text(one, "login");
    table.add({std::to_string(control::get_number(one, "id")), login.empty() ? "the server" : printable(login, 256),
               printable(control::get_text(one, "url")), joined(one, "events"), joined(one, "domains"), state_of(one)});
  }
  table.print_or(session.out(), "There are no hooks. Make one: paquebot hook add https://example.org/hook");
  return kOk;
}

int hook_show(Session& session, const Arguments& arguments) {
  const auto answer = session.call("GET", path_of_hook(arguments));
  if (!answer) return session.report(answer.error());
  if (session.json) {
    session.out() << control::to_pretty_text(*answer);
    return kOk;
  }
  const std::string error = control::get_text(*answer, "last_error");
  const auto delivered = control::get_time(*answer, "delivered_at"), again = control::get_time(*answer, "again_at");
  session.out() << printable(control::get_text(*answer, "url")) << ": " << state_of(*answer)
                << "\nevents: " << joined(*answer, "events") << "\ndomains: " << joined(*answer, "domains")
                << "\nlast taken: " << (delivered == 0 ? std::string("nothing yet") : time_text(delivered)) << '\n';
  if (!error.empty()) session.out() << "last failure: " << printable(error) << '\n';
  if (again != 0) session.out() << "next attempt: " << time_text(again) << '\n';
  return kOk;
}

int hook_change(Session& session, const Arguments& arguments) {
  json::object wanted;
  if (arguments.has("--url")) wanted["url"] = arguments.text("--url");
  add_wishes(arguments, wanted);
  if (arguments.has("--rotate")) wanted["rotate"] = true;
  if (wanted.empty())
    return session.report(session.failure(kUsage, "say what changes: --url, --event, --domain or --rotate").error());
  const auto answer = session.call("PATCH", path_of_hook(arguments), control::to_text(wanted));
  const int shown = show_change(session, answer, "is changed.");
  if (shown == kOk && !session.json && arguments.has("--rotate")) print_secret(session, *answer);
  return shown;
}

int hook_pause(Session& session, const Arguments& arguments) {
  return change_to(session, arguments, {{"state", "paused"}}, "is told nothing until `paquebot hook resume`.");
}

int hook_resume(Session& session, const Arguments& arguments) {
  return change_to(session, arguments, {{"state", "active"}}, "is told again, also what happened meanwhile.");
}

int hook_remove(Session& session, const Arguments& arguments) {
  return show_change(session, session.call("DELETE", path_of_hook(arguments)), "is told no more.");
}

int hook_test(Session& session, const Arguments& arguments) {
  const auto answer = session.call("POST", path_of_hook(arguments, "/test"));
  if (!answer) return session.report(answer.error());
  if (session.json) {
    session.out() << control::to_pretty_text(*answer);
    return kOk;
  }
  if (control::get_bool(*answer, "delivered")) {
    session.out() << "It was taken (" << control::get_number(*answer, "status") << ").\n";
    return kOk;
  }
  return session.report({Errc::refused, "the hook did not take it: " + printable(control::get_text(*answer, "error"))});
}

int hook_replay(Session& session, const Arguments& arguments) {
  const json::object wanted{{"since", arguments.text("--since")}};
  return show_change(session, session.call("POST", path_of_hook(arguments, "/replay"), control::to_text(wanted)),
                     "is told again what happened since then.");
}

int events(Session& session, const Arguments& arguments) {
  std::string target = "/v1/events?limit=1000";
  if (arguments.has("--after")) target += "&after=" + control::percent_encode(arguments.text("--after"));
  std::string words;
  for (const std::string& one : arguments.list("--event")) words += (words.empty() ? "" : ",") + one;
  if (!words.empty()) target += "&events=" + control::percent_encode(words);
  const auto answer = session.call("GET", target);
  if (!answer) return session.report(answer.error());
  if (session.json) {
    session.out() << control::to_pretty_text(*answer);
    return kOk;
  }
  for (const auto& one : control::get_list(*answer, "events")) {
    session.out() << time_text(control::get_time(one, "time")) << "  " << control::get_text(one, "event");
    for (const char* name : {"message", "recipient", "detail"})
      if (const std::string text = control::get_text(one, name); !text.empty())
        session.out() << "  " << printable(text);
    session.out() << '\n';
  }
  session.out() << "go on with: paquebot events --after " << control::get_text(*answer, "next") << '\n';
  return kOk;
}

} // namespace paquebot::cli
