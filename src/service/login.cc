#include "service/login.h"

#include "base/log.h"
#include "base/text.h"
#include "metrics/counters.h"
#include "net/wheel.h"

#include <algorithm>

namespace paquebot::service {
namespace {

using Kind = sasl::Question::Kind;
using Verdict = directory::Login::Verdict;

/// The use of an app password is written down at most so often, as long as it comes from one address.
constexpr std::int64_t kUseNoted = 5 * 60 * 1000;

LoginAnswer::Verdict verdict_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::accepted: return LoginAnswer::Verdict::accepted;
    case Verdict::wrong: return LoginAnswer::Verdict::wrong;
    case Verdict::disabled: return LoginAnswer::Verdict::disabled;
    case Verdict::temporary: break;
  }
  return LoginAnswer::Verdict::temporary;
}

policy::Attempt::What attempt_of(Verdict verdict) {
  if (verdict == Verdict::disabled) return policy::Attempt::What::disabled;
  if (verdict == Verdict::temporary) return policy::Attempt::What::temporary;
  return policy::Attempt::What::wrong;
}

std::string why_of(const directory::Login& login) {
  if (!login.why.empty()) return login.why;
  switch (login.verdict) {
    case Verdict::disabled: return "the account is disabled";
    case Verdict::temporary: return "the login can't be checked now";
    default: return "wrong name or password";
  }
}

/// Whose login is tried, as far as the client says it.
std::string named(const sasl::Question& question) {
  return question.authcid.empty() ? question.authzid : question.authcid;
}

/// Mail protocols have no place for a second factor: with one, the password alone is not enough, and only app passwords
/// are.
void need_no_code(directory::Login& login) {
  if (login.verdict != Verdict::accepted || login.password.id != 0 || !login.account.second_factor) return;
  login.verdict = Verdict::wrong;
  login.why = "the account has a second factor: mail programs need an app password";
}

metrics::LoginResult counted_login(Verdict verdict) {
  switch (verdict) {
    case Verdict::accepted: return metrics::LoginResult::accepted;
    case Verdict::wrong: return metrics::LoginResult::wrong;
    case Verdict::disabled: return metrics::LoginResult::disabled;
    case Verdict::temporary: break;
  }
  return metrics::LoginResult::temporary;
}

metrics::LoginProtocol protocol_of(std::string_view protocol) {
  if (protocol == "imap") return metrics::LoginProtocol::imap;
  return protocol == "pop3" ? metrics::LoginProtocol::pop3 : metrics::LoginProtocol::smtp;
}

} // namespace

LoginDesk::LoginDesk(LoginMeans means, std::string address, std::string protocol, Sessions::Token token,
                     std::uint16_t port)
    : means_(means), address_(std::move(address)), protocol_(std::move(protocol)), token_(token), port_(port) {}

/// For its user, who may ask why it did not work.
void LoginDesk::write_down(policy::Attempt attempt) const {
  if (means_.attempts == nullptr) return;
  attempt.at = millis(system_clock().wall());
  attempt.client = address_;
  attempt.port = port_;
  attempt.protocol = protocol_;
  means_.attempts->add(std::move(attempt));
}

Task<LoginAnswer> LoginDesk::ask(sasl::Question question, sasl::Channel channel, std::string mechanism) {
  if (question.kind == Kind::scram_keys) co_return co_await give_keys(std::move(question));
  const std::string given = named(question);
  std::string asked = given;
  const std::string name = co_await means_.directory.login_name(std::move(asked));
  LoginAnswer answer;
  answer.retry = means_.throttle.begin(address_, name);
  if (answer.retry.count() > 0) {
    log::info("login-put-off", {{"client", address_},
                                {"account", given},
                                {"protocol", protocol_},
                                {"mechanism", mechanism},
                                {"seconds", answer.retry.count()}});
    metrics::logins.add(protocol_of(protocol_), metrics::LoginResult::put_off);
    const std::int64_t until = millis(system_clock().wall()) + answer.retry.count() * 1000;
    write_down({.what = policy::Attempt::What::put_off, .name = given, .mechanism = mechanism, .until = until});
    answer.verdict = LoginAnswer::Verdict::slow_down;
    co_return answer;
  }
  const auto turn = means_.throttle.knows(address_, name) ? directory::Turn::first : directory::Turn::last;
  directory::Login login = co_await prove(std::move(question), std::move(channel), turn);
  answer.verdict = verdict_of(login.verdict);
  const bool accepted = login.verdict == Verdict::accepted;
  metrics::logins.add(protocol_of(protocol_), counted_login(login.verdict));
  if (accepted)
    log::info(
        "login",
        {{"client", address_}, {"account", login.account.login}, {"protocol", protocol_}, {"mechanism", mechanism}});
  else
    log::info("login-refused", {{"client", address_},
                                {"account", given},
                                {"protocol", protocol_},
                                {"mechanism", mechanism},
                                {"why", why_of(login)}});
  if (!accepted)
    write_down({.what = attempt_of(login.verdict), .name = given, .mechanism = mechanism, .why = why_of(login)});
  if (accepted) {
    means_.throttle.succeeded(address_, name, login.account.login, protocol_);
    store::AppPassword used = std::move(login.password);
    co_await note_use(std::move(used));
    co_await note_network(login.account.id);
    answer.account = std::move(login.account);
  } else if (login.verdict == Verdict::temporary) {
    means_.throttle.withdrawn(address_, name);
  } else {
    const auto delay = means_.throttle.failed(address_, name, protocol_);
    co_await hold_back(delay);
  }
  co_return answer;
}

void LoginDesk::note(const sasl::Refusal& refusal) const {
  log::info("login-refused", {{"client", address_},
                              {"protocol", protocol_},
                              {"mechanism", printable(refusal.mechanism, 40)},
                              {"why", refusal.cause}});
  using What = policy::Attempt::What;
  write_down({.what = refusal.mechanism.empty() ? What::clear_login : What::mechanism,
              .mechanism = printable(refusal.mechanism, 40),
              .why = refusal.cause});
}

Task<directory::Login> LoginDesk::prove(sasl::Question question, sasl::Channel channel, directory::Turn turn) {
  const std::uint64_t generation = means_.store.directory().generation();
  directory::Login login;
  const bool by_password = question.kind == Kind::password || question.kind == Kind::scram;
  switch (question.kind) {
    case Kind::password:
      login = co_await means_.directory.login(std::move(question.authzid), std::move(question.authcid),
                                              std::move(question.secret), turn);
      break;
    case Kind::scram: login = co_await prove_scram(std::move(question)); break;
    case Kind::certificate: login = co_await prove_certificate(std::move(question.authzid), std::move(channel)); break;
    case Kind::token: login = co_await prove_token(std::move(question)); break;
    case Kind::scram_keys: break; // give_keys
  }
  if (by_password) need_no_code(login);
  if (login.verdict != Verdict::accepted) co_return login;
  means_.sessions.logged_in(token_, login.account.id);
  if (means_.store.directory().generation() == generation) co_return login;
  co_return co_await look_again(std::move(login), generation);
}

/// The directory changed while we were looking: disabled, or another password, or this one revoked?
Task<directory::Login> LoginDesk::look_again(directory::Login login, std::uint64_t) {
  auto account = co_await means_.store.directory().get_account(login.account.id);
  const auto others = co_await means_.store.credentials().list_app_passwords(login.account.id);
  if (!account)
    login.verdict = account.error().code == Errc::not_found ? Verdict::wrong : Verdict::temporary;
  else if (!others)
    login.verdict = Verdict::temporary;
  else if (account->disabled)
    login.verdict = Verdict::disabled;
  else if (login.password.id != 0 &&
           std::ranges::find(*others, login.password.id, &store::AppPassword::id) == others->end())
    login.verdict = Verdict::wrong;
  else if (login.password.id == 0 && account->password != login.account.password)
    login.verdict = Verdict::wrong;
  co_return login;
}

Task<LoginAnswer> LoginDesk::give_keys(sasl::Question question) {
  LoginAnswer answer;
  std::string user = question.authcid;
  auto found = co_await means_.directory.scram_keys(std::move(user), question.hash);
  if (!found) co_return answer;
  lookup_ = std::move(*found);
  answer.verdict = LoginAnswer::Verdict::keys;
  answer.keys = lookup_.credentials;
  co_return answer;
}

/// The engine has checked the proof against the keys it was given. Are they still what is kept?
Task<directory::Login> LoginDesk::prove_scram(sasl::Question question) {
  if (!question.right || question.key >= lookup_.owners.size()) {
    directory::Login wrong;
    wrong.why = lookup_.can_not_yet
                    ? "the account can't do SCRAM before it has logged in with PLAIN or got a new password: all that "
                      "is kept of the one it has is a hash"
                    : "wrong name or password";
    co_return wrong;
  }
  std::string user = question.authcid;
  const auto now = co_await means_.directory.scram_keys(std::move(user), question.hash);
  if (!now) co_return directory::Login{Verdict::temporary, {}, {}};
  const std::string& used = lookup_.credentials.keys[question.key].stored;
  if (std::ranges::find(now->credentials.keys, used, &sasl::ScramKey::stored) == now->credentials.keys.end())
    co_return directory::Login{};
  directory::Login login =
      co_await means_.directory.authorize(std::move(question.authzid), std::move(question.authcid));
  login.password = lookup_.owners[question.key];
  co_return login;
}

Task<directory::Login> LoginDesk::prove_token(sasl::Question question) {
  if (!means_.issuer) co_return directory::Login{};
  const auto now = std::chrono::floor<std::chrono::seconds>(system_clock().wall());
  auto owner = directory::check_token(question.secret, means_.issuer->keys, means_.issuer->rules, now);
  if (!owner) {
    directory::Login wrong;
    wrong.why = "the token: " + owner.error().message;
    co_return wrong;
  }
  std::string user = std::move(*owner);
  co_return co_await means_.directory.authorize(std::move(question.authzid), std::move(user));
}

/// The first of the certificate's addresses that is an account's says who it is.
Task<directory::Login> LoginDesk::prove_certificate(std::string authzid, sasl::Channel channel) {
  directory::Login login;
  for (std::string& address : channel.certificate_names) {
    std::string wanted = authzid, user = std::move(address);
    login = co_await means_.directory.authorize(std::move(wanted), std::move(user));
    if (login.verdict != Verdict::wrong) break;
  }
  co_return login;
}

/// From too many networks within an hour: from now on what it sends is held (docs/policy.md).
Task<void> LoginDesk::note_network(store::Id account) {
  if (means_.networks == nullptr) co_return;
  directory::NetworkWatch& watch = *means_.networks;
  const auto networks = co_await watch.note(account, address_);
  if (!networks) log::error("account-suspected", {{"account", account}, {"why", networks.error().message}});
  if (networks.value_or(0) == 0) co_return;
  std::string reason = "it logged in from " + std::to_string(*networks) + " networks within an hour";
  const auto marked = co_await means_.store.books().suspect(account, store::TakeoverSign::networks, std::move(reason));
  if (!marked) log::error("account-suspected", {{"account", account}, {"why", marked.error().message}});
}

Task<void> LoginDesk::note_use(store::AppPassword used) {
  const std::int64_t now = millis(system_clock().wall());
  if (used.id == 0 || (used.used_from == address_ && now - used.used < kUseNoted)) co_return;
  std::string from = address_;
  const auto noted = co_await means_.store.credentials().use_app_password(used.id, now, std::move(from));
  if (!noted) log::warning("app-password-use-not-noted", {{"why", noted.error().message}});
}

Task<void> LoginDesk::hold_back(std::chrono::milliseconds delay) {
  constexpr std::chrono::milliseconds slice{200};
  for (; delay.count() > 0 && !stopped_; delay -= slice) {
    const auto part = std::min(delay, slice);
    co_await net::sleep_for(part);
  }
}

} // namespace paquebot::service
