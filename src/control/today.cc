// How the server does, for whoever looks at it once a day.

#include "base/text.h"
#include "control/handlers.h"
#include "control/present.h"
#include "doctor/changes.h"
#include "doctor/house.h"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>

namespace paquebot::control {
namespace {

using doctor::Level;

constexpr std::size_t kMostBriefs = 20;
constexpr std::size_t kUsualHours = 24;
constexpr std::int64_t kLongWait = 4LL * 3'600'000;

std::int64_t wall_time() { return millis(system_clock().wall()); }

json::object brief(const doctor::Finding& finding) {
  return {{"level", doctor::name_of(finding.level)},
          {"check", finding.check},
          {"about", finding.about},
          {"seen", finding.seen},
          {"means", finding.means},
          {"advice", finding.advice}};
}

/// What is seen of the queue now.
struct QueueNow {
  std::uint64_t waiting = 0, failing = 0, held = 0, suspected = 0;
  std::int64_t oldest = 0; ///< of what waits; 0: nothing does
  std::string worst;       ///< the destination in back-off that most waits for
  std::uint64_t worst_waiting = 0;
  std::string worst_error;
  std::vector<store::Suspension> suspended; ///< that stand
};

Task<Result<QueueNow>> look_at_queue(Context& context) {
  QueueNow now;
  const std::int64_t time = wall_time();
  const auto destinations = co_await context.store.queue().list_destinations(true);
  if (!destinations) co_return std::unexpected(destinations.error());
  for (const store::DestinationFacts& one : *destinations) {
    now.waiting += one.waiting;
    if (one.backoff_until <= time || one.waiting == 0) continue;
    ++now.failing;
    if (one.waiting <= now.worst_waiting) continue;
    now.worst = one.key;
    now.worst_waiting = one.waiting;
    now.worst_error = one.last_error;
  }
  store::QueueFilter all;
  const std::optional<Ulid> from_start;
  const auto first = co_await context.store.queue().list(std::move(all), from_start, 1);
  if (!first) co_return std::unexpected(first.error());
  if (!first->empty()) now.oldest = first->front().message.accepted_at;
  const auto held = co_await context.store.queue().count_held();
  if (!held) co_return std::unexpected(held.error());
  now.held = *held;
  const auto orders = co_await context.store.queue().list_suspensions();
  if (!orders) co_return std::unexpected(orders.error());
  std::ranges::copy_if(*orders, std::back_inserter(now.suspended),
                       [time](const store::Suspension& one) { return one.holds(time); });
  const auto marked = co_await context.store.books().list_suspicions(false);
  if (!marked) co_return std::unexpected(marked.error());
  now.suspected = marked->size();
  co_return now;
}

/// What can be seen at once, without the doctor.
std::vector<doctor::Finding> seen_now(const QueueNow& queue, const json::value& status, std::int64_t now) {
  std::vector<doctor::Finding> found;
  const auto add = [&](Level level, std::string check, std::string seen, std::string means, std::string advice) {
    found.push_back({.level = level,
                     .check = std::move(check),
                     .seen = std::move(seen),
                     .means = std::move(means),
                     .advice = std::move(advice)});
  };
  if (queue.suspected > 0)
    add(Level::warning, "takeover",
        queue.suspected == 1 ? "One account looks taken over."
                             : fmt::format("{} accounts look taken over.", queue.suspected),
        "What they send is held.", "Ask whose they are, then release or drop what is held.");
  if (!queue.suspended.empty()) {
    const std::string first = printable(store::words_of(queue.suspended.front()), 400);
    const auto others = queue.suspended.size() - 1;
    add(Level::note, "queue",
        "Something is suspended: " + first + (others > 0 ? fmt::format(", and {} more.", others) : "."),
        "What it is about is held, or waits.", "paquebot queue suspended names all; the page Queue, too.");
  }
  if (queue.failing > 0)
    add(Level::note, "queue",
        queue.failing == 1
            ? fmt::format("{} can't be reached just now: {}", queue.worst, printable(queue.worst_error, 200))
            : fmt::format("{} destinations can't be reached just now, {} most of all: {}", queue.failing, queue.worst,
                          printable(queue.worst_error, 200)),
        queue.worst_waiting == 1 ? "One recipient waits for it; it is tried again."
                                 : fmt::format("{} recipients wait for it; it is tried again.", queue.worst_waiting),
        "");
  if (queue.oldest != 0 && now - queue.oldest > kLongWait && queue.waiting > 0)
    add(Level::note, "queue", "Some mail has waited for more than four hours.", "", "Look at the queue.");
  const auto* clock = status.is_object() ? status.as_object().if_contains("clock") : nullptr;
  if (clock != nullptr && clock->is_object() && clock->as_object().contains("trusted") && !get_bool(*clock, "trusted"))
    add(Level::warning, "clock", "The clock of this machine is doubted.", "Old mail does not expire.",
        "paquebot clock confirm, once it is right");
  return found;
}

/// Of the last round; from what the store has of one before the start only the names are known.
Task<Result<Examined>> last_round(Context& context) {
  if (context.hooks.live.examined) {
    Examined known = context.hooks.live.examined();
    if (known.at != 0) co_return known;
  }
  std::string key(doctor::kFoundSetting);
  const auto told = co_await context.store.upkeep().get_setting(std::move(key));
  if (!told) co_return std::unexpected(told.error());
  Examined found;
  for (const auto& [name, level] : doctor::read_told(*told)) {
    const auto blank = std::min(name.find(' '), name.size());
    found.findings.push_back({.level = level == "wrong" ? Level::wrong : Level::warning,
                              .check = name.substr(0, blank),
                              .about = name.substr(std::min(blank + 1, name.size())),
                              .seen = "The doctor found something before the server was started.",
                              .advice = "paquebot doctor tells more"});
  }
  co_return found;
}

json::array certificates_of(const json::value& status) {
  json::array ends;
  const auto add = [&ends](const json::value& one) {
    const auto& names = get_list(one, "names");
    const std::string name =
        names.empty() || !names.front().is_string() ? get_text(one, "file") : std::string(names.front().as_string());
    ends.push_back(json::object{{"name", name},
                                {"not_after", time_value(get_time(one, "not_after"))},
                                {"problems", get_list(one, "problems")}});
  };
  const auto* object = status.if_object();
  if (object == nullptr) return ends;
  if (const auto& all = get_list(status, "certificates"); !all.empty())
    for (const auto& one : all) add(one);
  else if (const auto* one = object->if_contains("certificate"); one != nullptr && one->is_object())
    add(*one);
  return ends;
}

std::string sentence_of(const std::vector<doctor::Finding>& findings, bool running) {
  if (!running) return "The server does not run.";
  if (findings.empty() || findings.front().level < Level::unknown) return "All is well.";
  if (findings.front().level == Level::unknown) return "Nothing is known to be wrong.";
  return findings.front().seen;
}

} // namespace

Task<Answer> show_today(Context& context, Call) {
  const std::int64_t now = wall_time();
  json::value status;
  if (context.hooks.status) {
    auto known = parse_json(context.hooks.status(), "the status");
    if (!known) co_return std::unexpected(known.error());
    status = std::move(*known);
  }
  const auto queue = co_await look_at_queue(context);
  if (!queue) co_return std::unexpected(queue.error());
  auto round = co_await last_round(context);
  if (!round) co_return std::unexpected(round.error());
  std::vector<doctor::Finding> findings = seen_now(*queue, status, now);
  for (doctor::Finding& one : round->findings)
    if (one.level != Level::good) findings.push_back(std::move(one));
  std::ranges::stable_sort(findings, std::ranges::greater(), &doctor::Finding::level);
  if (findings.size() > kMostBriefs) findings.resize(kMostBriefs);
  const bool running = static_cast<bool>(context.hooks.status);
  json::array list;
  for (const doctor::Finding& one : findings) list.push_back(brief(one));
  const Level level = running ? doctor::worst_of(findings) : Level::wrong;
  json::object out{{"level", doctor::name_of(level)},
                   {"sentence", sentence_of(findings, running)},
                   {"findings", std::move(list)},
                   {"examined", time_value(round->at)},
                   {"running", running},
                   {"waiting", queue->waiting},
                   {"held", queue->held},
                   {"suspected", queue->suspected},
                   {"oldest", time_value(queue->oldest)},
                   {"failing", queue->failing},
                   {"certificates", certificates_of(status)}};
  if (running) out["connections"] = get_number(status, "connections");
  const auto* disk = status.is_object() ? status.as_object().if_contains("disk") : nullptr;
  if (disk != nullptr && disk->is_object() && disk->as_object().contains("free"))
    out["disk"] = json::object{{"free", get_number(*disk, "free")}, {"size", get_number(*disk, "size")}};
  co_return out;
}

Task<Answer> show_traffic(Context& context, Call call) {
  const std::string text = call.ask("hours");
  const auto hours = text.empty() ? std::optional<std::uint64_t>(kUsualHours) : parse_u64(text);
  if (!hours || *hours == 0 || *hours > metrics::Hours::kMost)
    co_return refuse(Errc::invalid, "\"hours\" must be a number from 1 to 48", {}, "hours");
  if (!context.hooks.live.traffic)
    co_return fail(Errc::closed, "the server does not run: what goes through is counted there");
  const Traffic traffic = context.hooks.live.traffic(static_cast<std::size_t>(*hours));
  json::array list;
  for (const metrics::Hour& one : traffic.hours)
    list.push_back(json::object{{"at", time_value(one.at)},
                                {"accepted", one.accepted},
                                {"delivered", one.delivered},
                                {"relayed", one.relayed},
                                {"deferred", one.deferred},
                                {"failed", one.failed},
                                {"refused", one.refused}});
  co_return json::object{{"since", time_value(traffic.since)}, {"hours", std::move(list)}};
}

Task<Answer> list_configuration(Context& context, Call) {
  if (!context.hooks.live.settings)
    co_return fail(Errc::closed, "the server does not run: `paquebot check` reads its configuration");
  json::array list;
  for (const SettingFacts& one : context.hooks.live.settings())
    list.push_back(json::object{{"key", one.key},
                                {"value", one.value},
                                {"default", one.standard},
                                {"line", one.line},
                                {"restart", one.restart},
                                {"text", one.text}});
  co_return json::object{{"settings", std::move(list)}};
}

} // namespace paquebot::control
