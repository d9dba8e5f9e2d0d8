#include "base/text.h"
#include "control/present.h"
#include "control/routes.h"

#include <map>

namespace paquebot::control {
namespace {

/// Says of whatever lies in a mailbox, in whose: the address it came to may be an alias, or of an alias domain. An
/// account that was removed since is not named.
Task<void> name_mailboxes(Context& context, const store::Trace& trace, json::object& shown) {
  auto& list = shown["recipients"].as_array();
  std::map<store::Id, std::string> logins;
  for (std::size_t i = 0; i < trace.recipients.size() && i < list.size(); ++i) {
    const store::Id id = trace.recipients[i].account;
    if (id == 0) continue;
    if (!logins.contains(id)) {
      const auto account = co_await context.store.directory().get_account(id);
      logins[id] = account ? account->login : std::string();
    }
    list[i].as_object()["mailbox"] = logins[id];
  }
}

} // namespace

Task<Answer> trace_message(Context& context, Call call) {
  const auto id = read_id(call.names[0]);
  if (!id) co_return std::unexpected(id.error());
  const auto trace = co_await context.store.trail().trace(*id);
  if (trace) {
    const store::Trace& found = *trace;
    json::object shown = present(found);
    co_await name_mailboxes(context, found, shown);
    co_return shown;
  }
  if (trace.error().code != Errc::not_found) co_return std::unexpected(trace.error());
  co_return fail(Errc::not_found, "no message has the id " + id->to_string() + "; trails are kept for 30 days");
}

Task<Answer> find_messages(Context& context, Call call) {
  const std::string address = std::string(trim(call.ask("address")));
  if (address.empty()) co_return fail(Errc::invalid, "say which \"address\" the messages came from or went to");
  const auto limit = read_limit(call, 20, 200);
  if (!limit) co_return std::unexpected(limit.error());
  std::int64_t since = 0;
  if (const std::string text = call.ask("since"); !text.empty()) {
    const auto number = parse_u64(text);
    if (!number || *number > INT64_MAX) co_return fail(Errc::invalid, "\"since\" must be milliseconds since 1970");
    since = static_cast<std::int64_t>(*number);
  }
  const auto ids = co_await context.store.trail().find_messages(address, since, *limit);
  if (!ids) co_return std::unexpected(ids.error());
  json::array list;
  for (const Ulid id : *ids) {
    const auto trace = co_await context.store.trail().trace(id);
    if (!trace) continue; // its trail ended meanwhile
    const store::Trace& found = *trace;
    json::object shown = present(store::WorkItem{found.message, found.recipients});
    co_await name_mailboxes(context, found, shown);
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
