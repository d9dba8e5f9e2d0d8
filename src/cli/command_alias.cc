#include "base/text.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "control/target.h"

#include <ostream>

namespace paquebot::cli {
namespace {

std::string targets_text(const json::value& alias) {
  std::string text = control::get_text(alias, "account");
  if (!text.empty()) text = "account " + text;
  for (const auto& target : control::get_list(alias, "targets")) {
    if (!target.is_string()) continue;
    if (!text.empty()) text += ", ";
    text += target.as_string();
  }
  return text;
}

/// "members, example.net", or "anyone".
std::string senders_text(const json::value& alias) {
  std::string text;
  for (const auto& sender : control::get_list(alias, "senders"))
    if (sender.is_string()) text += (text.empty() ? "" : ", ") + std::string(std::string_view(sender.as_string()));
  return text.empty() ? "anyone" : text;
}

json::array texts(const std::vector<std::string>& list) {
  json::array out;
  for (const std::string& text : list) out.emplace_back(text);
  return out;
}

} // namespace

int alias_senders(Session& session, const Arguments& arguments) {
  const std::string path = "/v1/aliases/" + control::path_encode(arguments.text("ADDRESS"));
  const json::object wanted{{"senders", texts(arguments.list("WHO"))}};
  const auto answer = session.call("PATCH", path, control::to_text(wanted));
  if (!answer) return session.report(answer.error());
  if (session.json) {
    session.out() << control::to_pretty_text(*answer);
  } else {
    session.out() << printable(control::get_text(*answer, "address")) << " takes mail from "
                  << printable(senders_text(*answer)) << " now.\n";
  }
  return kOk;
}

int alias_add(Session& session, const Arguments& arguments) {
  json::object wanted{{"address", arguments.text("ADDRESS")}};
  json::array targets;
  for (const auto& target : arguments.list("TARGET")) targets.emplace_back(target);
  if (!targets.empty()) wanted["targets"] = std::move(targets);
  if (arguments.has("--account")) wanted["account"] = arguments.text("--account");
  if (arguments.has("--senders")) wanted["senders"] = texts(arguments.list("--senders"));
  const auto answer = session.call("POST", "/v1/aliases", control::to_text(wanted));
  if (!answer) return session.report(answer.error());
  if (session.json) {
    session.out() << control::to_pretty_text(*answer);
  } else {
    session.out() << printable(control::get_text(*answer, "address")) << " leads to "
                  << printable(targets_text(*answer)) << '\n';
  }
  return kOk;
}

int alias_list(Session& session, const Arguments& arguments) {
  std::string target = "/v1/aliases";
  if (arguments.has("DOMAIN")) target += "?domain=" + control::percent_encode(arguments.text("DOMAIN"));
  const auto answer = session.call_list(target, "aliases");
  if (!answer) return session.report(answer.error());
  if (session.json) {
    session.out() << control::to_pretty_text(*answer);
    return kOk;
  }
  Table table({"ALIAS", "LEADS TO", "FOR MAIL FROM"});
  for (const auto& alias : control::get_list(*answer, "aliases"))
    table.add({control::get_text(alias, "address"), targets_text(alias), senders_text(alias)});
  table.print_or(session.out(),
                 "There are no aliases yet. Add one: paquebot alias add team@example.org ann@example.org");
  return kOk;
}

int alias_remove(Session& session, const Arguments& arguments) {
  std::string path = "/v1/aliases/" + control::path_encode(arguments.text("ADDRESS"));
  const std::string target = arguments.text("TARGET");
  if (!target.empty()) path += "?target=" + control::percent_encode(target);
  const auto answer = session.call("DELETE", path);
  if (!answer) return session.report(answer.error());
  if (session.json) {
    session.out() << control::to_pretty_text(*answer);
  } else if (target.empty()) {
    session.out() << printable(control::get_text(*answer, "removed")) << " is gone.\n";
  } else {
    session.out() << printable(control::get_text(*answer, "removed")) << " does not lead to " << printable(target)
                  << " any more.\n";
  }
  return kOk;
}

} // namespace paquebot::cli
