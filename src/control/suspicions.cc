#include "base/text.h"
#include "control/handlers.h"
#include "control/page.h"
#include "control/present.h"

#include <algorithm>

namespace paquebot::control {
namespace {

constexpr std::size_t kMaxReason = 200;

Result<std::string> read_reason(const std::string& body) {
  const auto object = parse_object(body, "the request");
  if (!object) return std::unexpected(object.error());
  if (auto known = only_fields(*object, {"reason"}); !known) return std::unexpected(known.error());
  const auto reason = text_field(*object, "reason");
  if (!reason) return std::unexpected(reason.error());
  return printable(reason->value_or(""), kMaxReason);
}

} // namespace

Task<Found<std::optional<json::object>>> present_suspicion(Context& context, store::Id account) {
  const auto marked = co_await context.store.books().get_suspicion(account);
  if (!marked) co_return std::unexpected(marked.error());
  if (!*marked) co_return std::nullopt;
  co_return present(**marked);
}

Task<Answer> list_suspicions(Context& context, Call call) {
  const auto page = read_page(call);
  if (!page) co_return std::unexpected(page.error());
  store::Within within = within_reach(call.asker);
  std::string after = page->after;
  const std::size_t most = page->limit + 1;
  auto marked = co_await context.store.books().page_suspicions(std::move(within), std::move(after), most);
  if (!marked) co_return std::unexpected(marked.error());
  const bool more = cut_to(*marked, page->limit);
  json::array list;
  for (const store::Suspicion& one : *marked) list.push_back(present(one));
  json::object out{{"suspicions", std::move(list)}};
  if (more) out["next"] = marked->back().login;
  co_return out;
}

Task<Answer> suspect_account(Context& context, Call call) {
  const auto account = co_await need_account(context, call.names[0]);
  if (!account) co_return std::unexpected(account.error());
  const auto given = read_reason(call.body);
  if (!given) co_return std::unexpected(given.error());
  std::string reason = "ordered by " + call.who + (given->empty() ? "" : ": " + *given);
  const auto marked =
      co_await context.store.books().suspect(account->id, store::TakeoverSign::operators_order, std::move(reason));
  if (!marked) co_return std::unexpected(marked.error());
  if (!*marked) co_return fail(Errc::conflict, "the outgoing mail of " + account->login + " is held already");
  co_return json::object{{"login", account->login}};
}

/// First the mark goes, so that nothing more is held; a crash in between leaves what the same order given again finds.
Task<Answer> clear_suspicion(Context& context, Call call) {
  const auto account = co_await need_account(context, call.names[0]);
  if (!account) co_return std::unexpected(account.error());
  const bool drop = call.ask("drop") == "1";
  const auto cleared = co_await context.store.books().clear_suspicion(account->id);
  if (!cleared) co_return std::unexpected(cleared.error());
  store::QueueFilter filter;
  filter.account = account->id;
  filter.takeover_only = true;
  const auto action = drop ? store::QueueAction::cancel : store::QueueAction::release;
  const std::int64_t now = millis(system_clock().wall());
  const auto changed = co_await context.store.queue().operate(action, filter, call.who, now);
  if (!changed) co_return std::unexpected(changed.error());
  if (!*cleared && *changed == 0)
    co_return refuse(Errc::not_found, "nothing of " + account->login + " is held as taken over",
                     "paquebot account suspects names who is");
  co_return json::object{{"login", account->login}, {drop ? "dropped" : "released", *changed}};
}

} // namespace paquebot::control
