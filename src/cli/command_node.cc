// The store that several servers may work on: store status, store copy, node list.
#include "base/clock.h"
#include "base/rights.h"
#include "base/text.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/verbs.h"
#include "store/store.h"
#include "store/store_copy.h"

namespace paquebot::cli {

int node_list(Session& session, const Arguments&) {
  const auto answer = session.call("GET", "/v1/nodes");
  if (!answer) return session.report(answer.error());
  if (session.json) {
    session.out() << control::to_pretty_text(*answer);
    return kOk;
  }
  Table table({"NODE", "EPOCH", "VERSION", "SINCE", "LAST SIGN"});
  for (const auto& one : control::get_list(*answer, "nodes")) {
    const std::string name = control::get_text(one, "name");
    const std::int64_t since = control::get_time(one, "since");
    table.add({(name.empty() ? "this one" : name) + (control::get_bool(one, "own") && !name.empty() ? " (asked)" : ""),
               std::to_string(control::get_number(one, "epoch")), control::get_text(one, "version"), time_text(since),
               since == 0 ? "-" : duration_text(control::get_number(one, "silent_ms")) + " ago"});
  }
  table.print(session.out());
  return kOk;
}

int node_drain(Session& session, const Arguments& arguments) {
  const bool drained = !arguments.has("--end");
  const std::string target = "/v1/nodes/" + control::percent_encode(arguments.text("NODE")) + "/drain";
  const auto answer = session.call("POST", target, control::to_text(json::object{{"drained", drained}}));
  if (!answer) return session.report(answer.error());
  if (session.json)
    session.out() << control::to_pretty_text(*answer);
  else
    session.out() << printable(arguments.text("NODE"), 256)
                  << (drained ? " hands its work to the others: its health check fails from now on, and when its "
                                "connections have ended it can be stopped.\n"
                              : " works again.\n");
  return kOk;
}

int store_status(Session& session, const Arguments&) {
  const auto store = session.call("GET", "/v1/store");
  if (!store) return session.report(store.error());
  const auto nodes = session.call("GET", "/v1/nodes");
  if (!nodes) return session.report(nodes.error());
  if (session.json) {
    json::value out = *store;
    out.as_object()["nodes"] = nodes->as_object().at("nodes");
    session.out() << control::to_pretty_text(out);
    return kOk;
  }
  const auto number = [&store](const char* key) { return control::get_number(*store, key); };
  const std::int64_t oldest = control::get_time(*store, "oldest_due");
  std::ostream& out = session.out();
  out << printable(control::get_text(*store, "kind"), 256) << ", "
      << size_text(static_cast<std::uint64_t>(number("size"))) << ", "
      << count_text(static_cast<std::int64_t>(control::get_list(*nodes, "nodes").size()), "node") << ".\n"
      << count_text(number("waiting"), "recipient") << " waiting, " << number("in_hand") << " in hand, "
      << number("held") << " held; due since: " << relative_text(oldest, millis(system_clock().wall())) << ".\n";
  if (number("locks") > 0) out << count_text(number("locks"), "mailbox") << " locked by sessions.\n";
  for (const auto& one : control::get_list(*nodes, "nodes")) {
    const std::string name = control::get_text(one, "name");
    if (!name.empty())
      out << "node " << printable(name, 256) << ": last sign of life "
          << duration_text(control::get_number(one, "silent_ms")) << " ago\n";
  }
  for (const auto& one : control::get_list(*store, "leases"))
    out << "does for all: " << printable(control::get_text(one, "work"), 256) << ": "
        << printable(control::get_text(one, "node"), 256) << '\n';
  for (const auto& one : control::get_list(*store, "copies")) {
    const std::int64_t behind = control::get_number(one, "behind");
    if (control::get_text(one, "state").empty()) { // nothing but the name is told to whoever is no monitor
      out << "copy " << printable(control::get_text(one, "name"), 256)
          << ": what it does is told to members of pg_monitor only\n";
      continue;
    }
    out << "copy " << printable(control::get_text(one, "name"), 256) << ": "
        << printable(control::get_text(one, "state"), 64) << ", " << printable(control::get_text(one, "wait"), 64)
        << (behind < 0 ? std::string() : ", " + size_text(static_cast<std::uint64_t>(behind)) + " behind") << '\n';
  }
  return kOk;
}

int store_copy(Session& session, const Arguments& arguments) {
  const std::string from = arguments.text("FROM"), to = arguments.text("TO");
  const auto place = session.place_of_server();
  if (!place) return session.report(place.error());
  const auto owner = make_data_directory(store::is_database(from) ? to : from, place->user);
  if (!owner) return session.report(owner.error());
  Result<store::StoreCopy> done;
  {
    const ActAs acting(*owner); // who may be known to the database by that
    if (acting.failed()) return session.report({Errc::permission, "can't act as the server's user"});
    const bool shown = session.terminal() && !session.json && !arguments.has("--quiet");
    ProgressBar bar(shown ? &session.err() : nullptr, "copying", 0);
    done = store::copy_store(from, to, arguments.has("--keep"),
                             [&bar](std::uint64_t did, std::uint64_t all) { bar.set(did, all); });
  }
  if (!done) return session.report(done.error());
  if (session.json) {
    json::array findings;
    for (const store::Finding& one : done->findings)
      findings.push_back(json::object{{"rule", one.rule}, {"what", one.what}, {"advice", one.advice}});
    session.out() << control::to_pretty_text(json::object{{"rows", done->rows}, {"findings", std::move(findings)}});
    return done->findings.empty() ? kOk : kFindings;
  }
  session.out() << count_text(static_cast<std::int64_t>(done->rows), "row") << " copied, counted and checked.\n";
  for (const store::Finding& one : done->findings)
    session.out() << printable(one.what, 4096) << "\n  -> " << one.advice << '\n';
  if (!arguments.has("--keep"))
    session.out() << "No server starts on the old store any more: let server.store"
                  << (to.starts_with("postgres") ? "" : " and server.data_dir") << " name the new one.\n";
  return done->findings.empty() ? kOk : kFindings;
}

} // namespace paquebot::cli
