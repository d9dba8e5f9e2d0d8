// In which browsers an account is logged in, for whose it is; and putting an end to that.

#include "base/clock.h"
#include "base/encoding.h"
#include "control/handlers.h"
#include "control/web_session.h"

namespace paquebot::control {
namespace {

constexpr std::size_t kShownOfHash = 8;

/// What it is called where it is shown: nobody gets in by it.
std::string name_of_session(const store::WebSession& session) {
  return hex_encode(session.hash.substr(0, kShownOfHash));
}

} // namespace

Task<Answer> list_sessions(Context& context, Call call) {
  const store::Id own = call.asker.grants.account;
  const auto sessions = co_await context.store.access().list_sessions(own);
  if (!sessions) co_return std::unexpected(sessions.error());
  const std::int64_t now = millis(system_clock().wall());
  json::array list;
  for (const store::WebSession& one : *sessions)
    if (!is_over(one, now))
      list.push_back(json::object{{"id", name_of_session(one)},
                                  {"created", time_value(one.created)},
                                  {"used", time_value(one.used)},
                                  {"from", one.from},
                                  {"current", one.hash == call.asker.session}});
  co_return json::object{{"sessions", std::move(list)}};
}

Task<Answer> end_session(Context& context, Call call) {
  const store::Id own = call.asker.grants.account;
  const auto sessions = co_await context.store.access().list_sessions(own);
  if (!sessions) co_return std::unexpected(sessions.error());
  for (const store::WebSession& one : *sessions) {
    if (name_of_session(one) != call.names[0]) continue;
    std::string hash = one.hash;
    const auto ended = co_await context.store.access().end_session(std::move(hash));
    if (!ended) co_return std::unexpected(ended.error());
    if (one.hash == call.asker.session) drop_cookie(call);
    co_return json::object{{"ended", 1}};
  }
  co_return refuse(Errc::not_found, "there is no such session of yours any more");
}

Task<Answer> end_other_sessions(Context& context, Call call) {
  const store::Id own = call.asker.grants.account;
  std::string current = call.asker.session;
  const auto ended = co_await context.store.access().end_sessions(own, std::move(current));
  if (!ended) co_return std::unexpected(ended.error());
  json::object out{{"ended", *ended}};
  if (!call.asker.grants.login.empty()) out["login"] = call.asker.grants.login;
  co_return out;
}

Task<Answer> end_account_sessions(Context& context, Call call) {
  const auto account = co_await need_account(context, call.names[0]);
  if (!account) co_return std::unexpected(account.error());
  const store::Id whose = account->id;
  std::string none;
  const auto ended = co_await context.store.access().end_sessions(whose, std::move(none));
  if (!ended) co_return std::unexpected(ended.error());
  if (whose == call.asker.grants.account && !call.asker.session.empty()) drop_cookie(call);
  co_return json::object{{"login", account->login}, {"ended", *ended}};
}

} // namespace paquebot::control
