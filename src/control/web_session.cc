#include "control/web_session.h"

#include "base/clock.h"
#include "base/log.h"
#include "control/dispatch.h"
#include "control/json.h"
#include "control/token.h"
#include "directory/directory.h"

namespace paquebot::control {
namespace {

constexpr std::size_t kCookieLetters = 32; // of five bits each
/// The use of a session is written down at most so often.
constexpr std::int64_t kUseNotedEach = 5 * 60 * 1000;
constexpr std::string_view kLinkedOperator = "operator by link";

json::array domains_of(const Grants& grants) {
  json::array all;
  for (const std::string& domain : grants.domains) all.emplace_back(domain);
  return all;
}

std::string cookie_field(const Asker& asker, std::string_view value) {
  std::string field(asker.clear ? kClearSessionCookie : kSessionCookie);
  field += "=" + std::string(value) + "; Path=/; HttpOnly; SameSite=Strict";
  if (!asker.clear) field += "; Secure";
  if (value.empty()) field += "; Max-Age=0";
  return field;
}

} // namespace

bool is_over(const store::WebSession& session, std::int64_t now) {
  return now - session.used >= store::kSessionIdle || now - session.created >= store::kSessionLife;
}

void drop_cookie(const Call& call) { call.fields->push_back({"Set-Cookie", cookie_field(call.asker, "")}); }

Asker linked_operator() {
  Asker asker;
  asker.grants.role = Role::operator_;
  asker.name = kLinkedOperator;
  return asker;
}

Task<Found<std::optional<Asker>>> asker_of_session(Context& context, std::string cookie, std::string address) {
  if (cookie.size() != kCookieLetters) co_return std::nullopt;
  std::string hash = hash_of_token(cookie);
  std::string wanted = hash;
  const auto found = co_await context.store.access().find_session(std::move(wanted));
  if (!found && found.error().code == Errc::not_found) co_return std::nullopt;
  if (!found) co_return std::unexpected(found.error());
  const std::int64_t now = millis(system_clock().wall());
  if (is_over(*found, now)) co_return std::nullopt;
  Asker asker = linked_operator();
  if (found->account != 0) {
    auto account = co_await context.store.directory().get_account(found->account);
    if (!account && account.error().code == Errc::not_found) co_return std::nullopt;
    if (!account) co_return std::unexpected(account.error());
    if (account->disabled) co_return std::nullopt;
    asker.name = account->login;
    store::Account whose = std::move(*account);
    auto grants = co_await grants_of(context, std::move(whose));
    if (!grants) co_return std::unexpected(grants.error());
    asker.grants = std::move(*grants);
  }
  asker.from = std::move(address);
  asker.session = hash;
  if (now - found->used >= kUseNotedEach) {
    const auto noted = co_await context.store.access().use_session(std::move(hash), now);
    (void)noted; // it is told again with the next request
  }
  co_return asker;
}

Task<Found<>> begin_session(Context& context, const Call& call, Asker& asker) {
  const std::string cookie = directory::make_letters(kCookieLetters);
  store::WebSession session;
  session.hash = hash_of_token(cookie);
  session.account = asker.grants.account;
  session.created = millis(system_clock().wall());
  session.from = call.asker.from;
  asker.session = session.hash;
  const auto added = co_await context.store.access().add_session(std::move(session));
  if (!added) co_return std::unexpected(added.error());
  if (!call.asker.session.empty()) {
    std::string old = call.asker.session;
    const auto ended = co_await context.store.access().end_session(std::move(old));
    if (!ended) co_return std::unexpected(ended.error());
  }
  call.fields->push_back({"Set-Cookie", cookie_field(call.asker, cookie)});
  co_return Found<>();
}

Task<Found<>> renew_session(Context& context, const Call& call, store::Id account) {
  if (call.asker.session.empty() || call.asker.grants.account != account) co_return Found<>();
  Asker again = call.asker;
  auto begun = co_await begin_session(context, call, again);
  co_return begun;
}

Task<Found<Asker>> asker_of_account(Context& context, const Call& call, store::Account account) {
  Asker asker;
  asker.name = account.login;
  asker.from = call.asker.from;
  asker.clear = call.asker.clear;
  auto grants = co_await grants_of(context, std::move(account));
  if (!grants) co_return std::unexpected(grants.error());
  asker.grants = std::move(*grants);
  co_return asker;
}

Task<Answer> present_me(Context& context, const Asker& asker) {
  bool second_factor = false;
  std::optional<std::size_t> codes;
  if (asker.grants.account != 0) {
    const auto account = co_await context.store.directory().get_account(asker.grants.account);
    if (!account) co_return std::unexpected(account.error());
    second_factor = account->second_factor;
  }
  if (second_factor)
    if (const auto factor = co_await context.store.access().get_factor(asker.grants.account)) codes = factor->codes;
  const bool powerful = asker.grants.role >= Role::domain_admin && asker.grants.account != 0;
  json::object out{{"name", asker.name},
                   {"role", name_of(asker.grants.role)},
                   {"domains", domains_of(asker.grants)},
                   {"session", !asker.session.empty()},
                   {"totp", second_factor},
                   {"two_factor_recommended", powerful && !second_factor},
                   {"hostname", context.hooks.hostname},
                   {"sink", false}};
  if (!asker.grants.login.empty()) out["login"] = asker.grants.login;
  if (codes) out["recovery_codes"] = *codes;
  if (asker.scopes) {
    json::array all;
    for (const std::string& scope : *asker.scopes) all.emplace_back(scope);
    out["scopes"] = std::move(all);
  }
  co_return out;
}

Order entrance_order(const Asker& asker, std::string action) {
  Order order{.who = asker.name,
              .action = std::move(action),
              .from = asker.from,
              .method = "POST",
              .target = {},
              .subject = asker.grants.login,
              .outcome = "done"};
  if (const Action* found = find_action(order.action); found != nullptr) order.target = found->path;
  return order;
}

Task<Answer> close_session(Context& context, Call call) {
  if (call.asker.session.empty())
    co_return refuse(Errc::conflict, "this request came without a session, so that there is none to end");
  std::string hash = call.asker.session;
  const auto ended = co_await context.store.access().end_session(std::move(hash));
  if (!ended) co_return std::unexpected(ended.error());
  drop_cookie(call);
  json::object out{{"ended", true}};
  if (!call.asker.grants.login.empty()) out["login"] = call.asker.grants.login;
  co_return out;
}

Task<Answer> show_me(Context& context, Call call) {
  auto shown = co_await present_me(context, call.asker);
  co_return shown;
}

} // namespace paquebot::control
