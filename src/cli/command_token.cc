// Who may do what, and what programs ask with.
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "cli/output.h"
#include "cli/send_wishes.h"
#include "cli/verbs.h"
#include "control/target.h"

#include <ostream>

namespace paquebot::cli {
namespace {

json::array in_json(const std::vector<std::string>& list) {
  json::array out;
  for (const std::string& text : list) out.emplace_back(text);
  return out;
}

std::string in_words(const json::value& item, std::string_view name, std::string_view none) {
  std::string all;
  for (const auto& one : control::get_list(item, name))
    if (one.is_string()) all += (all.empty() ? "" : " ") + printable(one.as_string(), 256);
  return all.empty() ? std::string(none) : all;
}

/// "example.org", or what an operator looks after.
std::string place_of(const json::value& right) {
  const std::string domain = control::get_text(right, "domain");
  return domain.empty() ? "the whole server" : printable(domain, 256);
}

} // namespace

int token_add(Session& session, const Arguments& arguments) {
  json::object wanted{{"label", arguments.text("LABEL")}, {"scopes", in_json(arguments.list("SCOPE"))}};
  if (arguments.has("--account")) wanted["login"] = arguments.text("--account");
  if (arguments.has("--domain")) wanted["domains"] = in_json(arguments.list("--domain"));
  if (arguments.has("--from")) wanted["networks"] = in_json(arguments.list("--from"));
  if (arguments.has("--for")) {
    const auto seconds = read_seconds("--for", arguments.text("--for"));
    if (!seconds) return session.report(seconds.error());
    wanted["expires"] = log::time_of(system_clock().wall() + std::chrono::seconds(*seconds));
  }
  const auto answer = session.call("POST", "/v1/tokens", control::to_text(wanted));
  if (!answer) return session.report(answer.error());
  if (session.json) {
    session.out() << control::to_pretty_text(*answer);
  } else {
    session.out() << "The token \"" << printable(control::get_text(*answer, "label")) << "\" is shown once, here:\n"
                  << control::get_text(*answer, "token") << '\n';
  }
  if (session.arrived()) return kOk;
  const std::string id = std::to_string(control::get_number(*answer, "id"));
  const bool undone = session.call("DELETE", "/v1/tokens/" + id).has_value();
  return session.report({Errc::io, undone ? "the token could not be shown, so it was not made"
                                          : "the token could not be shown: paquebot token remove " + id});
}

int token_list(Session& session, const Arguments& arguments) {
  std::string target = "/v1/tokens";
  if (arguments.has("LOGIN")) target += "?login=" + control::percent_encode(arguments.text("LOGIN"));
  const auto answer = session.call_list(target, "tokens");
  if (!answer) return session.report(answer.error());
  if (session.json) {
    session.out() << control::to_pretty_text(*answer);
    return kOk;
  }
  Table table({"ID", "OF", "LABEL", "MAY", "DOMAINS", "FROM", "UNTIL", "LAST USED"});
  for (const auto& one : control::get_list(*answer, "tokens")) {
    const std::string login = control::get_text(one, "login");
    const auto expires = control::get_time(one, "expires"), used = control::get_time(one, "used");
    table.add({std::to_string(control::get_number(one, "id")), login.empty() ? "the server" : printable(login, 256),
               printable(control::get_text(one, "label")), in_words(one, "scopes", "-"),
               in_words(one, "domains", "any"), in_words(one, "networks", "anywhere"),
               expires == 0 ? "-" : time_text(expires),
               used == 0 ? "never" : time_text(used) + " from " + printable(control::get_text(one, "used_from"), 64)});
  }
  if (table.empty())
    session.out() << "There are no tokens. Make one: paquebot token add LABEL SCOPE\n";
  else
    table.print(session.out());
  return kOk;
}

int token_remove(Session& session, const Arguments& arguments) {
  const auto answer = session.call("DELETE", "/v1/tokens/" + control::path_encode(arguments.text("ID")));
  if (!answer) return session.report(answer.error());
  if (session.json)
    session.out() << control::to_pretty_text(*answer);
  else
    session.out() << "The token \"" << printable(control::get_text(*answer, "label")) << "\" works no more.\n";
  return kOk;
}

int right_add(Session& session, const Arguments& arguments) {
  json::object wanted{{"login", arguments.text("LOGIN")}};
  if (arguments.has("--domain")) wanted["domain"] = arguments.text("--domain");
  if (arguments.has("--operator")) wanted["operator"] = true;
  const auto answer = session.call("POST", "/v1/rights", control::to_text(wanted));
  if (!answer) return session.report(answer.error());
  if (session.json)
    session.out() << control::to_pretty_text(*answer);
  else
    session.out() << control::get_text(*answer, "login") << " looks after " << place_of(*answer) << " now.\n";
  return kOk;
}

int right_list(Session& session, const Arguments&) {
  const auto answer = session.call_list("/v1/rights", "rights");
  if (!answer) return session.report(answer.error());
  if (session.json) {
    session.out() << control::to_pretty_text(*answer);
    return kOk;
  }
  Table table({"WHO", "IS", "OF"});
  for (const auto& one : control::get_list(*answer, "rights"))
    table.add({control::get_text(one, "login"), control::get_text(one, "role"), place_of(one)});
  if (table.empty())
    session.out() << "Nobody but root looks after this server. Let somebody: paquebot right add LOGIN\n";
  else
    table.print(session.out());
  return kOk;
}

int right_remove(Session& session, const Arguments& arguments) {
  std::string target = "/v1/rights/" + control::path_encode(arguments.text("LOGIN"));
  if (arguments.has("--domain") == arguments.has("--operator"))
    return session.report(session.failure(kUsage, "say which right: --domain DOMAIN, or --operator").error());
  if (arguments.has("--domain")) target += "?domain=" + control::percent_encode(arguments.text("--domain"));
  const auto answer = session.call("DELETE", target);
  if (!answer) return session.report(answer.error());
  if (session.json)
    session.out() << control::to_pretty_text(*answer);
  else
    session.out() << control::get_text(*answer, "login") << " looks after " << place_of(*answer) << " no more.\n";
  return kOk;
}

} // namespace paquebot::cli
