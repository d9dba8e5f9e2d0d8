#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "control/target.h"
#include "net/endpoint.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fmt/format.h>
#include <ostream>
#include <thread>

namespace paquebot::cli {
namespace {

/// From the best to the worst, as the server names them.
struct Grade {
  std::string_view level;
  std::string_view word; ///< in front of a finding
  std::string_view colour;
};
constexpr auto kGrades = std::to_array<Grade>({
    {"good", "good", "\x1b[32m"},
    {"note", "note", "\x1b[36m"},
    {"unknown", "unknown", "\x1b[35m"},
    {"warning", "WARNING", "\x1b[33m"},
    {"wrong", "WRONG", "\x1b[31m"},
});
constexpr std::size_t kWarning = 3, kWrong = 4;
constexpr std::size_t kIndent = 9;

std::size_t grade_of(const json::value& finding) {
  const std::string level = control::get_text(finding, "level");
  const auto found = std::ranges::find(kGrades, level, &Grade::level);
  return found == kGrades.end() ? 2 : static_cast<std::size_t>(found - kGrades.begin());
}

/// Prints findings, and counts them.
class Sheet {
public:
  Sheet(std::ostream& out, bool colour) : out_(out), colour_(colour) {}

  void add(const json::value& finding) {
    const std::size_t grade = grade_of(finding);
    ++counts_[grade];
    const Grade& how = kGrades[grade];
    const std::string word = fmt::format("{:<{}}", how.word, kIndent);
    out_ << (colour_ ? std::string(how.colour) + word + "\x1b[0m" : word)
         << printable(control::get_text(finding, "seen"), 2000) << '\n';
    const std::string space(kIndent, ' ');
    if (const auto means = control::get_text(finding, "means"); !means.empty())
      out_ << space << printable(means, 2000) << '\n';
    if (const auto advice = control::get_text(finding, "advice"); !advice.empty())
      for (const std::string_view line : split(advice, '\n')) out_ << space << "-> " << printable(line, 2000) << '\n';
    for (const auto& record : control::get_list(finding, "records")) {
      const std::string zone = control::get_text(record, "zone"); // named: the loop looks into it
      // At the margin, as it is pasted: a space in front would give it to the name before (RFC 1035 section 5.1).
      for (const std::string_view line : split(zone, '\n')) out_ << printable(line, 1000) << '\n';
    }
  }
  void sum_up() const {
    std::string words;
    for (std::size_t i = kGrades.size(); i-- > 0;)
      if (counts_[i] > 0) words += (words.empty() ? "" : ", ") + summed(i);
    out_ << '\n' << (words.empty() ? "nothing was found" : words) << ".\n";
  }

private:
  /// "3 wrong", "1 note", "2 notes".
  std::string summed(std::size_t grade) const {
    const bool noun = kGrades[grade].level == "note" || kGrades[grade].level == "warning";
    return fmt::format("{} {}{}", counts_[grade], kGrades[grade].level, noun && counts_[grade] != 1 ? "s" : "");
  }

  std::ostream& out_;
  const bool colour_;
  std::array<unsigned, kGrades.size()> counts_{};
};

/// What is looked at just now, on a terminal.
class Now {
public:
  Now(Session& session) : err_(session.err()), shown_(session.terminal() && !session.json) {}
  ~Now() { clear(); }
  Now(const Now&) = delete;
  Now& operator=(const Now&) = delete;
  void show(std::int64_t step, std::int64_t of, const std::string& label) {
    if (!shown_) return;
    err_ << "\r\x1b[K" << fmt::format("[{}/{}] {} …", step + 1, of, printable(label, 60)) << std::flush;
    drawn_ = true;
  }
  void clear() {
    if (drawn_) err_ << "\r\x1b[K" << std::flush;
    drawn_ = false;
  }

private:
  std::ostream& err_;
  const bool shown_;
  bool drawn_ = false;
};

bool wants_colour(Session& session) {
  const char* const no = std::getenv("NO_COLOR");
  return session.terminal() && (no == nullptr || *no == '\0');
}

/// Where the doctor is asked: about a domain, an account, a client, or (empty) the server.
std::string doctor_path(const std::string& about) {
  if (about.empty()) return "/v1/doctor";
  const std::string name = control::percent_encode(about);
  if (about.find('@') != std::string::npos) return "/v1/accounts/" + name + "/doctor";
  return (net::is_ip_address(about) ? "/v1/clients/" : "/v1/domains/") + name + "/doctor";
}

/// The login that an address leads to; the address itself when that can't be told.
std::string login_of(Session& session, const std::string& address) {
  if (address.find('@') == std::string::npos) return address;
  if (session.call("GET", "/v1/accounts/" + control::percent_encode(address))) return address;
  const auto answer = session.call("GET", "/v1/addresses/" + control::percent_encode(address));
  if (!answer) return address;
  for (const auto& way : control::get_list(*answer, "leads_to"))
    if (std::string login = control::get_text(way, "account"); !login.empty()) return login;
  return address;
}

/// All steps; what is good is shown when `all`.
int examine(Session& session, const std::string& about, bool all) {
  Sheet sheet(session.out(), wants_colour(session));
  Now now(session);
  json::array findings;
  const std::string path = doctor_path(about);
  std::int64_t step = 0;
  now.show(0, 1, "the server");
  do {
    const auto answer = session.call("GET", path + (step == 0 ? "" : "?step=" + std::to_string(step)));
    now.clear();
    if (!answer) return session.report(answer.error());
    for (const auto& finding : control::get_list(*answer, "findings")) {
      findings.push_back(finding);
      if (!session.json && (all || grade_of(finding) > 0)) sheet.add(finding);
    }
    step = control::get_number(*answer, "next"); // 0: there is none
    if (step != 0) now.show(step, control::get_number(*answer, "of"), control::get_text(*answer, "next_label"));
  } while (step != 0);
  std::size_t worst = 0;
  for (const auto& finding : findings) worst = std::max(worst, grade_of(finding));
  if (session.json) {
    session.out() << control::to_pretty_text(
        json::object{{"about", about}, {"level", kGrades[worst].level}, {"findings", findings}});
  } else if (const auto good = std::ranges::count_if(findings, [](const auto& one) { return grade_of(one) == 0; });
             !all) {
    if (good > 0) session.out() << fmt::format("{} good (--all shows them).\n", count_text(good, "thing"));
  }
  if (!session.json) sheet.sum_up();
  return worst >= kWrong ? kFindings : worst >= kWarning ? kRefused : kOk;
}

// ---- Following ----

/// "90s", "15m"; nothing for what is neither.
std::optional<std::chrono::seconds> read_span(const std::string& text) {
  if (text.empty()) return std::nullopt;
  const char unit = text.back();
  const auto number = parse_u64(std::string_view(text).substr(0, text.size() - (is_digit(unit) ? 0 : 1)));
  if (!number || *number > 86'400 || (!is_digit(unit) && unit != 's' && unit != 'm')) return std::nullopt;
  return std::chrono::seconds(unit == 'm' ? *number * 60 : *number);
}

/// What was seen of an account at one moment, so that only what is new is told.
struct Seen {
  std::int64_t last = 0;
  std::int64_t login = 0;
  std::int64_t refused = 0; ///< the time of the last refusal
  std::int64_t mail = 0;    ///< of the last message
};

std::int64_t latest_of(const json::array& list, std::string_view field, std::int64_t before) {
  for (const auto& one : list) before = std::max(before, control::get_time(one, field));
  return before;
}

void tell_new(Session& session, const json::value& answer, Seen& seen, bool first) {
  const auto& refusals = control::get_list(answer, "refusals");
  const auto* object = answer.if_object();
  const auto* login = object != nullptr ? object->if_contains("last_login") : nullptr;
  const std::int64_t at = login != nullptr ? control::get_time(*login, "at") : 0;
  if (!first) {
    Sheet sheet(session.out(), wants_colour(session));
    for (const auto& finding : control::get_list(answer, "findings")) sheet.add(finding);
    for (const auto& one : refusals)
      if (control::get_time(one, "at") > seen.refused)
        session.out() << fmt::format("{:<{}}Mail to {} was refused: {}\n", "WRONG", kIndent,
                                     printable(control::get_text(one, "to"), 254),
                                     printable(control::get_text(one, "reply"), 300));
    if (at > seen.login)
      session.out() << fmt::format("{:<{}}It logged in from {} ({}).\n", "good", kIndent,
                                   printable(control::get_text(*login, "address"), 64),
                                   printable(control::get_text(*login, "protocol"), 16));
  }
  seen.last = control::get_number(answer, "last");
  seen.login = std::max(seen.login, at);
  seen.refused = latest_of(refusals, "at", seen.refused);
}

/// Mail that was taken since.
Result<> tell_mail(Session& session, const std::string& about, Seen& seen, bool first) {
  const auto answer = session.call("GET", "/v1/messages?address=" + control::percent_encode(about) + "&since=" +
                                              control::percent_encode(log::time_of(from_millis(seen.mail + 1))));
  if (!answer) return std::unexpected(answer.error());
  const auto& messages = control::get_list(*answer, "messages");
  if (!first)
    for (const auto& one : messages)
      session.out() << fmt::format("{:<{}}Mail {} was accepted.\n", "good", kIndent,
                                   printable(control::get_text(one, "id"), 40));
  seen.mail = latest_of(messages, "accepted", seen.mail);
  return {};
}

int watch(Session& session, const std::string& about, std::chrono::seconds most) {
  const auto target = [&](const Seen& seen) {
    return "/v1/accounts/" + control::percent_encode(about) + "/attempts?after=" + std::to_string(seen.last);
  };
  Seen seen;
  seen.mail = millis(system_clock().wall());
  const Instant until = most.count() > 0 ? system_clock().now() + most : Instant::max();
  for (bool first = true; first || system_clock().now() < until; first = false) {
    const auto answer = session.call("GET", target(seen));
    if (!answer) return session.report(answer.error());
    tell_new(session, *answer, seen, first);
    if (const auto told = tell_mail(session, about, seen, first); !told) return session.report(told.error());
    if (first) session.out() << "Press Send in the program now. (Ctrl-C ends this.)\n";
    if (!session.arrived()) return kIo;
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
  }
  return kOk;
}

/// The server's own round.
int begin_round(Session& session) {
  const auto answer = session.call("POST", "/v1/doctor");
  if (!answer) return session.report(answer.error());
  if (session.json)
    session.out() << control::to_pretty_text(*answer);
  else
    session.out() << "The server makes its round. What changed is in its log, and postmaster gets mail about it.\n";
  return kOk;
}

} // namespace

int doctor(Session& session, const Arguments& arguments) {
  if (arguments.has("--tell")) return begin_round(session);
  const std::string about = login_of(session, arguments.text("ABOUT"));
  if (!arguments.has("--watch")) return examine(session, about, arguments.has("--all"));
  if (about.find('@') == std::string::npos)
    return session.report(
        session.failure(kUsage, "--watch needs an account: paquebot doctor ann@example.org --watch").error());
  std::chrono::seconds most{0};
  if (arguments.has("--for")) {
    const auto span = read_span(arguments.text("--for"));
    if (!span)
      return session.report(session.failure(kUsage, "--for takes a time such as 90s or 15m, at most a day").error());
    most = *span;
  }
  return watch(session, about, most);
}

} // namespace paquebot::cli
