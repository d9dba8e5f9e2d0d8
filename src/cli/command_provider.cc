// Providers: who has many domains' mail, and what rules have made of what he said.
#include "base/text.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "control/target.h"

#include <ostream>

namespace paquebot::cli {
namespace {

std::string path_of_provider(const Arguments& arguments) {
  return "/v1/providers/" + control::path_encode(arguments.text("PROVIDER"));
}

std::string or_any(std::string text) { return text.empty() || text == "0" ? "any" : text; }

std::string number_in(const json::value& one, std::string_view name) {
  return std::to_string(control::get_number(one, name));
}

std::string listed(const json::value& one, std::string_view name) {
  std::string all;
  for (const auto& text : control::get_list(one, name))
    if (text.is_string()) all += (all.empty() ? "" : " ") + printable(std::string(text.as_string()), 200);
  return all;
}

void print_rule(Session& session, const json::value& rule) {
  const std::string code = number_in(rule, "code"), status = control::get_text(rule, "status");
  const std::string text = control::get_text(rule, "text"), count = control::get_text(rule, "count");
  session.out() << printable(control::get_text(rule, "rule")) << ": ";
  std::string said;
  if (code != "0") said = code;
  if (!status.empty()) said += (said.empty() ? "" : " ") + status;
  if (!text.empty()) said += (said.empty() ? "" : " ") + ("\"" + printable(text, 300) + "\"");
  session.out() << said << (count.empty() ? "" : ", " + count) << "\n    then "
                << printable(control::get_text(rule, "does")) << " (" << printable(control::get_text(rule, "scope"))
                << ") for " << control::get_number(rule, "seconds") << " s\n";
}

} // namespace

int provider_list(Session& session, const Arguments&) {
  const auto answer = session.call_list("/v1/providers", "providers");
  if (!answer) return session.report(answer.error());
  if (session.json) {
    session.out() << control::to_pretty_text(*answer);
    return kOk;
  }
  Table table({"PROVIDER", "OPEN", "MOST", "RATE", "SITES", "WAITING", "RULES AT WORK"});
  for (const auto& one : control::get_list(*answer, "providers")) {
    std::string rules;
    for (const auto& effect : control::get_list(one, "effects"))
      rules += (rules.empty() ? "" : ", ") + printable(control::get_text(effect, "rule"), 60);
    table.add({printable(control::get_text(one, "provider"), 60), number_in(one, "workers"),
               or_any(number_in(one, "connections")), or_any(control::get_text(one, "rate")), number_in(one, "sites"),
               number_in(one, "waiting"), rules});
  }
  table.print_or(session.out(), "No provider is known.");
  return kOk;
}

int provider_show(Session& session, const Arguments& arguments) {
  const auto answer = session.call("GET", path_of_provider(arguments));
  if (!answer) return session.report(answer.error());
  if (session.json) {
    session.out() << control::to_pretty_text(*answer);
    return kOk;
  }
  session.out() << printable(control::get_text(*answer, "provider")) << "\nhosts:          " << listed(*answer, "mx")
                << "\ndeliveries:     " << number_in(*answer, "workers") << " of "
                << or_any(number_in(*answer, "connections"))
                << "\na connection:   " << or_any(number_in(*answer, "per_connection"))
                << " messages\nrate:           " << or_any(control::get_text(*answer, "rate"))
                << "\nsites:          " << number_in(*answer, "sites") << ", where " << number_in(*answer, "waiting")
                << " destinations wait\n";
  for (const auto& effect : control::get_list(*answer, "effects")) {
    const std::string subject = control::get_text(effect, "subject"), source = control::get_text(effect, "source");
    session.out() << "now:            " << printable(control::get_text(effect, "does"))
                  << (source.empty() ? "" : " from " + printable(source, 60))
                  << (subject.empty() ? "" : " for " + printable(subject, 300)) << " until "
                  << time_text(control::get_time(effect, "until")) << " by "
                  << printable(control::get_text(effect, "rule")) << ": "
                  << printable(control::get_text(effect, "said"), 600) << ", "
                  << time_text(control::get_time(effect, "since")) << '\n';
  }
  const auto& rules = control::get_list(*answer, "rules");
  if (!rules.empty()) session.out() << "\nwhen it says:\n";
  for (const auto& rule : rules) print_rule(session, rule);
  return kOk;
}

int provider_test(Session& session, const Arguments& arguments) {
  std::string path = "/v1/provider-rules?reply=" + control::percent_encode(arguments.text("REPLY"));
  if (arguments.has("--provider")) path += "&provider=" + control::percent_encode(arguments.text("--provider"));
  const auto answer = session.call("GET", path);
  if (!answer) return session.report(answer.error());
  if (session.json) {
    session.out() << control::to_pretty_text(*answer);
    return kOk;
  }
  const auto& matches = control::get_list(*answer, "matches");
  if (matches.empty()) session.out() << "No rule is for that. It is told apart by its class (docs/outbound.md).\n";
  for (const auto& match : matches) {
    session.out() << printable(control::get_text(match, "provider"), 60) << ": ";
    print_rule(session, match);
  }
  return kOk;
}

int provider_forget(Session& session, const Arguments& arguments) {
  std::string path = path_of_provider(arguments) + "/effects";
  if (arguments.has("--rule")) path += "?rule=" + control::percent_encode(arguments.text("--rule"));
  const auto answer = session.call("DELETE", path);
  if (!answer) return session.report(answer.error());
  if (session.json)
    session.out() << control::to_pretty_text(*answer);
  else
    session.out() << printable(control::get_text(*answer, "provider"), 60) << " gets mail as if it had said nothing.\n";
  return kOk;
}

} // namespace paquebot::cli
