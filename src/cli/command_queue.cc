#include "base/clock.h"
#include "base/text.h"
#include "base/ulid.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "control/target.h"

#include <algorithm>
#include <ostream>
#include <vector>

namespace paquebot::cli {
namespace {

std::int64_t now() { return millis(system_clock().wall()); }

std::string_view without_id_mark(std::string_view text) { return istarts_with(text, "id=") ? text.substr(3) : text; }

/// Which messages a person means: an id, an address, else a destination ("example.net").
json::object filter_of(const std::string& which) {
  if (Ulid::parse(without_id_mark(which))) return {{"id", which}};
  if (which.find('@') != std::string::npos) return {{"address", which}};
  return {{"destination", which}};
}

std::string sender_text(const json::value& message) {
  const std::string sender = control::get_text(message, "sender");
  return sender.empty() ? "<>" : sender;
}

/// The recipient that says most of the message's state: of those that are unfinished the one due next, else the first.
const json::value* spokesman(const json::array& recipients) {
  const auto unfinished = [](const json::value& recipient) {
    const std::string state = control::get_text(recipient, "state");
    return state == "waiting" || state == "in hand" || state == "held";
  };
  const json::value* best = nullptr;
  for (const auto& recipient : recipients) {
    const bool better = best == nullptr || (unfinished(recipient) && !unfinished(*best)) ||
                        (unfinished(recipient) == unfinished(*best) && unfinished(recipient) &&
                         control::get_time(recipient, "due") < control::get_time(*best, "due"));
    if (better) best = &recipient;
  }
  return best;
}

/// The state of a message as a whole: of all its recipients, where they differ with the numbers of each ("1 in mailbox,
/// 1 failed"). Addresses that only led to others say nothing of it, unless there are no others.
std::string state_of(const json::array& recipients) {
  std::vector<std::pair<std::string, std::size_t>> states; // in the order of the recipients
  for (const auto& recipient : recipients) {
    const std::string state = control::get_text(recipient, "state");
    if (state == "expanded") continue;
    const auto known = std::ranges::find(states, state, &std::pair<std::string, std::size_t>::first);
    if (known == states.end())
      states.emplace_back(state, 1);
    else
      ++known->second;
  }
  if (states.empty()) return "expanded";
  if (states.size() == 1) return states.front().first;
  std::string all;
  for (const auto& [state, count] : states) {
    if (!all.empty()) all += ", ";
    all += std::to_string(count) + " " + state;
  }
  return all;
}

/// " of ann@example.org", for what lies in a mailbox; nothing else has one.
std::string mailbox_text(const json::value& recipient) {
  const auto* object = recipient.if_object();
  if (object == nullptr || !object->contains("mailbox")) return {};
  const std::string login = control::get_text(recipient, "mailbox");
  return login.empty() ? " of an account that was removed" : " of " + printable(login);
}

/// Until when its sender wants it held, as long as nobody let it go (RFC 4865); 0: it is not held so.
std::int64_t held_until(const json::value& message, const json::value& recipient) {
  const auto until = control::get_time(message, "hold_until");
  const bool held = control::get_text(recipient, "state") == "waiting" &&
                    control::get_number(recipient, "attempts") == 0 && until > now() &&
                    control::get_time(recipient, "due") >= until;
  return held ? until : 0;
}

/// When it is tried next: not before its destination is.
std::int64_t next_attempt(const json::value& recipient) {
  return std::max(control::get_time(recipient, "due"), control::get_time(recipient, "destination_until"));
}

std::string next_of(const json::value& message, const json::value& recipient) {
  const std::string state = control::get_text(recipient, "state");
  if (const auto until = held_until(message, recipient)) return "held, " + relative_text(until, now());
  return state == "waiting" ? relative_text(next_attempt(recipient), now()) : state;
}

/// Why it is not there yet: what a peer said of it, else what is known of the place that it waits for; an order of an
/// operator's only where there is nothing else to say. What is held says why it is.
std::string why_of(const json::value& recipient) {
  std::vector<std::string> known{control::get_text(recipient, "last_reply"),
                                 control::get_text(recipient, "destination_error"),
                                 control::get_text(recipient, "reason")};
  if (control::get_text(recipient, "state") == "held") std::ranges::reverse(known);
  for (const std::string& one : known)
    if (!one.empty()) return one;
  return {};
}

void add_row(Table& table, const json::value& message) {
  const auto& recipients = control::get_list(message, "recipients");
  const json::value* first = spokesman(recipients);
  if (first == nullptr) return;
  std::string to = control::get_text(*first, "address");
  if (recipients.size() > 1) to += " +" + std::to_string(recipients.size() - 1);
  table.add({control::get_text(message, "id"), relative_text(control::get_time(message, "accepted"), now()),
             size_text(static_cast<std::uint64_t>(control::get_number(message, "size"))), sender_text(message), to,
             next_of(message, *first), control::get_text(*first, "bounce"), why_of(*first)});
}

void print_recipient(std::ostream& out, const json::value& message, const json::value& recipient) {
  const std::string state = control::get_text(recipient, "state");
  out << "  " << printable(control::get_text(recipient, "address")) << ": " << state << mailbox_text(recipient);
  if (const auto until = held_until(message, recipient))
    out << ", held by its sender until " << time_text(until);
  else if (state == "waiting")
    out << ", next attempt " << relative_text(next_attempt(recipient), now());
  const auto attempts = control::get_number(recipient, "attempts");
  if (attempts > 0) out << ", " << count_text(attempts, "attempt");
  out << '\n';
  const std::string reply = control::get_text(recipient, "last_reply");
  const std::string reason = control::get_text(recipient, "reason");
  const std::string place = control::get_text(recipient, "destination_error");
  if (!reply.empty()) out << "      last reply: " << printable(reply) << '\n';
  if (const std::string bounce = control::get_text(recipient, "bounce"); !bounce.empty())
    out << "      class: " << printable(bounce) << '\n';
  if (!place.empty()) out << "      its destination: " << printable(place) << '\n';
  if (!reason.empty()) out << "      reason: " << printable(reason) << '\n';
}

/// What the sender said of safety, priority and time, a line each.
std::string wishes_text(const json::value& message) {
  std::string out;
  const std::string tls = control::get_text(message, "tls"), mode = control::get_text(message, "deliver_by_mode");
  const auto priority = control::get_number(message, "priority");
  if (!tls.empty()) out += "TLS:       " + printable(tls) + " by the sender\n";
  if (priority != 0) out += "Priority:  " + std::to_string(priority) + '\n';
  if (!mode.empty())
    out += "By:        " + time_text(control::get_time(message, "deliver_by")) +
           (mode == "return" ? ", else it is returned\n" : ", else its sender is told\n");
  return out;
}

void print_message(std::ostream& out, const json::value& message) {
  out << "Message:   " << control::get_text(message, "id") << " (" << control::get_text(message, "class") << ")\n"
      << "From:      " << printable(sender_text(message)) << '\n'
      << "Came:      " << time_text(control::get_time(message, "accepted"))
      << (control::get_text(message, "peer").empty() ? "" : " from " + printable(control::get_text(message, "peer")))
      << '\n'
      << "Size:      " << size_text(static_cast<std::uint64_t>(control::get_number(message, "size"))) << '\n'
      << wishes_text(message) << "Recipients:\n";
  for (const auto& recipient : control::get_list(message, "recipients")) print_recipient(out, message, recipient);
}

/// "ann@example.org, bob@example.org" for the indexes of an event; empty when it concerns the message as a whole.
std::string names_of(const json::value& event, const json::array& recipients) {
  std::string names;
  for (const auto& index : control::get_list(event, "recipients")) {
    for (const auto& recipient : recipients) {
      if (!index.is_number() || control::get_number(recipient, "index") != index.to_number<std::int64_t>()) continue;
      names += (names.empty() ? "" : ", ") + control::get_text(recipient, "address");
    }
  }
  return printable(names, 256);
}

void print_events(std::ostream& out, const json::value& trace) {
  out << "Trail:\n";
  const auto& recipients = control::get_list(trace, "recipients");
  for (const auto& event : control::get_list(trace, "events")) {
    out << "  " << time_text(control::get_time(event, "at")) << "  " << control::get_text(event, "kind");
    const auto times = control::get_number(event, "times");
    if (times > 1) out << " " << times << " times";
    const std::string names = names_of(event, recipients);
    const std::string detail = printable(control::get_text(event, "detail"), 1024);
    if (!names.empty()) out << " " << names;
    if (const std::string bounce = control::get_text(event, "bounce"); !bounce.empty())
      out << " (" << printable(bounce) << ")";
    if (const std::string node = control::get_text(event, "node"); !node.empty()) out << " on " << printable(node);
    if (!detail.empty()) out << ": " << detail;
    out << '\n';
  }
  for (const auto& report : control::get_list(trace, "reports")) {
    if (report.is_string()) out << "Report sent: " << std::string_view(report.as_string()) << '\n';
  }
}

int operate(Session& session, const Arguments& arguments, const std::string& verb, std::string_view done) {
  json::object filter;
  const std::string which = arguments.text("WHICH");
  if (!which.empty()) filter = filter_of(which);
  if (arguments.has("--all")) filter["all"] = true;
  if (verb == "rebind") filter["source"] = arguments.text("--to");
  const auto answer = session.call("POST", "/v1/queue/" + verb, control::to_text(filter));
  if (!answer) return session.report(answer.error());
  const auto changed = control::get_number(*answer, "recipients");
  if (session.json) {
    session.out() << control::to_pretty_text(*answer);
  } else if (changed == 0) {
    session.out() << "Nothing in the queue matches, or it is being delivered at this moment.\n";
  } else {
    session.out() << count_text(changed, "recipient") << ' ' << done << ".\n";
  }
  return changed == 0 && !arguments.has("--all") ? kRefused : kOk;
}

int trace_one(Session& session, const std::string& id) {
  const auto answer = session.call("GET", "/v1/messages/" + control::path_encode(id));
  if (!answer) return session.report(answer.error());
  if (session.json) {
    session.out() << control::to_pretty_text(*answer);
  } else {
    print_message(session.out(), *answer);
    print_events(session.out(), *answer);
  }
  return kOk;
}

/// What never came in. False: nothing is known.
bool print_refusals(std::ostream& out, const json::value& answer) {
  Table table({"REFUSED", "CLIENT", "FROM", "TO", "REPLY"});
  for (const auto& one : control::get_list(answer, "refusals")) {
    std::string client = control::get_text(one, "client");
    const std::string account = control::get_text(one, "account"), from = control::get_text(one, "from");
    const std::string to = control::get_text(one, "to");
    if (!account.empty()) client += " (" + account + ")";
    table.add({time_text(control::get_time(one, "at")), client, from.empty() ? "<>" : from, to.empty() ? "-" : to,
               control::get_text(one, "reply")});
  }
  if (table.empty()) return false;
  out << "\nRefused attempts (of the last 10,000; gone after a restart of the server):\n";
  table.print(out);
  return true;
}

/// `what`: an address, or a Message-ID in angle brackets.
int trace_many(Session& session, const Arguments& arguments, const std::string& what) {
  const bool by_id = what.starts_with('<');
  std::string target =
      "/v1/messages?" + std::string(by_id ? "message_id=" : "address=") + control::percent_encode(what);
  if (arguments.has("--limit")) target += "&limit=" + control::percent_encode(arguments.text("--limit"));
  auto answer = session.call("GET", target);
  // One answer looks back over so many messages at most: on, until there is something, or no more.
  while (answer && control::get_list(*answer, "messages").empty() && !control::get_text(*answer, "next").empty()) {
    auto refusals = control::get_list(*answer, "refusals");
    answer = session.call("GET", target + "&after=" + control::get_text(*answer, "next"));
    if (answer && !refusals.empty()) answer->as_object()["refusals"] = std::move(refusals);
  }
  if (!answer) return session.report(answer.error());
  if (session.json) {
    session.out() << control::to_pretty_text(*answer);
    return kOk;
  }
  Table table({"ID", "CAME", "FROM", "TO", "STATE"});
  for (const auto& message : control::get_list(*answer, "messages")) {
    const auto& recipients = control::get_list(message, "recipients");
    const json::value* first = spokesman(recipients);
    if (first == nullptr) continue;
    std::string to = control::get_text(*first, "address");
    if (recipients.size() > 1) to += " +" + std::to_string(recipients.size() - 1);
    table.add({control::get_text(message, "id"), time_text(control::get_time(message, "accepted")),
               sender_text(message), to, state_of(recipients)});
  }
  table.print_or(session.out(), "No message of the last 30 days " +
                                    std::string(by_id ? "has the Message-ID " : "came from or went to ") +
                                    printable(what) + ".");
  const bool refused = print_refusals(session.out(), *answer);
  return table.empty() && !refused ? kRefused : kOk;
}

} // namespace

int queue_list(Session& session, const Arguments& arguments) {
  std::string target =
      "/v1/queue?limit=" + (arguments.has("--limit") ? control::percent_encode(arguments.text("--limit")) : "100");
  if (arguments.has("--held")) target += "&held=1";
  for (const std::string name : {"address", "destination", "after"}) {
    if (arguments.has("--" + name)) target += "&" + name + "=" + control::percent_encode(arguments.text("--" + name));
  }
  const auto answer = session.call("GET", target);
  if (!answer) return session.report(answer.error());
  if (session.json) {
    session.out() << control::to_pretty_text(*answer);
    return kOk;
  }
  Table table({"ID", "CAME", "SIZE", "FROM", "TO", "NEXT", "CLASS", "WHY"});
  table.align_right(2);
  for (const auto& message : control::get_list(*answer, "messages")) add_row(table, message);
  if (table.empty()) {
    session.out() << "The queue is empty.\n";
    return kOk;
  }
  table.print(session.out());
  const std::string next = control::get_text(*answer, "next");
  if (!next.empty()) session.out() << "There may be more: paquebot queue list --after " << next << '\n';
  return kOk;
}

int queue_show(Session& session, const Arguments& arguments) {
  const auto answer = session.call("GET", "/v1/queue/" + control::path_encode(arguments.text("ID")));
  if (!answer) return session.report(answer.error());
  if (session.json) {
    session.out() << control::to_pretty_text(*answer);
  } else {
    print_message(session.out(), *answer);
    session.out() << "Given up:  " << relative_text(control::get_time(*answer, "expires"), now()) << '\n';
  }
  return kOk;
}

int queue_retry(Session& session, const Arguments& arguments) {
  return operate(session, arguments, "retry", "will be tried at once");
}
int queue_rebind(Session& session, const Arguments& arguments) {
  if (!arguments.has("--to"))
    return session.report(session.failure(kUsage, "say to which source: --to SOURCE").error());
  return operate(session, arguments, "rebind", "will leave from there at once");
}
int queue_hold(Session& session, const Arguments& arguments) {
  return operate(session, arguments, "hold", "held until released");
}
int queue_release(Session& session, const Arguments& arguments) {
  return operate(session, arguments, "release", "released");
}
int queue_cancel(Session& session, const Arguments& arguments) {
  if (arguments.has("--all") && !confirmed(session, arguments, "Drop everything in the queue, and tell no sender?"))
    return kRefused;
  return operate(session, arguments, "cancel", "cancelled, without a report to the sender");
}

int destinations(Session& session, const Arguments&) {
  const auto answer = session.call_list("/v1/destinations", "destinations");
  if (!answer) return session.report(answer.error());
  if (session.json) {
    session.out() << control::to_pretty_text(*answer);
    return kOk;
  }
  Table table({"DESTINATION", "WAITING", "NEXT", "FAILURES", "WHY"});
  for (const std::size_t column : {1U, 3U}) table.align_right(column);
  for (const auto& place : control::get_list(*answer, "destinations")) {
    const auto next = std::max(control::get_time(place, "earliest_due"), control::get_time(place, "backoff_until"));
    table.add({control::get_text(place, "destination"), std::to_string(control::get_number(place, "waiting")),
               relative_text(next, now()), std::to_string(control::get_number(place, "failures")),
               control::get_text(place, "last_error")});
  }
  table.print_or(session.out(), "Nothing waits for any destination.");
  return kOk;
}

int trace(Session& session, const Arguments& arguments) {
  const std::string what = arguments.text("ID");
  if (what.starts_with('<') || what.find('@') != std::string::npos) return trace_many(session, arguments, what);
  return trace_one(session, what);
}

} // namespace paquebot::cli
