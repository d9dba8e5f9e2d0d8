// The store as a whole: verify, backup, restore.
#include "base/clock.h"
#include "base/clock_trust.h"
#include "base/rights.h"
#include "base/text.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/verbs.h"
#include "control/offline_orders.h"
#include "search/index.h"
#include "store/offline.h"

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <ostream>
#include <sys/stat.h>
#include <thread>

namespace paquebot::cli {
namespace {

std::ostream* bar_place(Session& session, const Arguments& arguments) {
  return session.terminal() && !session.json && !arguments.has("--quiet") ? &session.err() : nullptr;
}

/// What was found, at most so many of a rule that a broken one does not hide what others find.
class Findings {
public:
  void add(store::Finding finding) {
    constexpr std::int64_t kMost = 100;
    if (++told_[finding.rule] <= kMost)
      shown_.push_back(std::move(finding));
    else
      ++more_;
  }
  void add(std::vector<store::Finding> findings) {
    for (store::Finding& finding : findings) add(std::move(finding));
  }
  bool empty() const { return shown_.empty(); }
  const std::vector<store::Finding>& shown() const { return shown_; }
  std::int64_t more() const { return more_; } ///< that are not shown

private:
  std::vector<store::Finding> shown_;
  std::map<std::string, std::int64_t> told_;
  std::int64_t more_ = 0;
};

/// One step after another until there is no next one.
using Steps = std::function<Result<store::VerifyStep>(const store::VerifyPoint&)>;
Result<Findings> collect(const Steps& step, ProgressBar& bar) {
  Findings findings;
  for (std::optional<store::VerifyPoint> at = store::VerifyPoint{}; at;) {
    auto done = step(*at);
    if (!done) return std::unexpected(done.error());
    findings.add(std::move(done->findings));
    bar.set(done->done, done->total);
    at = std::move(done->next);
  }
  return findings;
}

/// Those of one answer of the server.
std::vector<store::Finding> read_findings(const json::value& answer) {
  std::vector<store::Finding> findings;
  for (const auto& finding : control::get_list(answer, "findings"))
    findings.push_back(
        {control::get_text(finding, "what"), control::get_text(finding, "advice"), control::get_text(finding, "rule")});
  return findings;
}

/// Adds them to what `--json` prints.
void tell_in_json(json::object& out, const Findings& findings) {
  json::array list;
  for (const auto& finding : findings.shown())
    list.push_back(json::object{{"rule", finding.rule}, {"what", finding.what}, {"advice", finding.advice}});
  out["findings"] = std::move(list);
  if (findings.more() > 0) out["more"] = findings.more();
}

/// A step by the running server.
Result<store::VerifyStep> ask_server(Transport& server, const store::VerifyPoint& from) {
  const std::string target = "/v1/verify?from=" + from.place;
  const auto response = server.call("GET", target, {});
  if (!response) return std::unexpected(response.error());
  if (response->status != 200) return std::unexpected(control::error_of(*response));
  const auto answer = control::parse_json(response->body, "the server's answer");
  if (!answer) return std::unexpected(answer.error());
  store::VerifyStep step;
  step.findings = read_findings(*answer);
  step.done = static_cast<std::uint64_t>(control::get_number(*answer, "done"));
  step.total = static_cast<std::uint64_t>(control::get_number(*answer, "total"));
  std::string next = control::get_text(*answer, "next");
  if (!next.empty()) step.next = store::VerifyPoint{std::move(next)};
  return step;
}

std::optional<Owner> owner_of(const std::string& directory) {
  struct stat facts{};
  if (::stat(directory.c_str(), &facts) != 0) return std::nullopt;
  return Owner{facts.st_uid, facts.st_gid};
}

Result<Findings> check_store(Session& session, ProgressBar& bar) {
  const auto place = session.place_of_server();
  if (!place) return std::unexpected(place.error());
  const auto server = connect_transport(place->control_socket);
  if (server) return collect([&](const store::VerifyPoint& at) { return ask_server(**server, at); }, bar);
  if (server.error().code != Errc::not_found) return std::unexpected(server.error());
  if (!place->database.empty()) {
    const auto opened = local_transport(*place);
    if (!opened) return std::unexpected(opened.error());
    return collect([&](const store::VerifyPoint& at) { return ask_server(**opened, at); }, bar);
  }
  // What is made beside it, as the lock, is its owner's: a server that has given up root's rights could not open ours.
  const ActAs acting(owner_of(place->data_dir));
  if (acting.failed()) return fail(Errc::permission, "can't act as the owner of " + place->data_dir);
  const auto inspection = store::inspect_sqlite(place->data_dir);
  if (!inspection) return std::unexpected(inspection.error());
  return collect([&](const store::VerifyPoint& at) { return Result<store::VerifyStep>((*inspection)->step(at)); }, bar);
}

void print_findings(std::ostream& out, const Findings& findings) {
  std::string advice;
  for (const auto& finding : findings.shown()) {
    if (finding.advice != advice && !advice.empty()) out << "  -> " << advice << '\n';
    advice = finding.advice;
    out << printable(finding.what, 4096) << '\n';
  }
  out << "  -> " << advice << '\n';
  if (findings.more() > 0) out << "... and " << findings.more() << " more like these\n";
  out << count_text(static_cast<std::int64_t>(findings.shown().size()) + findings.more(), "finding") << ".\n";
}

/// What is damaged of the index for searches, which is no part of the store; empty: nothing, or there is none.
std::string check_index(Session& session) {
  const auto place = session.place_of_server();
  if (!place || !place->search_index) return {};
  const ActAs acting(owner_of(place->data_dir)); // as above
  return acting.failed() ? std::string() : search::damage_of_file(place->data_dir);
}

} // namespace

int verify(Session& session, const Arguments& arguments) {
  Result<Findings> findings;
  {
    ProgressBar bar(bar_place(session, arguments), "checking", 0);
    findings = check_store(session, bar);
  }
  if (!findings) return session.report(findings.error());
  const std::string index = check_index(session);
  if (session.json) {
    json::object out{{"sound", findings->empty()}};
    if (!index.empty()) out["search_index"] = index;
    tell_in_json(out, *findings);
    session.out() << control::to_pretty_text(out);
  } else if (findings->empty()) {
    session.out() << "The store is sound.\n";
  } else {
    print_findings(session.out(), *findings);
  }
  if (!index.empty() && !session.json)
    session.out() << "The index for searches (search.db) can't be used: " << printable(index, 4096)
                  << ".\n  -> no mail is in it, and the server makes it anew by itself; now: paquebot search rebuild\n";
  return findings->empty() ? kOk : kRefused;
}

/// One that was killed is given up by the server within two seconds: the next one waits for that.
Result<json::value> begin_backup(Session& session, const std::string& path) {
  constexpr std::chrono::seconds kPatience{3};
  const auto until = system_clock().now() + kPatience;
  for (;;) {
    auto step = session.call("POST", "/v1/backups", control::to_text(json::object{{"path", path}}));
    if (step || step.error().code != Errc::conflict || system_clock().now() >= until) return step;
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }
}

int backup(Session& session, const Arguments& arguments) {
  const std::string path = std::filesystem::absolute(arguments.text("FILE")).lexically_normal().string();
  if (const auto way = session.transport(true); !way) return session.report(way.error());
  auto step = begin_backup(session, path);
  if (!step && (step.error().code == Errc::permission || step.error().code == Errc::io)) // the file can't be made
    return session.report(session.failure(kCantCreate, step.error().message).error());
  std::int64_t total = 0;
  Findings findings;
  const std::string which = step ? control::to_text(json::object{{"backup", control::get_text(*step, "backup")}}) : "";
  {
    ProgressBar bar(bar_place(session, arguments), "backup", 0);
    while (step && !control::get_bool(*step, "finished")) {
      step = session.call("POST", "/v1/backups/next", which);
      if (!step) break;
      findings.add(read_findings(*step));
      total = control::get_number(*step, "total");
      bar.set(static_cast<std::uint64_t>(control::get_number(*step, "done")), static_cast<std::uint64_t>(total));
    }
  }
  if (!step) return session.report(step.error());
  const std::uintmax_t size = static_cast<std::uintmax_t>(total) / 2; // half of the work was reading it again
  if (session.json) {
    json::object out{{"path", path}, {"size", size}};
    tell_in_json(out, findings);
    session.out() << control::to_pretty_text(out);
  } else {
    session.out() << printable(path, 4096) << ": " << size_text(size) << ", read again and checked.\n";
    if (!findings.empty()) {
      session.out() << "The store is not sound. The backup is of it as it is, with what is wrong in it:\n";
      print_findings(session.out(), findings);
    }
  }
  return findings.empty() ? kOk : kFindings;
}

int restore(Session& session, const Arguments& arguments) {
  const auto place = session.place();
  if (!place) return session.report(place.error());
  if (!place->database.empty())
    return session.report({Errc::unsupported, "where the store is a database, it is restored by that database's own "
                                              "means (docs/cluster.md)"});
  if (connect_transport(place->control_socket))
    return session.report({Errc::conflict, "the server runs: stop it, and move its data directory away first"});
  const auto owner = make_data_directory(place->data_dir, place->user);
  if (!owner) return session.report(owner.error());
  if (auto given = hand_over_files(place->data_dir); !given) return session.report(given.error());
  Result<store::RestoreResult> done;
  {
    ProgressBar bar(bar_place(session, arguments), "restore", 0);
    done = store::restore_sqlite(
        arguments.text("FILE"), place->data_dir, [&bar](std::uint64_t did, std::uint64_t all) { bar.set(did, all); },
        arguments.has("--force"), *owner);
  }
  const control::Order order{operator_name(), "restore", arguments.text("FILE"), place->data_dir,
                             done ? "done" : done.error().message};
  Result<> kept;
  {
    const ActAs acting(*owner);
    kept = control::keep_order(place->data_dir, order);
  }
  if (!kept && done) return session.report(kept.error());
  if (!done && done.error().code == Errc::not_found)
    return session.report(session.failure(kNoInput, done.error().message).error());
  if (!done && done.error().code == Errc::unsupported)
    return session.report(session.failure(kBadData, done.error().message).error());
  if (!done) return session.report(done.error());
  Findings findings;
  findings.add(std::move(done->findings));
  if (session.json) {
    json::object out{{"data_dir", place->data_dir}, {"made_at", done->made_at}, {"held", done->held}};
    tell_in_json(out, findings);
    session.out() << control::to_pretty_text(out);
    return findings.empty() ? kOk : kFindings;
  }
  session.out() << "Restored the store of " << time_text(done->made_at) << " in " << printable(place->data_dir, 4096)
                << ".\n"
                << count_text(static_cast<std::int64_t>(done->held), "recipient") << " that waited then "
                << (done->held == 1 ? "is" : "are")
                << " held, for they may have been delivered since. See: paquebot queue list --held; then "
                   "paquebot queue release --all, or paquebot queue cancel ...\n";
  const std::int64_t now = millis(system_clock().wall());
  if (done->made_at > 0 && std::chrono::milliseconds(std::abs(now - done->made_at)) > ClockTrust::kMostRest)
    session.out() << "It is days old: the server will doubt its clock at first, and delete and return nothing for its "
                     "age. If the "
                     "clock is right, say so once it runs: paquebot clock confirm\n";
  if (findings.empty()) return kOk;
  session.out() << "It is not sound, and was restored with what is wrong in it:\n";
  print_findings(session.out(), findings);
  return kFindings;
}

} // namespace paquebot::cli
