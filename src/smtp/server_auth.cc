// AUTH (RFC 4954). What the client sends here is secret: it is in no reply and no cause, and is wiped after use.

#include "smtp/server_impl.h"

#include <algorithm>

namespace paquebot::smtp {
namespace {

/// A failed login weighs as much as so many other errors: five with the standard bound of 20.
constexpr std::uint32_t kLoginWeight = 4;

} // namespace

sasl::Offer ServerSession::Login::offer() const {
  sasl::Offer offer = session_.options->login;
  offer.channel = channel_;
  offer.scram = scram_.value_or(offer.scram);
  return offer;
}

bool ServerSession::Login::offered() const {
  return session_.options->auth_available && (session_.encrypted || session_.options->auth_in_clear);
}

void ServerSession::Login::auth(std::string_view arguments) {
  Replies& replies = session_.replies;
  replies.keep_secrets();
  if (!session_.options->auth_available) return replies.refuse("502 5.5.1 logging in is not offered here");
  if (!session_.greeting.extended()) return replies.refuse("503 5.5.1 say EHLO first");
  if (!identity_.empty()) return replies.refuse("503 5.5.1 logged in already");
  if (!offered()) return replies.refuse("538 5.7.11 say STARTTLS first; a password goes only over TLS");
  const auto space = std::min(arguments.find(' '), arguments.size());
  const auto initial = arguments.substr(std::min(space + 1, arguments.size()));
  if (!exchange_) exchange_ = std::make_unique<sasl::Exchange>();
  session_.mode = Impl::Mode::auth;
  replies.about(Replies::kAuth); // the line itself is wiped soon
  show(exchange_->begin(arguments.substr(0, space), initial.empty() ? std::nullopt : std::optional(initial), offer()));
}

void ServerSession::Login::respond(std::string_view line) {
  const auto outcome = exchange_->respond(line);
  session_.lines.forget();
  show(outcome);
}

void ServerSession::Login::show(sasl::Exchange::Outcome outcome) {
  using Outcome = sasl::Exchange::Outcome;
  Replies& replies = session_.replies;
  if (outcome == Outcome::challenge) return replies.say("334 " + exchange_->challenge());
  if (outcome == Outcome::ask)
    return session_.ask(Impl::Question::login, AskLogin{0, exchange_->mechanism(), &exchange_->question()});
  if (outcome == Outcome::accepted) identity_ = exchange_->identity();
  end();
  switch (outcome) {
    case Outcome::challenge:
    case Outcome::ask: break; // see above
    case Outcome::accepted: replies.say("235 2.7.0 logged in"); break;
    case Outcome::not_offered: replies.refuse("504 5.5.4 mechanism not known; EHLO lists them"); break;
    case Outcome::malformed: replies.refuse("501 5.5.2 malformed credentials"); break;
    case Outcome::no_base64: replies.refuse("501 5.5.2 that is not base 64"); break;
    case Outcome::cancelled: replies.refuse("501 5.7.0 cancelled"); break;
    case Outcome::refused: replies.refuse("535 5.7.8 wrong name or password", kLoginWeight); break;
  }
}

void ServerSession::Login::answered(mail::Reply verdict) {
  // Our own text unless the outside has a reason of its own (454 4.7.0 for a failure that may pass).
  if (verdict.positive() || (verdict.text.empty() && verdict.permanent()))
    return show(exchange_->answer(verdict.positive()));
  end();
  session_.replies.pass_on(std::move(verdict), kLoginWeight);
}

void ServerSession::Login::answer_keys(std::uint32_t id, sasl::ScramCredentials credentials) {
  if (session_.question != Impl::Question::login || id != session_.question_id || !exchange_) return;
  session_.question = Impl::Question::none;
  show(exchange_->answer_keys(std::move(credentials)));
}

std::optional<sasl::Refusal> ServerSession::Login::take_refusal() {
  return exchange_ ? exchange_->take_refusal() : std::nullopt;
}

void ServerSession::Login::end() {
  if (exchange_) exchange_->end();
  session_.lines.forget();
  if (session_.mode == Impl::Mode::auth) session_.mode = Impl::Mode::command;
}

} // namespace paquebot::smtp
