#include "base/text.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "control/target.h"
#include "mail/timestamp.h"

#include <ostream>

namespace paquebot::cli {

int serve(Session& session, const Arguments&) { return session.environment().serve(session.config); }

int check(Session& session, const Arguments&) { return session.environment().check(session.config); }

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
  if (!answer) return session.report(answer.error());
  if (session.json) {
    session.out() << control::to_pretty_text(*answer);
  } else {
    session.out() << "The server works with the new configuration.\n";
  }
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

/// What the store alone can tell, when the server is down.
int print_down(Session& session) {
  const auto queue = session.call("GET", "/v1/destinations");
  if (!queue) return session.report(queue.error());
  std::int64_t waiting = 0;
  for (const auto& destination : control::get_list(*queue, "destinations"))
    waiting += control::get_number(destination, "waiting");
  session.out() << "The server does not run. " << count_text(waiting, "recipient")
                << (waiting == 1 ? " waits" : " wait") << " in the queue. Start it with: paquebot serve\n";
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

} // namespace

int dns_forget(Session& session, const Arguments& arguments) {
  const std::string address = arguments.text("ADDRESS");
  const auto answer =
      session.call("DELETE", "/v1/resolvers" + (address.empty() ? "" : "/" + control::percent_encode(address)));
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

int status(Session& session, const Arguments&) {
  const auto answer = session.call("GET", "/v1/status");
  if (!answer) return session.report(answer.error());
  // Only the answer made in this process has it as false.
  const bool down =
      answer->is_object() && answer->as_object().contains("running") && !control::get_bool(*answer, "running");
  if (session.json) {
    session.out() << control::to_pretty_text(*answer);
    return down ? kRefused : kOk;
  }
  if (down) return print_down(session);
  warn(session, *answer);
  if (answer->is_object()) print_members(session.out(), answer->as_object(), 0);
  return kOk;
}

int completion(Session& session, const Arguments& arguments) {
  const auto script = completion_script(arguments.text("SHELL"));
  if (!script) return session.report(session.failure(kUsage, script.error().message).error());
  session.out() << *script;
  return kOk;
}

} // namespace paquebot::cli
