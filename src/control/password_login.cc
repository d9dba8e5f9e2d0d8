#include "control/password_login.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "control/token.h"
#include "directory/directory.h"
#include "directory/login_throttle.h"
#include "net/wheel.h"
#include "sasl/totp.h"

#include <algorithm>

namespace paquebot::control {
namespace {

using LoginVerdict = directory::Login::Verdict;

constexpr std::string_view kApiProtocol = "api";
constexpr std::size_t kLongestCode = 64;

std::string_view mechanism_of(LoginWay way) {
  if (way == LoginWay::basic) return "basic";
  return way == LoginWay::console ? "console" : "proof";
}

Problem wrong_password() {
  Problem problem(Errc::permission, "the password is wrong", {}, "password");
  problem.word = "wrong_password";
  return problem;
}

/// As it is compared: without what makes it easy to read.
std::string bare_code(std::string_view text) {
  std::string out;
  for (const char c : text)
    if (c != ' ' && c != '-') out += c;
  return to_lower(out);
}

/// One login under way, counted by the guard until it is said what became of it.
class GuardedLogin {
public:
  GuardedLogin(directory::LoginThrottle& guard, std::string address, std::string name, std::string user, LoginWay way)
      : guard_(guard), address_(std::move(address)), name_(std::move(name)), user_(std::move(user)), way_(way) {}

  std::chrono::seconds begin() { return guard_.begin(address_, name_); }
  directory::Turn turn() { return guard_.knows(address_, name_) ? directory::Turn::first : directory::Turn::last; }
  void withdraw() { guard_.withdrawn(address_, name_); }
  void succeed(const std::string& login) {
    guard_.succeeded(address_, name_, login, std::string(kApiProtocol));
    if (way_ != LoginWay::console) return; // each request is one
    log::info(
        "login",
        {{"client", address_}, {"account", login}, {"protocol", kApiProtocol}, {"mechanism", mechanism_of(way_)}});
  }
  /// How long to hold the answer back.
  std::chrono::milliseconds fail(const std::string& why) {
    tell(why);
    return guard_.failed(address_, name_, std::string(kApiProtocol));
  }
  void tell(const std::string& why) const {
    log::info("login-refused", {{"client", address_},
                                {"account", user_},
                                {"protocol", kApiProtocol},
                                {"mechanism", mechanism_of(way_)},
                                {"why", why}});
  }

private:
  directory::LoginThrottle& guard_;
  std::string address_, name_, user_;
  LoginWay way_;
};

/// The account's password was right. Is that enough?
Task<Found<>> check_code(Context& context, GuardedLogin& guarded, const store::Account& account, std::string code,
                         LoginWay way) {
  if (!account.second_factor || way == LoginWay::proof) co_return Found<>();
  if (way == LoginWay::basic) {
    guarded.withdraw();
    guarded.tell("the account has a second factor");
    co_return std::unexpected(
        wrong_login("this account has a second factor, which can't be shown here: use a token", "second_factor"));
  }
  if (code.empty()) {
    guarded.withdraw();
    co_return std::unexpected(wrong_login("a code of the second factor is needed, too", "second_factor"));
  }
  const auto taken = co_await take_code(context, account.id, std::move(code));
  if (!taken) guarded.withdraw();
  if (!taken) co_return std::unexpected(taken.error());
  if (*taken) co_return Found<>();
  const auto delay = guarded.fail("a wrong code of the second factor");
  co_await net::sleep_for(delay);
  co_return std::unexpected(wrong_login("the code is wrong, or was used before: wait for the next one", "wrong_code"));
}

} // namespace

Problem wrong_login(std::string detail, std::string word) {
  Problem problem(Errc::permission, std::move(detail), "ask whoever looks after this server for another one");
  if (word != "wrong_login") problem.advice.clear();
  problem.status = 401;
  problem.word = std::move(word);
  return problem;
}

Problem too_many_logins(std::chrono::seconds wait) {
  Problem problem(Errc::temporary, "too many logins failed lately", "come again later");
  problem.status = 429;
  problem.word = "slow_down";
  problem.retry = static_cast<std::uint32_t>(wait.count());
  return problem;
}

std::string hash_of_recovery(std::string_view code) { return hash_of_token(bare_code(code)); }

Task<Found<bool>> take_code(Context& context, store::Id account, std::string code) {
  if (code.size() > kLongestCode) co_return false;
  const std::string bare = bare_code(code);
  Result<> used;
  if (bare.size() == sasl::kTotpDigits && std::ranges::all_of(bare, is_digit)) {
    const auto factor = co_await context.store.access().get_factor(account);
    if (!factor && factor.error().code == Errc::not_found) co_return false;
    if (!factor) co_return std::unexpected(factor.error());
    const auto step = sasl::match_totp(factor->secret, bare, millis(system_clock().wall()) / 1000, factor->step);
    if (!step) co_return false;
    used = co_await context.store.access().use_factor(account, *step);
  } else {
    std::string hash = hash_of_recovery(bare);
    used = co_await context.store.access().use_recovery(account, std::move(hash));
  }
  if (used) co_return true;
  const bool wrong = used.error().code == Errc::conflict || used.error().code == Errc::not_found;
  if (!wrong) co_return std::unexpected(used.error());
  co_return false;
}

Task<Found<store::Account>> check_login(Context& context, PasswordGiven given, std::string address, LoginWay way) {
  if (context.hooks.guard == nullptr) co_return refuse(Errc::closed, "the server does not run: nobody can log in");
  std::string asked = given.user;
  const std::string name = co_await context.directory.login_name(std::move(asked));
  GuardedLogin guarded(*context.hooks.guard, address, name, given.user, way);
  const auto wait = guarded.begin();
  if (wait.count() > 0) co_return std::unexpected(too_many_logins(wait));
  const auto turn = guarded.turn();
  std::string nobody_else;
  directory::Login login =
      co_await context.directory.login(std::move(nobody_else), std::move(given.user), std::move(given.password), turn);
  if (login.verdict == LoginVerdict::temporary) {
    guarded.withdraw();
    co_return refuse(Errc::temporary, "the login can't be checked now", "try again");
  }
  if (login.verdict != LoginVerdict::accepted) {
    const bool disabled = login.verdict == LoginVerdict::disabled;
    const auto delay = guarded.fail(disabled ? "the account is disabled" : "wrong name or password");
    co_await net::sleep_for(delay);
    if (way == LoginWay::proof) co_return std::unexpected(wrong_password());
    co_return std::unexpected(wrong_login("the name or the password is wrong"));
  }
  if (login.password.id != 0) {
    guarded.withdraw();
    guarded.tell("an app password is for mail only");
    if (way == LoginWay::proof) co_return std::unexpected(wrong_password());
    co_return std::unexpected(
        wrong_login("an app password is for mail only: here it takes the account's own, or a token"));
  }
  const auto enough = co_await check_code(context, guarded, login.account, std::move(given.code), way);
  if (!enough) co_return std::unexpected(enough.error());
  guarded.succeed(login.account.login);
  co_return std::move(login.account);
}

} // namespace paquebot::control
