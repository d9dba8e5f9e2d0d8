#include "base/text.h"
#include "control/dispatch.h"
#include "control/handlers.h"
#include "control/present.h"
#include "store/message_key.h"

#include <map>

namespace paquebot::control {

Task<void> name_accounts(Context& context, const store::WorkItem& item, json::object& shown) {
  auto& list = shown["recipients"].as_array();
  std::map<store::Id, std::string> logins;
  std::vector<store::Id> wanted{item.message.account};
  for (const store::RecipientFacts& recipient : item.recipients) wanted.push_back(recipient.account);
  for (const store::Id id : wanted) {
    if (id == 0 || logins.contains(id)) continue;
    const auto account = co_await context.store.directory().get_account(id);
    logins[id] = account ? account->login : std::string();
  }
  if (const store::Id id = item.message.account; id != 0) shown["account"] = logins[id];
  for (std::size_t i = 0; i < item.recipients.size() && i < list.size(); ++i)
    if (const store::Id id = item.recipients[i].account; id != 0) list[i].as_object()["mailbox"] = logins[id];
}

Task<Answer> trace_message(Context& context, Call call) {
  const auto id = read_id(call.names[0]);
  if (!id) co_return std::unexpected(id.error());
  const auto trace = co_await context.store.trail().trace(*id);
  if (trace) {
    const store::Trace& found = *trace;
    json::object shown = present(found);
    const store::WorkItem item{found.message, found.recipients};
    const auto whole = co_await complete(context, call.asker, item, shown);
    if (!whole) co_return std::unexpected(whole.error());
    co_return shown;
  }
  if (trace.error().code != Errc::not_found) co_return std::unexpected(trace.error());
  co_return std::unexpected(no_message(id->to_string()));
}

namespace {

/// Messages that somebody who sees few of them looks through for one page.
constexpr std::size_t kMostLookedAt = 2'000;

/// A message without its events; nothing: its trail ended meanwhile.
Task<std::optional<json::value>> shown_in_short(Context& context, const Asker& asker, Ulid id) {
  const auto trace = co_await context.store.trail().trace(id);
  if (!trace) co_return std::nullopt;
  const store::WorkItem item{trace->message, trace->recipients};
  json::object shown = present(item);
  const auto whole = co_await complete(context, asker, item, shown);
  if (!whole) co_return std::nullopt;
  co_return json::value(std::move(shown));
}

} // namespace

Task<Answer> find_messages(Context& context, Call call) {
  const std::string address = std::string(trim(call.ask("address")));
  const std::string message_id = std::string(trim(call.ask("message_id")));
  if (address.empty() && message_id.empty())
    co_return fail(Errc::invalid, "say which \"address\" the messages came from or went to, or their \"message_id\"");
  if (!message_id.empty() && store::message_key(message_id) == 0)
    co_return refuse(Errc::invalid, "that is no Message-ID", "it is as in <17-abc@mail.example.net>", "message_id");
  const auto limit = read_limit(call, 20, 200);
  if (!limit) co_return std::unexpected(limit.error());
  const auto from = read_time(call, "since");
  if (!from) co_return std::unexpected(from.error());
  const std::int64_t since = *from;
  std::optional<Ulid> below;
  if (const std::string text = call.ask("after"); !text.empty()) {
    const auto id = read_id(text);
    if (!id) co_return std::unexpected(id.error());
    below = *id;
  }
  const bool first = !below;
  json::array list;
  for (std::size_t looked = 0, room = 1; room > 0 && looked < kMostLookedAt;) {
    room = *limit - list.size();
    store::TrailFilter filter{.address = address, .message_id = message_id};
    const auto found = co_await context.store.trail().find_messages(std::move(filter), since, below, room);
    if (!found) co_return std::unexpected(found.error());
    looked += found->ids.size();
    for (const Ulid id : found->ids) {
      auto shown = co_await shown_in_short(context, call.asker, id);
      if (shown && keep_message(call.asker.grants, *shown)) list.push_back(std::move(*shown));
    }
    below = found->next;
    // So far back, and not to the end: who asks hears that, and goes on or not.
    const bool bounded = found->ids.size() < room;
    room = !below || bounded ? 0 : *limit - list.size();
  }
  json::object out{{"messages", std::move(list)}};
  if (below) {
    out["next"] = below->to_string();
    out["back_to"] = time_value(below->millis());
  }
  if (context.hooks.refusals && first && !address.empty()) {
    json::array refusals;
    for (const auto& one : context.hooks.refusals(address, since, *limit)) refusals.push_back(present(one));
    out["refusals"] = std::move(refusals);
  }
  co_return out;
}

} // namespace paquebot::control
