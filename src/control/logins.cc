// How people get in with a browser: by password, by a link, and with another password when theirs is lost.

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "control/handlers.h"
#include "control/orders.h"
#include "control/password_login.h"
#include "control/token.h"
#include "control/web_session.h"
#include "directory/login_throttle.h"
#include "net/wheel.h"

namespace paquebot::control {
namespace {

using Purpose = store::OnceLink::Purpose;

constexpr std::size_t kLinkLetters = 32; // of five bits each
constexpr std::int64_t kConsoleLinkLife = 10 * 60 * 1000;
constexpr std::int64_t kResetLinkLife = 24LL * 3600 * 1000;

Problem no_link() {
  Problem problem(Errc::not_found, "the link was used already, or is too old", "ask for another one");
  problem.word = "link_used";
  return problem;
}

Found<> from_somewhere(const Call& call) {
  if (call.asker.from.empty()) return refuse(Errc::invalid, "a session is for a browser: this socket needs none");
  return {};
}

/// A link of that purpose, looked for through the guard: who tries many is refused like who guesses passwords.
/// `take`: it is used up.
Task<Found<store::OnceLink>> open_link(Context& context, const Call& call, std::string secret, Purpose purpose,
                                       bool take) {
  if (context.hooks.guard == nullptr) co_return refuse(Errc::closed, "the server does not run: nobody can log in");
  directory::LoginThrottle& guard = *context.hooks.guard;
  const std::string nobody; // counts for the address only
  const auto wait = guard.begin(call.asker.from, nobody);
  if (wait.count() > 0) co_return std::unexpected(too_many_logins(wait));
  std::string hash = hash_of_token(secret);
  Result<store::OnceLink> found = fail(Errc::not_found, "there is no such link");
  if (secret.size() == kLinkLetters && take)
    found = co_await context.store.access().take_link(std::move(hash), purpose);
  else if (secret.size() == kLinkLetters)
    found = co_await context.store.access().find_link(std::move(hash), purpose);
  if (found || found.error().code != Errc::not_found) guard.withdrawn(call.asker.from, nobody);
  if (found) co_return std::move(*found);
  if (found.error().code != Errc::not_found) co_return std::unexpected(found.error());
  log::info("login-refused", {{"client", call.asker.from},
                              {"account", std::string()},
                              {"protocol", std::string_view("api")},
                              {"mechanism", std::string_view("link")},
                              {"why", std::string_view("the link was used already, or is too old")}});
  const auto delay = guard.failed(call.asker.from, nobody, "api");
  co_await net::sleep_for(delay);
  co_return std::unexpected(no_link());
}

/// Lets in who `asker` is.
Task<Answer> let_in(Context& context, const Call& call, Asker asker, std::string action) {
  Order order = entrance_order(asker, std::move(action));
  OrderEntry entry(context, asker, order);
  Context& bound = entry.context();
  const auto begun = co_await begin_session(bound, call, asker);
  if (!begun) order.outcome = begun.error().message;
  co_await entry.end(std::move(order));
  if (!begun) co_return std::unexpected(begun.error());
  auto me = co_await present_me(context, asker);
  co_return me;
}

struct LinkMade {
  std::string url;
  std::int64_t expires = 0;
};

Task<Found<LinkMade>> make_link(Context& context, Purpose purpose, store::Id account) {
  const std::string base = context.hooks.console_url ? context.hooks.console_url() : std::string();
  if (base.empty())
    co_return refuse(Errc::closed, "the console is served by no listener",
                     "start the server, with a listener of the role http (docs/console.md)");
  const bool console = purpose == Purpose::console;
  const std::string secret = directory::make_letters(kLinkLetters);
  store::OnceLink link;
  link.hash = hash_of_token(secret);
  link.purpose = purpose;
  link.account = account;
  link.expires = millis(system_clock().wall()) + (console ? kConsoleLinkLife : kResetLinkLife);
  LinkMade made{base + (console ? "/console/link#" : "/console/reset#") + secret, link.expires};
  const auto added = co_await context.store.access().add_link(std::move(link));
  if (!added) co_return std::unexpected(added.error());
  co_return made;
}

} // namespace

Task<Answer> open_session(Context& context, Call call) {
  if (const auto good = from_somewhere(call); !good) co_return std::unexpected(good.error());
  const auto body = parse_object(call.body, "the request");
  if (!body) co_return std::unexpected(body.error());
  const json::value request = *body;
  PasswordGiven given{get_text(request, "login"), get_text(request, "password"), get_text(request, "code")};
  std::string from = call.asker.from;
  auto account = co_await check_login(context, std::move(given), std::move(from), LoginWay::console);
  if (!account) co_return std::unexpected(account.error());
  store::Account whose = std::move(*account);
  auto asker = co_await asker_of_account(context, call, std::move(whose));
  if (!asker) co_return std::unexpected(asker.error());
  std::string action = "session.open";
  auto me = co_await let_in(context, call, std::move(*asker), std::move(action));
  co_return me;
}

Task<Answer> open_session_by_link(Context& context, Call call) {
  if (const auto good = from_somewhere(call); !good) co_return std::unexpected(good.error());
  const auto body = parse_object(call.body, "the request");
  if (!body) co_return std::unexpected(body.error());
  std::string secret = get_text(json::value(*body), "token");
  const auto link = co_await open_link(context, call, std::move(secret), Purpose::console, true);
  if (!link) co_return std::unexpected(link.error());
  Asker asker = linked_operator();
  if (link->account != 0) {
    auto account = co_await context.store.directory().get_account(link->account);
    if (!account || account->disabled) co_return std::unexpected(no_link());
    store::Account whose = std::move(*account);
    auto found = co_await asker_of_account(context, call, std::move(whose));
    if (!found) co_return std::unexpected(found.error());
    asker = std::move(*found);
  }
  asker.from = call.asker.from;
  std::string action = "session.link";
  auto me = co_await let_in(context, call, std::move(asker), std::move(action));
  co_return me;
}

Task<Answer> reset_password(Context& context, Call call) {
  if (const auto good = from_somewhere(call); !good) co_return std::unexpected(good.error());
  const auto body = parse_object(call.body, "the request");
  if (!body) co_return std::unexpected(body.error());
  const json::value request = *body;
  const std::string secret = get_text(request, "token");
  std::string shown = secret, password = get_text(request, "password");
  const auto link = co_await open_link(context, call, std::move(shown), Purpose::reset, false);
  if (!link) co_return std::unexpected(link.error());
  auto account = co_await context.store.directory().get_account(link->account);
  if (!account) co_return std::unexpected(no_link());
  store::Account& changed = *account;
  const auto made = co_await make_password(context, changed, std::move(password));
  if (!made) co_return std::unexpected(made.error()); // the link works still: with a longer one
  shown = secret;
  const auto taken = co_await open_link(context, call, std::move(shown), Purpose::reset, true);
  if (!taken) co_return std::unexpected(taken.error());
  Asker asker;
  asker.name = asker.grants.login = changed.login;
  asker.grants.role = Role::account;
  asker.from = call.asker.from;
  Order order = entrance_order(asker, "session.reset");
  OrderEntry entry(context, asker, order);
  store::DirectoryStore& directory = entry.context().store.directory();
  const auto updated = co_await directory.update_account(changed);
  if (!updated) order.outcome = updated.error().message;
  co_await entry.end(std::move(order));
  if (!updated) co_return std::unexpected(updated.error());
  co_return json::object{{"login", changed.login}};
}

Task<Answer> make_console_link(Context& context, Call call) {
  const auto body = parse_object(call.body, "the request");
  if (!body) co_return std::unexpected(body.error());
  std::string login = get_text(json::value(*body), "login");
  store::Id account = 0;
  if (!login.empty()) {
    const auto found = co_await need_account(context, std::move(login));
    if (!found) co_return std::unexpected(found.error());
    if (found->disabled) co_return refuse(Errc::conflict, found->login + " is disabled: it can't log in");
    account = found->id;
  }
  const auto made = co_await make_link(context, Purpose::console, account);
  if (!made) co_return std::unexpected(made.error());
  co_return json::object{{"url", made->url}, {"expires", time_value(made->expires)}};
}

Task<Answer> make_reset_link(Context& context, Call call) {
  const auto account = co_await need_account(context, call.names[0]);
  if (!account) co_return std::unexpected(account.error());
  const auto made = co_await make_link(context, Purpose::reset, account->id);
  if (!made) co_return std::unexpected(made.error());
  co_return json::object{{"login", account->login}, {"url", made->url}, {"expires", time_value(made->expires)}};
}

} // namespace paquebot::control
