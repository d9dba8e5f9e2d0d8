#include "base/text.h"
#include "cli/output.h"
#include "cli/passwords.h"
#include "cli/verbs.h"
#include "control/target.h"

#include <istream>
#include <ostream>

namespace paquebot::cli {
namespace {

std::string account_path(const Arguments& arguments) {
  return "/v1/accounts/" + control::path_encode(arguments.text("LOGIN"));
}

/// Tells what came of a change: `text` follows the account's name.
int tell(Session& session, const json::value& answer, std::string_view text) {
  if (session.json) {
    session.out() << control::to_pretty_text(answer);
  } else {
    session.out() << control::get_text(answer, "login") << text << '\n';
  }
  return kOk;
}

int change(Session& session, const Arguments& arguments, json::object wanted, std::string_view text) {
  const auto answer = session.call("PATCH", account_path(arguments), control::to_text(wanted));
  return answer ? tell(session, *answer, text) : session.report(answer.error());
}

std::string quota_text(const json::value& account) {
  const auto quota = control::get_number(account, "quota");
  return quota == 0 ? "unlimited" : size_text(static_cast<std::uint64_t>(quota));
}

std::string joined(const json::array& items) {
  std::string text;
  for (const auto& item : items) {
    if (!text.empty()) text += ", ";
    text += item.is_string() ? printable(item.as_string()) : std::string();
  }
  return text.empty() ? "none" : text;
}

std::string state_text(const json::value& account) {
  if (control::get_bool(account, "disabled")) return "disabled";
  if (!control::get_bool(account, "has_password")) return "no password";
  return control::get_bool(account, "scram") ? "active" : "active, no SCRAM yet";
}

std::string event_text(const json::value& event) {
  return time_text(control::get_time(event, "at")) + " from " + printable(control::get_text(event, "address")) + " (" +
         printable(control::get_text(event, "protocol")) + ")";
}

/// App passwords, and what the running server knows of the logins tried.
void show_logins(std::ostream& out, const json::value& account) {
  out << "Passwords:  "
      << count_text(static_cast<std::int64_t>(control::get_list(account, "app_passwords").size()), "app password")
      << (control::get_bool(account, "scram") ? ", SCRAM works" : ", SCRAM works after the next login with PLAIN")
      << '\n';
  if (!account.as_object().contains("logins")) return; // the server is down
  const json::value& logins = account.as_object().at("logins");
  const auto until = control::get_time(logins, "refused_until");
  out << "Logins:     ";
  if (until != 0)
    out << "refused from addresses that it did not use lately, until " << time_text(until) << '\n';
  else
    out << (control::get_bool(logins, "slowed") ? "slowed down after many failures\n" : "not slowed down\n");
  if (logins.as_object().contains("succeeded"))
    out << "  last      " << event_text(logins.as_object().at("succeeded")) << '\n';
  for (const auto& failed : control::get_list(logins, "failed")) out << "  failed    " << event_text(failed) << '\n';
}

/// A line when its outgoing mail is held.
std::string suspicion_text(const json::value& account) {
  const auto* marked = account.as_object().if_contains("suspicion");
  if (marked == nullptr) return {};
  return "Held:       what it sends, since " + time_text(control::get_time(*marked, "since")) + ": " +
         printable(control::get_text(*marked, "reason")) + " (" +
         count_text(control::get_number(*marked, "held"), "recipient") + "; see: paquebot account release " +
         printable(control::get_text(account, "login")) + ")\n";
}

} // namespace

bool confirmed(Session& session, const Arguments& arguments, const std::string& question) {
  if (arguments.has("--yes")) return true;
  if (!session.terminal()) {
    session.err() << "paquebot: say --yes to do this without being asked\n";
    return false;
  }
  session.out() << question << " [y/N] " << std::flush;
  std::string line;
  return std::getline(session.in(), line) && (iequals(trim(line), "y") || iequals(trim(line), "yes"));
}

int account_add(Session& session, const Arguments& arguments) {
  const std::string login = arguments.text("LOGIN");
  json::object wanted{{"login", login}};
  if (arguments.has("--quota")) {
    const auto quota = parse_size(arguments.text("--quota"));
    if (!quota) return session.report(quota.error());
    wanted["quota"] = *quota;
  }
  // Before a password is asked for, which would be for nothing.
  const auto there = session.call("GET", account_path(arguments));
  if (there)
    return session.report(
        {Errc::conflict, printable(login) + " exists already; to give it another password: paquebot account passwd " +
                             printable(login)});
  if (there.error().code != Errc::not_found) return session.report(there.error());
  if (!arguments.has("--no-password")) {
    const auto password = read_password(password_source(arguments, "Password for " + printable(login), true), session);
    if (!password) return session.report(password.error());
    wanted["password"] = *password;
  }
  const auto answer = session.call("POST", "/v1/accounts", control::to_text(wanted));
  if (!answer) return session.report(answer.error());
  const std::string name = control::get_text(*answer, "login");
  if (session.json) {
    json::object out = answer->as_object();
    if (arguments.has("--generate")) out["password"] = wanted["password"];
    session.out() << control::to_pretty_text(out);
  } else {
    session.out() << name << " is an account now.\n";
    if (arguments.has("--generate"))
      session.out() << "Password: " << std::string_view(wanted["password"].as_string()) << '\n';
  }
  if (!arguments.has("--generate") || session.arrived()) return kOk;
  // Nobody knows the password.
  const bool undone = session.call("DELETE", "/v1/accounts/" + control::path_encode(name)).has_value();
  return session.report({Errc::io, undone ? "the password could not be shown, so the account " + name + " was not made"
                                          : "the password could not be shown: give " + name +
                                                " another one: paquebot account passwd " + name});
}

int account_list(Session& session, const Arguments& arguments) {
  std::string target = "/v1/accounts";
  if (arguments.has("DOMAIN")) target += "?domain=" + control::percent_encode(arguments.text("DOMAIN"));
  const auto answer = session.call_list(target, "accounts");
  if (!answer) return session.report(answer.error());
  if (session.json) {
    session.out() << control::to_pretty_text(*answer);
    return kOk;
  }
  Table table({"ACCOUNT", "STATE", "MESSAGES", "USED", "QUOTA"});
  for (const std::size_t column : {2U, 3U, 4U}) table.align_right(column);
  for (const auto& account : control::get_list(*answer, "accounts")) {
    table.add({control::get_text(account, "login"), state_text(account),
               std::to_string(control::get_number(account, "messages")),
               size_text(static_cast<std::uint64_t>(control::get_number(account, "used"))), quota_text(account)});
  }
  table.print_or(session.out(), "There are no accounts yet. Add one: paquebot account add you@example.org");
  return kOk;
}

int account_show(Session& session, const Arguments& arguments) {
  const auto answer = session.call("GET", account_path(arguments));
  if (!answer) return session.report(answer.error());
  if (session.json) {
    session.out() << control::to_pretty_text(*answer);
    return kOk;
  }
  const auto& account = *answer;
  session.out() << "Account:    " << control::get_text(account, "login") << '\n'
                << "State:      " << state_text(account) << '\n'
                << suspicion_text(account) << "Made:       " << time_text(control::get_time(account, "created")) << '\n'
                << "Mailbox:    " << count_text(control::get_number(account, "messages"), "message") << ", "
                << size_text(static_cast<std::uint64_t>(control::get_number(account, "used"))) << '\n'
                << "Quota:      " << quota_text(account) << '\n'
                << "Addresses:  " << joined(control::get_list(account, "addresses")) << '\n'
                << "Aliases:    " << joined(control::get_list(account, "aliases")) << '\n'
                << "Owner of:   " << joined(control::get_list(account, "owner_of")) << '\n';
  show_logins(session.out(), account);
  session.out() << '\n';
  print_limits(session.out(), control::get_list(account, "limits"));
  return kOk;
}

int account_addresses(Session& session, const Arguments& arguments) {
  const auto answer = session.call("GET", account_path(arguments));
  if (!answer) return session.report(answer.error());
  const auto& addresses = control::get_list(*answer, "addresses");
  if (session.json) {
    session.out() << control::to_pretty_text(json::object{{"addresses", addresses}});
    return kOk;
  }
  for (const auto& address : addresses) {
    if (address.is_string()) session.out() << printable(address.as_string()) << '\n';
  }
  return kOk;
}

int account_passwd(Session& session, const Arguments& arguments) {
  const std::string prompt = "New password for " + printable(arguments.text("LOGIN"));
  const auto password = read_password(password_source(arguments, prompt, true), session);
  if (!password) return session.report(password.error());
  const std::string body = control::to_text(json::object{{"password", *password}});
  if (!arguments.has("--generate")) {
    const auto changed = session.call("POST", account_path(arguments) + "/password", body);
    return changed ? tell(session, *changed, " has the new password now.") : session.report(changed.error());
  }
  // Shown before it is in force: a password that nobody could read would lock the account's owner out.
  const auto account = session.call("GET", account_path(arguments));
  if (!account) return session.report(account.error());
  const std::string login = control::get_text(*account, "login");
  if (session.json)
    session.out() << control::to_pretty_text(json::object{{"login", login}, {"password", *password}});
  else
    session.out() << "Password: " << *password << '\n';
  if (!session.arrived())
    return session.report({Errc::io, "the new password could not be shown, so " + login + " keeps the one it has"});
  const auto changed = session.call("POST", account_path(arguments) + "/password", body);
  if (!changed) return session.report(changed.error());
  if (!session.json) session.out() << login << " has this password now.\n";
  return kOk;
}

int account_mobileconfig(Session& session, const Arguments& arguments) {
  const auto answer = session.call("GET", account_path(arguments) + "/mobileconfig");
  if (!answer) return session.report(answer.error());
  session.out() << (session.json ? control::to_pretty_text(*answer) : control::get_text(*answer, "profile"));
  return kOk;
}

int account_quota(Session& session, const Arguments& arguments) {
  const auto quota = parse_size(arguments.text("SIZE"));
  if (!quota) return session.report(quota.error());
  const std::string text =
      *quota == 0 ? " may keep any amount of mail now." : " may keep " + size_text(*quota) + " of mail now.";
  return change(session, arguments, {{"quota", *quota}}, text);
}

int account_disable(Session& session, const Arguments& arguments) {
  return change(session, arguments, {{"disabled", true}},
                " can't log in any more, and its open sessions have ended. Its mail still comes in.");
}

int account_enable(Session& session, const Arguments& arguments) {
  return change(session, arguments, {{"disabled", false}}, " can log in again.");
}

int account_remove(Session& session, const Arguments& arguments) {
  const std::string login = printable(arguments.text("LOGIN"));
  if (!confirmed(session, arguments, "Remove " + login + " and all its mail for ever?")) return kRefused;
  const auto answer = session.call("DELETE", account_path(arguments));
  if (!answer) return session.report(answer.error());
  if (session.json) {
    session.out() << control::to_pretty_text(*answer);
  } else {
    session.out() << control::get_text(*answer, "removed") << " and its mail are gone.\n";
  }
  return kOk;
}

} // namespace paquebot::cli
