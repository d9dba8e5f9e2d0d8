// The second factor of an account: codes by time, and recovery codes for who has lost what makes them.

#include "base/clock.h"
#include "base/random.h"
#include "control/handlers.h"
#include "control/password_login.h"
#include "sasl/totp.h"

namespace paquebot::control {
namespace {

constexpr std::size_t kRecoveryCodes = 10;
constexpr std::size_t kRecoveryLetters = 16; // 80 bits
constexpr std::size_t kRecoveryGroup = 4;

std::string make_recovery_code() {
  std::string code = directory::make_letters(kRecoveryLetters);
  for (std::size_t at = kRecoveryLetters - kRecoveryGroup; at > 0; at -= kRecoveryGroup) code.insert(at, "-");
  return code;
}

/// Whoever asks is an account, and knows its password: a browser that was left open is not enough.
Task<Found<store::Account>> prove_password(Context& context, const Call& call) {
  if (call.asker.grants.account == 0)
    co_return refuse(Errc::invalid, "an operator by link has no account, and no password");
  const auto body = parse_object(call.body, "the request");
  if (!body) co_return std::unexpected(body.error());
  PasswordGiven given{call.asker.grants.login, get_text(json::value(*body), "password")};
  std::string from = call.asker.from;
  auto proved = co_await check_login(context, std::move(given), std::move(from), LoginWay::proof);
  co_return proved;
}

} // namespace

Task<Answer> begin_second_factor(Context& context, Call call) {
  const auto account = co_await prove_password(context, call);
  if (!account) co_return std::unexpected(account.error());
  const std::string secret = random_bytes(sasl::kTotpSecret);
  std::string kept = secret;
  const auto begun = co_await context.store.access().begin_factor(account->id, std::move(kept));
  if (!begun) co_return std::unexpected(begun.error());
  const std::string issuer = context.hooks.hostname.empty() ? std::string("Paquebot") : context.hooks.hostname;
  co_return json::object{{"login", account->login},
                         {"secret", sasl::base32_encode(secret)},
                         {"uri", sasl::totp_uri(issuer, account->login, secret)}};
}

Task<Answer> confirm_second_factor(Context& context, Call call) {
  const store::Id account = call.asker.grants.account;
  const auto body = parse_object(call.body, "the request");
  if (!body) co_return std::unexpected(body.error());
  const auto factor = co_await context.store.access().get_factor(account);
  if (!factor && factor.error().code == Errc::not_found)
    co_return refuse(Errc::conflict, "no second factor is being set up", "begin with it");
  if (!factor) co_return std::unexpected(factor.error());
  if (factor->confirmed) co_return refuse(Errc::conflict, "the account has a second factor already");
  const std::string code = get_text(json::value(*body), "code");
  const auto step = sasl::match_totp(factor->secret, code, millis(system_clock().wall()) / 1000, 0);
  if (!step)
    co_return refuse(Errc::invalid, "the code is wrong", "the clock of the telephone has to be right, too", "code");
  std::vector<std::string> hashes;
  json::array shown;
  for (std::size_t i = 0; i < kRecoveryCodes; ++i) {
    const std::string one = make_recovery_code();
    hashes.push_back(hash_of_recovery(one));
    shown.emplace_back(one);
  }
  std::string secret = factor->secret;
  const auto done =
      co_await context.store.access().confirm_factor(account, std::move(secret), *step, std::move(hashes));
  if (!done) co_return std::unexpected(done.error());
  // Whoever else is logged in did it with the password alone.
  std::string own = call.asker.session;
  const auto ended = co_await context.store.access().end_sessions(account, std::move(own));
  if (!ended) co_return std::unexpected(ended.error());
  co_return json::object{{"login", call.asker.grants.login}, {"recovery", std::move(shown)}};
}

Task<Answer> end_second_factor(Context& context, Call call) {
  const auto account = co_await prove_password(context, call);
  if (!account) co_return std::unexpected(account.error());
  const auto removed = co_await context.store.access().remove_factor(account->id);
  if (!removed) co_return std::unexpected(removed.error());
  co_return json::object{{"login", account->login}, {"totp", false}};
}

Task<Answer> remove_second_factor(Context& context, Call call) {
  const auto account = co_await need_account(context, call.names[0]);
  if (!account) co_return std::unexpected(account.error());
  const auto removed = co_await context.store.access().remove_factor(account->id);
  if (!removed && removed.error().code == Errc::not_found)
    co_return refuse(Errc::not_found, account->login + " has no second factor");
  if (!removed) co_return std::unexpected(removed.error());
  co_return json::object{{"login", account->login}, {"totp", false}};
}

} // namespace paquebot::control
