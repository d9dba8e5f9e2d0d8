#include "control/handlers.h"
#include "control/present.h"

namespace paquebot::control {
namespace {

/// A bound that is to change: a number, or null for the general one.
struct Change {
  store::LimitKind kind;
  std::optional<std::uint64_t> most;
};

Result<std::vector<Change>> read_changes(const std::string& body) {
  const auto object = parse_object(body, "the request");
  if (!object) return std::unexpected(object.error());
  std::vector<Change> changes;
  for (const auto& [name, value] : *object) {
    const auto kind = store::limit_kind(name);
    if (!kind) {
      std::string known;
      for (const store::LimitKind one : store::kLimitKinds)
        known += (known.empty() ? "" : ", ") + std::string(store::name_of(one));
      return fail(Errc::invalid, "there is no limit of that name; known are " + known);
    }
    if (value.is_null()) {
      changes.push_back({*kind, std::nullopt});
      continue;
    }
    const auto most = number_field(*object, name);
    if (!most) return std::unexpected(most.error());
    changes.push_back({*kind, *most});
  }
  if (changes.empty()) return fail(Errc::invalid, "the request names no limit");
  return changes;
}

} // namespace

Task<Found<json::array>> present_limits(Context& context, store::Id account) {
  const store::Limits general = context.hooks.limits ? context.hooks.limits() : store::Limits();
  const std::int64_t now = millis(system_clock().wall());
  const auto uses = co_await context.store.books().limit_use(account, general, now);
  if (!uses) co_return std::unexpected(uses.error());
  json::array out;
  for (const store::LimitUse& use : *uses) {
    out.push_back(json::object{{"name", store::name_of(use.kind)},
                               {"used", use.used},
                               {"most", use.most},
                               {"own", use.own},
                               {"until", time_value(use.until)}});
  }
  co_return out;
}

Task<Answer> show_limits(Context& context, Call call) {
  const auto account = co_await need_account(context, call.names[0]);
  if (!account) co_return std::unexpected(account.error());
  auto limits = co_await present_limits(context, account->id);
  if (!limits) co_return std::unexpected(limits.error());
  co_return json::object{{"login", account->login}, {"limits", std::move(*limits)}};
}

Task<Answer> change_limits(Context& context, Call call) {
  const auto account = co_await need_account(context, call.names[0]);
  if (!account) co_return std::unexpected(account.error());
  const auto changes = read_changes(call.body);
  if (!changes) co_return std::unexpected(changes.error());
  for (const Change& change : *changes) {
    const auto set = co_await context.store.books().set_limit(account->id, change.kind, change.most);
    if (!set) co_return std::unexpected(set.error());
  }
  auto limits = co_await present_limits(context, account->id);
  if (!limits) co_return std::unexpected(limits.error());
  co_return json::object{{"login", account->login}, {"limits", std::move(*limits)}};
}

} // namespace paquebot::control
