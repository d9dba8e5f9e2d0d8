#include "base/text.h"
#include "control/routes.h"
#include "dns/upstream.h"
#include "net/endpoint.h"

namespace paquebot::control {

Task<Answer> show_status(Context& context, Call) {
  if (context.hooks.status) co_return parse_json(context.hooks.status(), "the status");
  co_return json::object{{"running", false}};
}

Task<Answer> reload(Context& context, Call) {
  if (!context.hooks.reload)
    co_return fail(Errc::closed, "the server does not run: it reads its configuration when it starts");
  const std::string why = context.hooks.reload();
  if (!why.empty()) co_return fail(Errc::invalid, "the configuration was not changed: " + why);
  co_return json::object{{"reloaded", true}};
}

namespace {

/// Takes back that validation has worked with these resolvers: the next look at them is a first one.
Task<Answer> forget_proven(Context& context, std::optional<std::string> address) {
  const std::string prefix = dns::kProvenSetting;
  std::string asked = prefix;
  const std::size_t most = 1000;
  const auto rows = co_await context.store.list_settings(std::move(asked), most);
  if (!rows) co_return std::unexpected(rows.error());
  json::array forgotten;
  for (const auto& [key, value] : *rows) {
    const std::string one = key.substr(prefix.size());
    if (address && one != *address) continue;
    std::string name = key, nothing;
    const auto unset = co_await context.store.set_setting(std::move(name), std::move(nothing));
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
    done = co_await context.store.beat(now);
    if (done) done = co_await context.store.set_setting(key, nothing);
  }
  if (!done) co_return std::unexpected(done.error());
  co_return json::object{{"now", now}};
}

} // namespace paquebot::control
