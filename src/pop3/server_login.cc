#include "pop3/login_text.h"
#include "pop3/server_impl.h"
#include "sasl/secret.h"

#include <fmt/format.h>
#include <utility>

namespace paquebot::pop3 {

bool ServerSession::Login::allowed() {
  if (session_.encrypted || session_.options->login_in_clear) return true;
  exchange_.refuse("a login without TLS");
  session_.error(session_.options->tls_available ? Text::clear_send_stls : Text::clear_use_tls_port);
  return false;
}

void ServerSession::Login::user_name(const Arguments& a) {
  if (!allowed()) return;
  if (!login_text_allowed(a.text)) return session_.error(Text::bad_login_text);
  name_ = a.text;
  session_.ok(Text::send_pass); // RFC 1939 section 7: the same for names that don't exist
}

void ServerSession::Login::pass(const Arguments& a) {
  if (!allowed()) return;
  if (name_.empty()) return session_.error(Text::user_first);
  if (!login_text_allowed(a.text)) {
    name_.clear();
    return session_.error(Text::bad_login_text);
  }
  exchange_.take_password(std::exchange(name_, {}), a.text, "PASS"); // spaces belong to it (RFC 1939 section 7)
  session_.ask(Impl::Question::login);
}

void ServerSession::Login::auth(const Arguments& a) {
  if (!allowed()) return;
  const std::size_t space = a.text.find(' ');
  verdict_ = LoginVerdict::wrong;
  std::optional<std::string_view> initial;
  if (space != std::string_view::npos) initial = a.text.substr(space + 1);
  show(exchange_.begin(a.text.substr(0, space), initial, offer()));
}

void ServerSession::Login::show(sasl::Exchange::Outcome outcome) {
  using Outcome = sasl::Exchange::Outcome;
  switch (outcome) {
    case Outcome::challenge: session_.out += fmt::format("+ {}\r\n", exchange_.challenge()); break;
    case Outcome::ask: session_.ask(Impl::Question::login); break;
    case Outcome::accepted:
      session_.logged_in = exchange_.identity();
      session_.ask(Impl::Question::open);
      break;
    case Outcome::not_offered: session_.error(Text::unknown_mechanism); break;
    case Outcome::malformed: session_.error(Text::bad_response); break;
    case Outcome::no_base64: session_.error(Text::bad_base64); break;
    case Outcome::cancelled: session_.error(Text::login_cancelled); break;
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

void ServerSession::Login::refuse(LoginVerdict verdict) {
  switch (verdict) {
    case LoginVerdict::temporary_failure: // RFC 3206 section 4
      session_.error(Text::login_unchecked);
      break;
    case LoginVerdict::disabled: session_.error(Text::account_disabled); break;
    case LoginVerdict::slow_down: // RFC 2449 section 8.1.1
      session_.error(Text::too_many_logins);
      break;
    default: session_.error(Text::wrong_login); break; // RFC 3206 section 5
  }
  if (++failures_ >= session_.options->max_login_failures) session_.close();
}

void ServerSession::Login::forget_name() { sasl::wipe(name_); }

} // namespace paquebot::pop3
