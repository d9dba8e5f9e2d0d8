// The store as a whole: verify, backup, restore.
#include "base/text.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/verbs.h"
#include "store/offline.h"

#include <filesystem>
#include <ostream>

namespace paquebot::cli {
namespace {

std::ostream* bar_place(Session& session, const Arguments& arguments) {
  return session.terminal() && !session.json && !arguments.has("--quiet") ? &session.err() : nullptr;
}

/// One step after another until there is no next one; what was found goes into `findings`.
using Steps = std::function<Result<store::VerifyStep>(const store::VerifyPoint&)>;
Result<std::vector<store::Finding>> collect(const Steps& step, ProgressBar& bar) {
  constexpr std::size_t kMost = 1000;
  std::vector<store::Finding> findings;
  for (std::optional<store::VerifyPoint> at = store::VerifyPoint{}; at && findings.size() < kMost;) {
    auto done = step(*at);
    if (!done) return std::unexpected(done.error());
    for (auto& finding : done->findings) findings.push_back(std::move(finding));
    bar.set(done->done, done->total);
    at = done->next;
  }
  return findings;
}

constexpr std::size_t kMostFindings = 1000;

void read_findings(const json::value& answer, std::vector<store::Finding>& findings) {
  for (const auto& finding : control::get_list(answer, "findings")) {
    if (findings.size() < kMostFindings)
      findings.push_back({control::get_text(finding, "what"), control::get_text(finding, "advice")});
  }
}

json::array list_findings(const std::vector<store::Finding>& findings) {
  json::array list;
  for (const auto& finding : findings) list.push_back(json::object{{"what", finding.what}, {"advice", finding.advice}});
  return list;
}

/// A step by the running server.
Result<store::VerifyStep> ask_server(Transport& server, const store::VerifyPoint& from) {
  const std::string target = "/v1/verify?from=" + std::to_string(from.part) + "." + std::to_string(from.row);
  const auto response = server.call("GET", target, {});
  if (!response) return std::unexpected(response.error());
  if (response->status != 200) return std::unexpected(control::error_of(*response));
  const auto answer = control::parse_json(response->body, "the server's answer");
  if (!answer) return std::unexpected(answer.error());
  store::VerifyStep step;
  read_findings(*answer, step.findings);
  step.done = static_cast<std::uint64_t>(control::get_number(*answer, "done"));
  step.total = static_cast<std::uint64_t>(control::get_number(*answer, "total"));
  const std::string next = control::get_text(*answer, "next");
  const auto dot = next.find('.');
  if (dot == std::string::npos) return step;
  const auto part = parse_u64(std::string_view(next).substr(0, dot));
  const auto row = parse_u64(std::string_view(next).substr(dot + 1));
  if (part && row) step.next = {static_cast<unsigned>(*part), static_cast<std::int64_t>(*row)};
  return step;
}

Result<std::vector<store::Finding>> check_store(Session& session, ProgressBar& bar) {
  const auto place = session.place();
  if (!place) return std::unexpected(place.error());
  const auto server = connect_transport(place->control_socket);
  if (server) return collect([&](const store::VerifyPoint& at) { return ask_server(**server, at); }, bar);
  if (server.error().code != Errc::not_found) return std::unexpected(server.error());
  const auto inspection = store::inspect_sqlite(place->data_dir);
  if (!inspection) return std::unexpected(inspection.error());
  return collect([&](const store::VerifyPoint& at) { return Result<store::VerifyStep>((*inspection)->step(at)); }, bar);
}

void print_findings(std::ostream& out, const std::vector<store::Finding>& findings) {
  std::string advice;
  for (const auto& finding : findings) {
    if (finding.advice != advice && !advice.empty()) out << "  -> " << advice << '\n';
    advice = finding.advice;
    out << printable(finding.what, 4096) << '\n';
  }
  out << "  -> " << advice << '\n' << count_text(static_cast<std::int64_t>(findings.size()), "finding") << ".\n";
}

} // namespace

int verify(Session& session, const Arguments& arguments) {
  Result<std::vector<store::Finding>> findings;
  {
    ProgressBar bar(bar_place(session, arguments), "checking", 0);
    findings = check_store(session, bar);
  }
  if (!findings) return session.report(findings.error());
  if (session.json) {
    session.out() << control::to_pretty_text(
        json::object{{"sound", findings->empty()}, {"findings", list_findings(*findings)}});
  } else if (findings->empty()) {
    session.out() << "The store is sound.\n";
  } else {
    print_findings(session.out(), *findings);
  }
  return findings->empty() ? kOk : kRefused;
}

int backup(Session& session, const Arguments& arguments) {
  const std::string path = std::filesystem::absolute(arguments.text("FILE")).lexically_normal().string();
  auto step = session.call("POST", "/v1/backups", control::to_text(json::object{{"path", path}}));
  if (!step && (step.error().code == Errc::permission || step.error().code == Errc::io)) // the file can't be made
    return session.report(session.failure(kCantCreate, step.error().message).error());
  std::int64_t total = 0;
  std::vector<store::Finding> findings;
  {
    ProgressBar bar(bar_place(session, arguments), "backup", 0);
    while (step && !control::get_bool(*step, "finished")) {
      step = session.call("POST", "/v1/backups/next");
      if (!step) break;
      read_findings(*step, findings);
      total = control::get_number(*step, "total");
      bar.set(static_cast<std::uint64_t>(control::get_number(*step, "done")), static_cast<std::uint64_t>(total));
    }
  }
  if (!step) return session.report(step.error());
  const std::uintmax_t size = static_cast<std::uintmax_t>(total) / 2; // half of the work was reading it again
  if (session.json) {
    session.out() << control::to_pretty_text(
        json::object{{"path", path}, {"size", size}, {"findings", list_findings(findings)}});
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
  if (connect_transport(place->control_socket))
    return session.report({Errc::conflict, "the server runs: stop it, and move its data directory away first"});
  if (auto made = make_data_directory(*place); !made) return session.report(made.error());
  Result<store::RestoreResult> done;
  {
    ProgressBar bar(bar_place(session, arguments), "restore", 0);
    done = store::restore_sqlite(
        arguments.text("FILE"), place->data_dir, [&bar](std::uint64_t did, std::uint64_t all) { bar.set(did, all); },
        arguments.has("--force"));
  }
  const auto given = hand_over_files(*place);
  if (!done && done.error().code == Errc::not_found)
    return session.report(session.failure(kNoInput, done.error().message).error());
  if (!done && done.error().code == Errc::unsupported)
    return session.report(session.failure(kBadData, done.error().message).error());
  if (!done) return session.report(done.error());
  if (!given) return session.report(given.error());
  if (session.json) {
    session.out() << control::to_pretty_text(json::object{{"data_dir", place->data_dir},
                                                          {"made_at", done->made_at},
                                                          {"held", done->held},
                                                          {"findings", list_findings(done->findings)}});
    return done->findings.empty() ? kOk : kFindings;
  }
  session.out() << "Restored the store of " << time_text(done->made_at) << " in " << printable(place->data_dir, 4096)
                << ".\n"
                << count_text(static_cast<std::int64_t>(done->held), "recipient") << " that waited then "
                << (done->held == 1 ? "is" : "are")
                << " held, for they may have been delivered since. See: paquebot queue list --held; then "
                   "paquebot queue release --all, or paquebot queue cancel ...\n";
  if (done->findings.empty()) return kOk;
  session.out() << "It is not sound, and was restored with what is wrong in it:\n";
  print_findings(session.out(), done->findings);
  return kFindings;
}

} // namespace paquebot::cli
