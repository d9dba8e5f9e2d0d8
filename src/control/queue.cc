#include "base/log.h"
#include "base/text.h"
#include "control/dispatch.h"
#include "control/handlers.h"
#include "control/page.h"
#include "control/present.h"
#include "store/offline.h"

namespace paquebot::control {
namespace {

/// Which messages a request means; "all" must be said.
Result<store::QueueFilter> read_filter(const std::string& body) {
  const auto object = parse_object(body, "the request"); // whose form was checked
  if (!object) return std::unexpected(object.error());
  const auto id = text_field(*object, "id");
  const auto destination = text_field(*object, "destination");
  const auto address = text_field(*object, "address");
  const auto all = bool_field(*object, "all");
  if (!id) return std::unexpected(id.error());
  if (!destination) return std::unexpected(destination.error());
  if (!address) return std::unexpected(address.error());
  if (!all) return std::unexpected(all.error());
  store::QueueFilter filter;
  if (*id) {
    const auto ulid = read_id(**id);
    if (!ulid) return std::unexpected(ulid.error());
    filter.message = *ulid;
  }
  filter.destination = to_lower(destination->value_or(""));
  filter.address = address->value_or("");
  const bool narrow = filter.message || !filter.destination.empty() || !filter.address.empty();
  if (narrow == all->value_or(false)) {
    return fail(Errc::invalid, "say which messages: an id, an address, a destination, or all of them");
  }
  return filter;
}

/// All that a restore held back has been let go or dropped: the server needs to tell of it no more.
Task<void> forget_restore(Context& context, store::QueueAction action, const store::QueueFilter& filter) {
  const bool ends = action == store::QueueAction::release || action == store::QueueAction::cancel;
  if (!ends || filter.message || !filter.destination.empty() || !filter.address.empty()) co_return;
  const std::string key = store::kRestoredSetting;
  const auto told = co_await context.store.upkeep().get_setting(key);
  if (!told || told->empty()) co_return;
  const std::string nothing;
  const auto done = co_await context.store.upkeep().set_setting(key, nothing);
  if (!done)
    log::warning("control", {{"what", "the store still says that its queue is held"}, {"why", done.error().message}});
}

/// What is suspended goes only by its name, or when that is resumed.
void leave_suspended(store::QueueAction action, store::QueueFilter& filter) {
  const bool named = filter.message || !filter.address.empty();
  if (action == store::QueueAction::release && !named)
    filter.holds = store::kAllHolds & ~store::bit_of(store::HoldKind::suspended);
}

Task<Answer> operate(Context& context, Call call, store::QueueAction action) {
  auto filter = read_filter(call.body);
  if (!filter) co_return std::unexpected(filter.error());
  leave_suspended(action, *filter);
  const auto changed = co_await order_queue(context, action, *filter, call.who);
  if (!changed) co_return std::unexpected(changed.error());
  co_await forget_restore(context, action, *filter);
  co_return json::object{{"recipients", *changed}};
}

store::QueueFilter filter_of(const Call& call) {
  store::QueueFilter filter;
  // What comes of it is kept to what is within reach; this only saves the look at all the rest. What is held may also
  // be on its way to the account.
  const bool held = call.ask("held") == "1";
  if (call.asker.grants.role == Role::account && !held) filter.account = call.asker.grants.account;
  filter.destination = to_lower(call.ask("destination"));
  filter.address = call.ask("address");
  filter.held_only = held;
  return filter;
}

/// Messages of the queue that somebody who sees little of it looks through for one page of what he sees.
constexpr std::size_t kMostLookedThrough = 20'000;
constexpr std::size_t kMostCounted = 10'000;

Result<store::QueueAction> read_order(const std::string& body) {
  const auto object = parse_object(body, "the request");
  if (!object) return std::unexpected(object.error());
  const std::string order = get_text(json::value(*object), "order");
  if (order == "retry") return store::QueueAction::retry;
  if (order == "hold") return store::QueueAction::hold;
  if (order == "release") return store::QueueAction::release;
  return store::QueueAction::cancel;
}

} // namespace

/// By the queue of the running server, which has some of what waits in memory.
Task<Result<std::size_t>> order_queue(Context& context, store::QueueAction action, store::QueueFilter filter,
                                      std::string who) {
  store::QueueStore& queue = context.store.queue();
  if (context.hooks.order) co_return co_await context.hooks.order(action, std::move(filter), std::move(who), queue);
  const std::int64_t now = millis(system_clock().wall());
  co_return co_await queue.operate(action, std::move(filter), std::move(who), now);
}

Task<Answer> count_queued(Context& context, Call call) {
  auto filter = read_filter(call.body);
  if (!filter) co_return std::unexpected(filter.error());
  const auto action = read_order(call.body);
  if (!action) co_return std::unexpected(action.error());
  leave_suspended(*action, *filter);
  const std::int64_t now = millis(system_clock().wall());
  const auto found = co_await context.store.queue().count(*action, *filter, now, kMostCounted);
  if (!found) co_return std::unexpected(found.error());
  co_return json::object{{"messages", found->messages},
                         {"recipients", found->recipients},
                         {"senders", found->senders},
                         {"more", found->more}};
}

Task<Answer> list_queue(Context& context, Call call) {
  const auto filter = filter_of(call);
  const auto limit = read_limit(call, 100, 1000);
  if (!limit) co_return std::unexpected(limit.error());
  std::optional<Ulid> after;
  if (const std::string text = call.ask("after"); !text.empty()) {
    const auto id = read_id(text);
    if (!id) co_return std::unexpected(id.error());
    after = *id;
  }
  const auto destinations = co_await context.store.queue().list_destinations(false);
  if (!destinations) co_return std::unexpected(destinations.error());
  const std::int64_t now = millis(system_clock().wall());
  json::array list;
  bool more = true;
  for (std::size_t looked = 0; more && list.size() < *limit && looked < kMostLookedThrough;) {
    const std::size_t room = *limit - list.size();
    const auto items = co_await context.store.queue().list(filter, after, room);
    if (!items) co_return std::unexpected(items.error());
    more = items->size() == room;
    looked += items->size();
    for (const auto& item : *items) {
      after = item.message.id;
      json::object shown = present(item, *destinations, now);
      const auto whole = co_await complete(context, call.asker, item, shown);
      if (!whole) co_return std::unexpected(whole.error());
      json::value row = std::move(shown);
      if (keep_message(call.asker.grants, row)) list.push_back(std::move(row));
    }
  }
  json::object out{{"messages", std::move(list)}};
  if (more && after) out["next"] = after->to_string();
  co_return out;
}

Task<Answer> show_queued(Context& context, Call call) {
  const auto id = read_id(call.names[0]);
  if (!id) co_return std::unexpected(id.error());
  store::QueueFilter filter;
  filter.message = *id;
  const std::optional<Ulid> from_start;
  const auto items = co_await context.store.queue().list(filter, from_start, 1);
  if (!items) co_return std::unexpected(items.error());
  if (items->empty()) {
    const std::string text = id->to_string();
    co_return refuse(Errc::not_found, "message " + text + " is not in the queue", "its trail: paquebot trace " + text);
  }
  const auto destinations = co_await context.store.queue().list_destinations(false);
  if (!destinations) co_return std::unexpected(destinations.error());
  const store::WorkItem& item = items->front();
  json::object shown = present(item, *destinations, millis(system_clock().wall()));
  const auto whole = co_await complete(context, call.asker, item, shown);
  if (!whole) co_return std::unexpected(whole.error());
  co_return shown;
}

Task<Answer> retry_queued(Context& context, Call call) {
  return operate(context, std::move(call), store::QueueAction::retry);
}
Task<Answer> rebind_queued(Context& context, Call call) {
  auto filter = read_filter(call.body);
  if (!filter) co_return std::unexpected(filter.error());
  const auto body = parse_object(call.body, "the request");
  filter->source = get_text(json::value(*body), "source");
  if (filter->source == "none") filter->source.clear();
  const queue::Shaping* const shaping = context.hooks.live.shaping;
  if (!filter->source.empty() && (shaping == nullptr || !shaping->has_source(filter->source)))
    co_return refuse(Errc::not_found, "no [[source]] has the name " + printable(filter->source, 60),
                     "\"none\" lets it leave as without one", "source");
  const auto changed = co_await order_queue(context, store::QueueAction::rebind, *filter, call.who);
  if (!changed) co_return std::unexpected(changed.error());
  co_return json::object{{"recipients", *changed}};
}
Task<Answer> hold_queued(Context& context, Call call) {
  return operate(context, std::move(call), store::QueueAction::hold);
}
Task<Answer> release_queued(Context& context, Call call) {
  return operate(context, std::move(call), store::QueueAction::release);
}
Task<Answer> cancel_queued(Context& context, Call call) {
  return operate(context, std::move(call), store::QueueAction::cancel);
}

Task<Answer> list_destinations(Context& context, Call call) {
  const auto page = read_page(call);
  if (!page) co_return std::unexpected(page.error());
  std::string after = page->after;
  const std::size_t most = page->limit + 1;
  auto destinations = co_await context.store.queue().page_destinations(std::move(after), most);
  if (!destinations) co_return std::unexpected(destinations.error());
  const bool more = cut_to(*destinations, page->limit);
  json::array list;
  for (const auto& destination : *destinations) list.push_back(present(destination));
  json::object out{{"destinations", std::move(list)}};
  if (more) out["next"] = destinations->back().key;
  co_return out;
}

} // namespace paquebot::control
