#include "imap/server_impl.h"
#include "sasl/secret.h"

#include <fmt/format.h>
#include <utility>

namespace paquebot::imap {

bool ServerSession::Login::allowed() {
  if (session_.encrypted || session_.options->login_in_clear) return true;
  exchange_.refuse("a login without TLS");
  session_.no(session_.options->tls_available ? "[PRIVACYREQUIRED] not in clear: STARTTLS first"
                                              : "[PRIVACYREQUIRED] not in clear: use the port with TLS");
  return false;
}

void ServerSession::Login::ask() {
  session_.login_asked = true;
  ++session_.question_id;
}

void ServerSession::Login::login(Lexer& args) {
  auto name = args.space() ? args.astring() : std::nullopt;
  auto password = name && args.space() ? args.astring() : std::nullopt;
  const bool good = password && args.at_end();
  if (good && allowed()) {
    exchange_.take_password(std::move(*name), *password, "LOGIN");
    ask();
  } else if (!good) {
    session_.bad("a name and a password are expected");
  }
  if (password) sasl::wipe(*password);
}

void ServerSession::Login::authenticate(Lexer& args) {
  const auto name = args.space() ? args.atom() : std::nullopt;
  if (!name) return session_.bad("the name of a mechanism is expected");
  if (!allowed()) return;
  std::optional<std::string_view> initial; // RFC 4959
  if (!args.at_end()) {
    if (!args.space()) return session_.bad("a response is expected");
    initial = args.rest();
  }
  verdict_ = LoginVerdict::wrong;
  show(exchange_.begin(*name, initial, offer()));
}

void ServerSession::Login::show(sasl::Exchange::Outcome outcome) {
  using Outcome = sasl::Exchange::Outcome;
  switch (outcome) {
    case Outcome::challenge: session_.out += fmt::format("+ {}\r\n", exchange_.challenge()); break;
    case Outcome::ask: ask(); break;
    case Outcome::accepted:
      session_.logged_in = exchange_.identity();
      ++session_.window;
      session_.ok(fmt::format("[CAPABILITY {}] logged in", session_.capabilities()));
      break;
    case Outcome::not_offered: session_.no("[CANNOT] this mechanism is not offered here"); break;
    case Outcome::malformed: session_.bad("the response is malformed"); break;
    case Outcome::no_base64: session_.bad("the response is no base 64"); break;
    case Outcome::cancelled: session_.bad("the login was broken off"); break;
    case Outcome::refused: refuse(std::exchange(verdict_, LoginVerdict::wrong)); break;
  }
}

void ServerSession::Login::answer(LoginVerdict verdict) {
  if (verdict == LoginVerdict::accepted || verdict == LoginVerdict::wrong || verdict == LoginVerdict::disabled) {
    verdict_ = verdict; // told when the mechanism has had its last word
    return show(exchange_.answer(verdict == LoginVerdict::accepted));
  }
  exchange_.end();
  refuse(verdict);
}

sasl::Offer ServerSession::Login::offer() const {
  sasl::Offer offer = session_.options->login;
  offer.channel = channel_;
  offer.scram = scram_.value_or(offer.scram);
  return offer;
}

/// RFC 5530.
void ServerSession::Login::refuse(LoginVerdict verdict) {
  const bool last = ++failures_ >= session_.options->max_login_failures;
  switch (verdict) {
    case LoginVerdict::temporary_failure:
      session_.no("[UNAVAILABLE] the login can't be checked now, please try again later");
      break;
    case LoginVerdict::slow_down: session_.no("[UNAVAILABLE] too many logins, please try again later"); break;
    case LoginVerdict::too_many_sessions:
      session_.no("[LIMIT] this account has too many connections, please close some");
      break;
    default: session_.no("[AUTHENTICATIONFAILED] wrong name or password"); break;
  }
  if (last && !session_.closing) session_.bye("too many failed logins");
}

} // namespace paquebot::imap
