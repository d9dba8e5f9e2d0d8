#include "base/text.h"
#include "control/present.h"
#include "control/routes.h"

namespace paquebot::control {

Task<Answer> trace_message(Context& context, Call call) {
  const auto id = read_id(call.names[0]);
  if (!id) co_return std::unexpected(id.error());
  const auto trace = co_await context.store.trace(*id);
  if (trace) co_return present(*trace);
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
  const auto ids = co_await context.store.find_messages(address, since, *limit);
  if (!ids) co_return std::unexpected(ids.error());
  json::array list;
  for (const Ulid id : *ids) {
    const auto trace = co_await context.store.trace(id);
    if (!trace) continue; // its trail ended meanwhile
    list.push_back(present(store::WorkItem{trace->message, trace->recipients}));
  }
  co_return json::object{{"messages", std::move(list)}};
}

} // namespace paquebot::control
