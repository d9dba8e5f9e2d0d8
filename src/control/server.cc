#include "base/text.h"
#include "control/handlers.h"
#include "dns/upstream.h"
#include "net/endpoint.h"

namespace paquebot::control {
namespace {

/// Recipients that wait in the store, for all destinations together.
Task<Result<std::uint64_t>> count_waiting(Context& context) {
  const auto destinations = co_await context.store.queue().list_destinations(true);
  if (!destinations) co_return std::unexpected(destinations.error());
  std::uint64_t waiting = 0;
  for (const auto& destination : *destinations) waiting += destination.waiting;
  co_return waiting;
}

} // namespace

Task<Answer> show_status(Context& context, Call) {
  Answer known = json::value(json::object{{"running", false}});
  if (context.hooks.status) known = parse_json(context.hooks.status(), "the status");
  if (!known || !known->is_object()) co_return known;
  const auto waiting = co_await count_waiting(context);
  if (!waiting) co_return std::unexpected(waiting.error());
  json::value& queue = known->as_object()["queue"];
  if (!queue.is_object()) queue = json::object{};
  queue.as_object()["waiting"] = *waiting;
  co_return known;
}

Task<Answer> show_metrics(Context& context, Call) {
  if (!context.hooks.metrics) co_return fail(Errc::closed, "the server does not run: it has no numbers to show");
  const auto& function = context.hooks.metrics;
  std::string text = co_await function();
  co_return json::object{{"metrics", std::move(text)}};
}

namespace {

Answer tell_of_index(Context& context) { return parse_json(context.hooks.search.facts(), "the state of the index"); }

} // namespace

Task<Answer> show_search(Context& context, Call) {
  if (!context.hooks.search.facts) co_return fail(Errc::closed, "there is no index for searches here");
  co_return tell_of_index(context);
}

Task<Answer> rebuild_search(Context& context, Call) {
  if (!context.hooks.search.rebuild) co_return fail(Errc::closed, "there is no index for searches here");
  if (auto begun = context.hooks.search.rebuild(); !begun) co_return std::unexpected(begun.error());
  co_return tell_of_index(context);
}

Task<Answer> go_on_with_search(Context& context, Call) {
  if (!context.hooks.search.go_on) co_return fail(Errc::closed, "there is no index for searches here");
  const auto& function = context.hooks.search.go_on;
  co_await function();
  co_return tell_of_index(context);
}

Task<Answer> reload(Context& context, Call) {
  if (!context.hooks.reload)
    co_return fail(Errc::closed, "the server does not run: it reads its configuration when it starts");
  const auto& function = context.hooks.reload;
  const Reloaded done = co_await function();
  if (!done.refused.empty()) co_return fail(done.code, "the configuration was not changed: " + done.refused);
  const auto list = [](const std::vector<std::string>& texts) {
    json::array all;
    for (const std::string& text : texts) all.emplace_back(text);
    return all;
  };
  co_return json::object{{"reloaded", true}, {"restart", list(done.restart)}, {"warnings", list(done.warnings)}};
}

namespace {

/// Takes back that validation has worked with these resolvers: the next look at them is a first one.
Task<Answer> forget_proven(Context& context, std::optional<std::string> address) {
  const std::string prefix = dns::kProvenSetting;
  std::string asked = prefix, beginning;
  const std::size_t most = 1000;
  const auto rows = co_await context.store.upkeep().list_settings(std::move(asked), most, std::move(beginning));
  if (!rows) co_return std::unexpected(rows.error());
  json::array forgotten;
  for (const auto& [key, value] : *rows) {
    const std::string one = key.substr(prefix.size());
    if (address && one != *address) continue;
    std::string name = key, nothing;
    const auto unset = co_await context.store.upkeep().set_setting(std::move(name), std::move(nothing));
    if (!unset) co_return std::unexpected(unset.error());
    forgotten.emplace_back(one);
  }
  if (context.hooks.forget_resolvers) context.hooks.forget_resolvers(address);
  co_return json::object{{"forgotten", std::move(forgotten)}};
}

} // namespace

Task<Answer> forget_resolvers(Context& context, Call) {
  std::optional<std::string> all;
  return forget_proven(context, std::move(all));
}

Task<Answer> forget_resolver(Context& context, Call call) {
  const std::string& address = call.names[0];
  if (!net::is_ip_address(address))
    co_return fail(Errc::invalid, "\"" + printable(address, 64) + "\" is not the address of a resolver");
  std::optional<std::string> one = address;
  auto answer = co_await forget_proven(context, std::move(one));
  co_return answer;
}

/// What the last heartbeat was, and that the clock was ever doubted, counts no more.
Task<Answer> confirm_clock(Context& context, Call) {
  const std::int64_t now = millis(system_clock().wall());
  Result<> done;
  if (context.hooks.confirm_clock) {
    done = co_await context.hooks.confirm_clock();
  } else {
    const std::string key = store::kClockSetting;
    const std::string nothing;
    done = co_await context.store.upkeep().beat(now);
    if (done) done = co_await context.store.upkeep().set_setting(key, nothing);
  }
  if (!done) co_return std::unexpected(done.error());
  co_return json::object{{"now", time_value(now)}};
}

} // namespace paquebot::control
