#include "base/text.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "control/target.h"
#include "mail/timestamp.h"
#include "service/status.h"

#include <filesystem>
#include <ostream>

namespace paquebot::cli {

int serve(Session& session, const Arguments&) { return session.environment().serve(session.config); }

namespace {

json::array as_json(const std::vector<std::string>& texts) {
  json::array all;
  for (const std::string& text : texts) all.emplace_back(text);
  return all;
}

} // namespace

int check(Session& session, const Arguments& arguments) {
  const bool reference = arguments.has("--print-reference");
  if (reference && arguments.has("--print-defaults"))
    return session.report(session.failure(kUsage, "--print-reference and --print-defaults are two things").error());
  if (reference || arguments.has("--print-defaults")) {
    session.out() << (reference ? session.environment().reference(session.json) : session.environment().defaults());
    return kOk;
  }
  const CheckReport report = session.environment().check(session.config);
  const bool fine = report.errors.empty();
  if (session.json) {
    session.out() << control::to_pretty_text(json::object{{"fine", fine},
                                                          {"errors", as_json(report.errors)},
                                                          {"warnings", as_json(report.warnings)},
                                                          {"summary", report.summary}});
    return fine ? kOk : kConfiguration;
  }
  for (const std::string& error : report.errors) session.err() << "paquebot: " << printable(error, 4096) << '\n';
  for (const std::string& warning : report.warnings)
    session.err() << "paquebot: warning: " << printable(warning, 4096) << '\n';
  if (!fine) return kConfiguration;
  session.out() << printable(session.config, 4096) << (report.warnings.empty() ? " is fine: " : " can be used: ")
                << report.summary << '\n';
  return kOk;
}

int version(Session& session, const Arguments&) {
  const std::string& number = session.environment().version;
  if (session.json) {
    session.out() << control::to_pretty_text(json::object{{"version", number}});
  } else {
    session.out() << "paquebot " << number << '\n';
  }
  return kOk;
}

int reload(Session& session, const Arguments&) {
  const auto answer = session.call("POST", "/v1/reload");
  if (!answer) {
    const int code = session.report(answer.error());
    return code == kBadData ? kConfiguration : code;
  }
  if (session.json) {
    session.out() << control::to_pretty_text(*answer);
    return kOk;
  }
  session.out() << "The server works with the new configuration.\n";
  std::string keys;
  for (const auto& key : control::get_list(*answer, "restart"))
    if (key.is_string()) keys += (keys.empty() ? "" : ", ") + printable(key.as_string(), 100);
  if (!keys.empty()) session.out() << "Not yet, these take effect at the next start: " << keys << ".\n";
  for (const auto& warning : control::get_list(*answer, "warnings"))
    if (warning.is_string()) session.out() << "Warning: " << printable(warning.as_string(), 1024) << '\n';
  return kOk;
}

int clock_confirm(Session& session, const Arguments& arguments) {
  const std::string now = mail::format_timestamp(system_clock().wall());
  if (!confirmed(session, arguments, "It is " + now + " by this machine's clock. Is that right?")) return kRefused;
  const auto answer = session.call("POST", "/v1/clock");
  if (!answer) return session.report(answer.error());
  if (session.json) {
    session.out() << control::to_pretty_text(*answer);
  } else {
    session.out() << "The clock is believed: it is " << now << ".\n";
  }
  return kOk;
}

namespace {

/// A JSON value in a line: "key: value", objects and lists of them indented below.
void print_value(std::ostream& out, const json::value& value, std::size_t depth);

void print_members(std::ostream& out, const json::object& object, std::size_t depth) {
  for (const auto& [key, member] : object) {
    out << std::string(2 * depth, ' ') << std::string_view(key) << ": ";
    print_value(out, member, depth);
  }
}

void print_value(std::ostream& out, const json::value& value, std::size_t depth) {
  if (const auto* object = value.if_object()) {
    out << '\n';
    print_members(out, *object, depth + 1);
  } else if (const auto* array = value.if_array()) {
    out << (array->empty() ? "none\n" : "\n");
    for (const auto& item : *array) {
      out << std::string(2 * depth + 2, ' ') << "- ";
      print_value(out, item, depth + 1);
    }
  } else if (const auto* text = value.if_string()) {
    out << printable(*text) << '\n';
  } else {
    out << control::to_text(value) << '\n';
  }
}

const json::value& member(const json::object& object, std::string_view name) {
  static const json::value kNone;
  const auto* found = object.if_contains(name);
  return found == nullptr ? kNone : *found;
}

/// What of the status is there without a server, too.
void add_of_machine(Session& session, json::object& status) {
  status["version"] = session.environment().version;
  if (const auto place = session.place_of_server()) status["disk"] = service::disk_status(place->data_dir);
}

std::string size_of(const json::value& object, std::string_view name) {
  return size_text(static_cast<std::uint64_t>(control::get_number(object, name)));
}

void print_disk(std::ostream& out, const json::object& status) {
  const auto& disk = member(status, "disk");
  if (const auto* known = disk.if_object(); known != nullptr && !known->empty())
    out << "Disk:         " << size_of(disk, "free") << " free of " << size_of(disk, "size") << '\n';
}

/// When the server is down: what the store and the machine alone can tell.
int print_down(Session& session, const json::object& status) {
  const auto waiting = control::get_number(member(status, "queue"), "waiting");
  session.out() << "The server does not run. " << count_text(waiting, "recipient")
                << (waiting == 1 ? " waits" : " wait") << " in the queue. Start it with: paquebot serve\n"
                << "Version:      " << session.environment().version << '\n';
  print_disk(session.out(), status);
  return kRefused;
}

/// What must not be overlooked among the rest.
void warn(Session& session, const json::value& answer) {
  const auto* object = answer.if_object();
  const auto* dns = object != nullptr ? object->if_contains("dns") : nullptr;
  if (dns == nullptr) return;
  const std::string stand = control::get_text(*dns, "dnssec"), why = printable(control::get_text(*dns, "why"), 500);
  if (stand == "without")
    session.out() << "WARNING: answers of the DNS are not validated: " << why
                  << ". Mail leaves, but where it goes is not checked (docs/operations.md, \"The DNS\").\n\n";
  if (stand == "failing")
    session.out() << "WARNING: answers of the DNS can't be validated and are not used: " << why
                  << ". Mail waits (docs/operations.md, \"The DNS\").\n\n";
}

std::string in_one_line(const json::array& texts) {
  std::string all;
  for (const auto& text : texts)
    if (text.is_string()) all += (all.empty() ? "" : ", ") + printable(text.as_string(), 200);
  return all.empty() ? "none" : all;
}

void print_certificate(std::ostream& out, const json::value& certificate) {
  out << "Certificate:  " << printable(control::get_text(certificate, "file")) << ", until "
      << time_text(control::get_time(certificate, "not_after")) << '\n';
  for (const auto& problem : control::get_list(certificate, "problems"))
    if (problem.is_string()) out << "              Warning: it " << printable(problem.as_string()) << '\n';
}

/// Whom the server asks, and whether answers are validated; why not is in the warning above.
void print_dns(std::ostream& out, const json::value& dns) {
  std::string all;
  for (const auto& one : control::get_list(dns, "resolvers")) {
    const std::string signatures = control::get_text(one, "signatures");
    all += (all.empty() ? "" : ", ") + printable(control::get_text(one, "address"), 100) +
           (signatures.empty() ? "" : " (signatures: " + printable(signatures, 50) + ")");
  }
  out << "Resolvers:    " << (all.empty() ? "none" : all)
      << "; DNSSEC: " << printable(control::get_text(dns, "dnssec"), 50) << '\n';
}

/// What a person wants to know first, a line each; takes out of `rest` what it has told.
void print_running(std::ostream& out, json::object& rest) {
  const json::value whole = rest;
  const auto& queue = member(rest, "queue");
  out << "Paquebot " << printable(control::get_text(whole, "version")) << " on "
      << printable(control::get_text(whole, "hostname")) << ", process " << control::get_number(whole, "pid") << ", up "
      << duration_text(1000 * control::get_number(whole, "uptime_seconds")) << '\n'
      << "Listeners:    " << in_one_line(control::get_list(whole, "listeners")) << '\n'
      << "Connections:  " << control::get_number(whole, "connections") << '\n'
      << "Queue:        " << count_text(control::get_number(queue, "waiting"), "recipient") << " waiting, "
      << count_text(control::get_number(queue, "destinations"), "destination") << ", "
      << control::get_number(queue, "workers") << " being delivered\n";
  if (const auto orders = control::get_number(queue, "suspended"); orders > 0)
    out << "Suspended:    " << count_text(orders, "order") << " of operators (paquebot queue suspended)\n";
  print_disk(out, rest);
  if (const auto& all = control::get_list(whole, "certificates"); !all.empty())
    for (const auto& certificate : all) print_certificate(out, certificate);
  else if (const auto& certificate = member(rest, "certificate"); certificate.is_object())
    print_certificate(out, certificate);
  if (const auto& dns = member(rest, "dns"); dns.is_object()) print_dns(out, dns);
  if (control::get_bool(member(rest, "clock"), "trusted")) { // else all that is known of it is told
    out << "Clock:        trusted\n";
    rest.erase("clock");
  }
  for (const char* told : {"version", "hostname", "pid", "uptime_seconds", "listeners", "connections", "queue", "disk",
                           "certificate", "certificates", "dns"})
    rest.erase(told);
}

} // namespace

int dns_forget(Session& session, const Arguments& arguments) {
  const std::string address = arguments.text("RESOLVER");
  const auto answer =
      session.call("DELETE", "/v1/resolvers" + (address.empty() ? "" : "/" + control::path_encode(address)));
  if (!answer) return session.report(answer.error());
  if (session.json) {
    session.out() << control::to_pretty_text(*answer);
    return kOk;
  }
  const auto forgotten = control::get_list(*answer, "forgotten");
  if (forgotten.empty()) session.out() << "No resolver was remembered.\n";
  for (const auto& one : forgotten)
    if (const auto* text = one.if_string()) session.out() << "Forgotten: " << printable(*text, 64) << '\n';
  return kOk;
}

int metrics(Session& session, const Arguments&) {
  const auto answer = session.call("GET", "/v1/metrics");
  if (!answer) return session.report(answer.error());
  session.out() << (session.json ? control::to_pretty_text(*answer) : control::get_text(*answer, "metrics"));
  return kOk;
}

int status(Session& session, const Arguments&) {
  auto answer = session.call("GET", "/v1/status");
  if (!answer) return session.report(answer.error());
  // Only the answer made in this process has it as false.
  const bool down =
      answer->is_object() && answer->as_object().contains("running") && !control::get_bool(*answer, "running");
  if (down) add_of_machine(session, answer->as_object());
  if (session.json) {
    session.out() << control::to_pretty_text(*answer);
    return down ? kRefused : kOk;
  }
  if (!answer->is_object()) return kBug;
  if (down) return print_down(session, answer->as_object());
  warn(session, *answer);
  json::object rest = answer->as_object();
  print_running(session.out(), rest);
  print_members(session.out(), rest, 0); // what a newer server knows
  return kOk;
}

namespace {

/// Names for completion, one on a line. Whoever may not see them, or has no store yet, gets none and is not told why:
/// this is asked for while a command is typed.
int print_names(Session& session, const char* target, const char* list, const char* field) {
  const auto place = session.place_of_server();
  if (!place || (place->database.empty() && !std::filesystem::exists(place->data_dir + "/paquebot.db")))
    return kRefused;
  const auto answer = session.call_list(target, list);
  if (!answer) return kRefused;
  for (const auto& one : control::get_list(*answer, list))
    session.out() << printable(control::get_text(one, field)) << '\n';
  return kOk;
}

} // namespace

int completion(Session& session, const Arguments& arguments) {
  const std::string what = arguments.text("SHELL");
  if (what == "accounts") return print_names(session, "/v1/accounts", "accounts", "login");
  if (what == "domains") return print_names(session, "/v1/domains", "domains", "name");
  const auto script = completion_script(what);
  if (!script) return session.report(session.failure(kUsage, script.error().message).error());
  session.out() << *script;
  return kOk;
}

} // namespace paquebot::cli
