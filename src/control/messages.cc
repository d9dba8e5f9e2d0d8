#include "base/text.h"
#include "control/handlers.h"
#include "control/present.h"

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
    co_await name_accounts(context, item, shown);
    co_return shown;
  }
  if (trace.error().code != Errc::not_found) co_return std::unexpected(trace.error());
  co_return std::unexpected(no_message(id->to_string()));
}

Task<Answer> find_messages(Context& context, Call call) {
  const std::string address = std::string(trim(call.ask("address")));
  if (address.empty()) co_return fail(Errc::invalid, "say which \"address\" the messages came from or went to");
  const auto limit = read_limit(call, 20, 200);
  if (!limit) co_return std::unexpected(limit.error());
  const auto from = read_time(call, "since");
  if (!from) co_return std::unexpected(from.error());
  const std::int64_t since = *from;
  const auto ids = co_await context.store.trail().find_messages(address, since, *limit);
  if (!ids) co_return std::unexpected(ids.error());
  json::array list;
  for (const Ulid id : *ids) {
    const auto trace = co_await context.store.trail().trace(id);
    if (!trace) continue; // its trail ended meanwhile
    const store::WorkItem item{trace->message, trace->recipients};
    json::object shown = present(item);
    co_await name_accounts(context, item, shown);
    list.push_back(std::move(shown));
  }
  json::object out{{"messages", std::move(list)}};
  if (context.hooks.refusals) {
    json::array refusals;
    for (const auto& one : context.hooks.refusals(address, since, *limit)) refusals.push_back(present(one));
    out["refusals"] = std::move(refusals);
  }
  co_return out;
}

} // namespace paquebot::control
