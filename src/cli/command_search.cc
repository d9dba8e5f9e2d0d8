// The index for searches.
#include "base/text.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/verbs.h"

#include <ostream>

namespace paquebot::cli {
namespace {

std::string messages_text(const json::value& answer) {
  return count_text(control::get_number(answer, "messages"), "message") + " in " +
         size_text(static_cast<std::uint64_t>(control::get_number(answer, "size")));
}

void print_index(std::ostream& out, const json::value& answer) {
  const std::string state = control::get_text(answer, "state");
  const std::int64_t behind = control::get_number(answer, "behind");
  if (state == "off") {
    out << "There is no index: search.index is false. Searches read what they search.\n";
  } else if (state == "failing") {
    out << "The index can't be kept; it is tried again: " << printable(control::get_text(answer, "why"), 1024) << '\n'
        << "Searches read what they search.\n";
  } else if (state == "current") {
    out << "The index is current: " << messages_text(answer) << ".\n";
  } else if (state == "stopped") {
    out << "The index has " << messages_text(answer) << "; no server runs that fills it.\n";
  } else {
    out << "The index is being filled: " << messages_text(answer) << ", " << count_text(behind, "message")
        << " to go. Searches read what is not in it yet.\n";
  }
}

/// Until it is filled, or can't be.
Result<json::value> wait_for_index(Session& session, json::value answer, bool quiet) {
  std::ostream* const place = session.terminal() && !session.json && !quiet ? &session.err() : nullptr;
  ProgressBar bar(place, "indexing", 0, "message");
  while (control::get_text(answer, "state") == "filling") {
    auto next = session.call("POST", "/v1/search/next");
    if (!next) return next;
    answer = std::move(*next);
    const auto done = static_cast<std::uint64_t>(control::get_number(answer, "messages"));
    bar.set(done, done + static_cast<std::uint64_t>(control::get_number(answer, "behind")));
  }
  return answer;
}

} // namespace

int search_status(Session& session, const Arguments&) {
  const auto answer = session.call("GET", "/v1/search");
  if (!answer) return session.report(answer.error());
  if (session.json)
    session.out() << control::to_pretty_text(*answer);
  else
    print_index(session.out(), *answer);
  return control::get_text(*answer, "state") == "failing" ? kRefused : kOk;
}

int search_rebuild(Session& session, const Arguments& arguments) {
  const auto way = session.transport(true);
  if (!way) return session.report(way.error());
  const bool waits = !arguments.has("--no-wait");
  if (!waits && !(*way)->live())
    return session.report(
        session.failure(kUsage, "no server runs that would go on with it: leave --no-wait out").error());
  auto answer = session.call("POST", "/v1/search");
  if (answer && waits) answer = wait_for_index(session, std::move(*answer), arguments.has("--quiet"));
  if (!answer) return session.report(answer.error());
  if (session.json)
    session.out() << control::to_pretty_text(*answer);
  else
    print_index(session.out(), *answer);
  return control::get_text(*answer, "state") == "failing" ? kRefused : kOk;
}

} // namespace paquebot::cli
