#include "base/text.h"
#include "control/handlers.h"
#include "control/page.h"
#include "control/present.h"
#include "control/web_session.h"

#include <algorithm>

namespace paquebot::control {
namespace {

/// Characters; the upper bound is in octets and keeps a login cheap.
constexpr std::size_t kMinPassword = 8;
constexpr std::size_t kMaxPassword = 1024;

/// What a request wants of an account; absent: leave it.
struct Wanted {
  std::optional<std::string> login, password, hash;
  std::optional<bool> disabled;
  std::optional<std::uint64_t> quota;
};

std::size_t count_characters(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return (c & 0xC0) != 0x80; }));
}

Result<> check_password(const std::string& password) {
  if (count_characters(password) < kMinPassword) {
    return fail(Errc::invalid, "the password is too short: it needs at least 8 characters");
  }
  if (password.size() > kMaxPassword) return fail(Errc::invalid, "the password is too long: at most 1024 octets");
  return {};
}

/// "{SHA512-CRYPT}$6$…" as Dovecot writes it: without the scheme.
std::string without_scheme(std::string hash) {
  const auto end = hash.find('}');
  return hash.starts_with('{') && end != hash.npos ? hash.substr(end + 1) : hash;
}

Result<> check_hash(std::string& hash) {
  hash = without_scheme(std::move(hash));
  if (directory::known_hash(hash)) return {};
  return fail(Errc::invalid,
              "the password hash is of no form known here (argon2id, or crypt(3): $y$, $2b$, $6$, $5$, $1$ ...)");
}

template <class T>
bool take(Result<std::optional<T>> field, std::optional<T>& into, Error& error) {
  if (!field) {
    error = std::move(field.error());
    return false;
  }
  into = std::move(*field);
  return true;
}

Result<Wanted> read_wanted(const std::string& body, bool with_login) {
  const auto object = parse_object(body, "the request");
  if (!object) return std::unexpected(object.error());
  const auto known = with_login ? only_fields(*object, {"login", "password", "hash", "disabled", "quota"})
                                : only_fields(*object, {"password", "hash", "disabled", "quota"});
  if (!known) return std::unexpected(known.error());
  Wanted wanted;
  Error error{};
  if (!take(text_field(*object, "login"), wanted.login, error) ||
      !take(text_field(*object, "password"), wanted.password, error) ||
      !take(text_field(*object, "hash"), wanted.hash, error) ||
      !take(bool_field(*object, "disabled"), wanted.disabled, error) ||
      !take(number_field(*object, "quota"), wanted.quota, error)) {
    return std::unexpected(std::move(error));
  }
  if (wanted.password && wanted.hash) return fail(Errc::invalid, "give a password or a hash, not both");
  if (wanted.password) {
    if (auto checked = check_password(*wanted.password); !checked) return std::unexpected(checked.error());
  }
  if (wanted.hash) {
    if (auto checked = check_hash(*wanted.hash); !checked) return std::unexpected(checked.error());
  }
  return wanted;
}

Task<Result<>> apply(Context& context, Wanted wanted, store::Account& account) {
  if (wanted.password) {
    auto made = co_await context.directory.new_password(account, std::move(*wanted.password));
    if (!made) co_return std::unexpected(made.error());
    account.password = std::move(made->hash);
    account.scram_salt = std::move(made->scram_salt);
    account.scram_iterations = made->scram_iterations;
    account.scram_keys = std::move(made->scram_keys);
  }
  if (wanted.hash) {
    account.password = std::move(*wanted.hash);
    account.scram_keys.clear(); // they were of another password
  }
  if (wanted.disabled) account.disabled = *wanted.disabled;
  if (wanted.quota) account.quota = *wanted.quota;
  co_return Result<>{};
}

/// Of its addresses, aliases and domains `account show` names so many of each at most.
constexpr std::size_t kMostNamedOfEach = 1000;

json::array named(const std::vector<std::string>& names) { return json::array(names.begin(), names.end()); }

} // namespace

Task<Answer> list_accounts(Context& context, Call call) {
  std::string domain = call.ask("domain");
  if (!domain.empty()) {
    const auto name = read_domain(domain);
    if (!name) co_return std::unexpected(name.error());
    domain = *name;
    if (const auto ours = co_await need_domain(context, domain); !ours) co_return std::unexpected(ours.error());
  }
  const auto page = read_page(call);
  if (!page) co_return std::unexpected(page.error());
  store::Within within = domain.empty() ? within_reach(call.asker) : within_domain(std::move(domain));
  std::string after = page->after;
  const std::size_t most = page->limit + 1;
  auto accounts = co_await context.store.directory().page_accounts(std::move(within), std::move(after), most);
  if (!accounts) co_return std::unexpected(accounts.error());
  const bool more = cut_to(*accounts, page->limit);
  json::array list;
  for (const auto& account : *accounts) list.push_back(present(account));
  json::object out{{"accounts", std::move(list)}};
  if (more) out["next"] = accounts->back().login;
  co_return out;
}

Task<Answer> add_account(Context& context, Call call) {
  auto wanted = read_wanted(call.body, true);
  if (!wanted) co_return std::unexpected(wanted.error());
  const auto address = read_address(wanted->login.value_or(""), "the account");
  if (!address) co_return std::unexpected(address.error());
  if (mail::has_odd_dots(address->local))
    co_return fail(Errc::invalid,
                   "an account's dots stand alone and within its name: many servers take no other address");
  if (address->local == "*") co_return fail(Errc::invalid, "an account can't be named *: that is the catch-all alias");
  if (const auto ours = co_await need_domain(context, address->domain); !ours) co_return std::unexpected(ours.error());
  store::Account account;
  account.login = address->local + "@" + address->domain;
  if (const auto applied = co_await apply(context, std::move(*wanted), account); !applied) {
    co_return std::unexpected(applied.error());
  }
  account.created = millis(system_clock().wall());
  const auto added = co_await context.store.directory().add_account(account);
  if (!added && added.error().code == Errc::conflict) {
    co_return fail(Errc::conflict, account.login + " exists already, as an account or an alias");
  }
  if (!added) co_return std::unexpected(added.error());
  co_return present(*added);
}

Task<Answer> show_account(Context& context, Call call) {
  const auto account = co_await need_account(context, call.names[0]);
  if (!account) co_return std::unexpected(account.error());
  const auto addresses = co_await context.store.directory().account_addresses(account->id);
  if (!addresses) co_return std::unexpected(addresses.error());
  std::string login = account->login;
  const auto aliases = co_await context.store.directory().aliases_to(std::move(login), kMostNamedOfEach);
  if (!aliases) co_return std::unexpected(aliases.error());
  const auto owned = co_await context.store.directory().domains_owned_by(account->id, kMostNamedOfEach);
  if (!owned) co_return std::unexpected(owned.error());
  const auto passwords = co_await context.store.credentials().list_app_passwords(account->id);
  if (!passwords) co_return std::unexpected(passwords.error());
  json::object out = present(*account);
  json::array apps;
  for (const auto& one : *passwords) apps.push_back(present(one));
  out["app_passwords"] = std::move(apps);
  if (context.hooks.logins) out["logins"] = present(context.hooks.logins(account->login));
  json::array own;
  for (const auto& entry : *addresses)
    if (own.size() < kMostNamedOfEach) own.emplace_back(entry.local + "@" + entry.domain);
  out["addresses"] = std::move(own);
  out["aliases"] = named(*aliases);
  out["owner_of"] = named(*owned);
  auto limits = co_await present_limits(context, account->id);
  if (!limits) co_return std::unexpected(limits.error());
  out["limits"] = std::move(*limits);
  auto suspicion = co_await present_suspicion(context, account->id);
  if (!suspicion) co_return std::unexpected(suspicion.error());
  if (*suspicion) out["suspicion"] = std::move(**suspicion);
  co_return out;
}

Task<Found<>> make_password(Context& context, store::Account& account, std::string password) {
  if (const auto good = check_password(password); !good)
    co_return refuse(good.error().code, good.error().message, {}, "password");
  Wanted wanted;
  wanted.password = std::move(password);
  const auto applied = co_await apply(context, std::move(wanted), account);
  if (!applied) co_return std::unexpected(applied.error());
  co_return Found<>();
}

Task<Answer> change_account(Context& context, Call call) {
  auto wanted = read_wanted(call.body, false);
  if (!wanted) co_return std::unexpected(wanted.error());
  auto account = co_await need_account(context, call.names[0]);
  if (!account) co_return std::unexpected(account.error());
  const bool ends_sessions = wanted->password || wanted->hash;
  store::Account& changed = *account;
  if (const auto applied = co_await apply(context, std::move(*wanted), changed); !applied) {
    co_return std::unexpected(applied.error());
  }
  const auto updated = co_await context.store.directory().update_account(changed);
  if (!updated) co_return std::unexpected(updated.error());
  if (ends_sessions) {
    const auto renewed = co_await renew_session(context, call, changed.id);
    if (!renewed) co_return std::unexpected(renewed.error());
  }
  co_return present(changed);
}

Task<Answer> set_password(Context& context, Call call) {
  auto wanted = read_wanted(call.body, false);
  if (!wanted) co_return std::unexpected(wanted.error());
  auto account = co_await need_account(context, call.names[0]);
  if (!account) co_return std::unexpected(account.error());
  const bool ends_sessions = wanted->password || wanted->hash;
  store::Account& changed = *account;
  const auto applied = co_await apply(context, std::move(*wanted), changed);
  if (!applied) co_return std::unexpected(applied.error());
  const auto updated = co_await context.store.directory().update_account(changed);
  if (!updated) co_return std::unexpected(updated.error());
  if (ends_sessions) {
    const auto renewed = co_await renew_session(context, call, changed.id);
    if (!renewed) co_return std::unexpected(renewed.error());
  }
  co_return present(changed);
}

Task<Answer> remove_account(Context& context, Call call) {
  const auto account = co_await need_account(context, call.names[0]);
  if (!account) co_return std::unexpected(account.error());
  const auto removed = co_await context.store.directory().remove_account(account->login);
  if (!removed) co_return std::unexpected(removed.error());
  if (context.hooks.account_removed) context.hooks.account_removed(account->login);
  co_return json::object{{"removed", account->login}};
}

} // namespace paquebot::control
