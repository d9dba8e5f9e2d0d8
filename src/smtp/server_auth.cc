// AUTH (RFC 4954). What the client sends here is secret: it is in no reply and no cause, and is wiped after use.

#include "base/encoding.h"
#include "sasl/secret.h"
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
  mechanism_ = sasl::make_server(arguments.substr(0, space), offer());
  mechanism_name_ = arguments.substr(0, space);
  judged_ = false;
  std::ranges::transform(mechanism_name_, mechanism_name_.begin(),
                         [](char c) { return c >= 'a' && c <= 'z' ? char(c - 32) : c; });
  if (!mechanism_) {
    note_refusal("this mechanism is not offered here");
    return replies.refuse("504 5.5.4 mechanism not known; EHLO lists them");
  }
  const auto initial = arguments.substr(std::min(space + 1, arguments.size()));
  session_.mode = Impl::Mode::auth;
  replies.about(Replies::kAuth); // the line itself is wiped soon
  if (initial.empty()) return proceed(mechanism_->step(nullptr));
  respond(initial == "=" ? "" : initial); // section 4: "=" is an initial response without octets
}

void ServerSession::Login::respond(std::string_view line) {
  if (line == "*") {
    note_refusal("the client broke it off");
    end();
    return session_.replies.refuse("501 5.7.0 cancelled");
  }
  auto response = base64_decode(line);
  session_.lines.forget();
  if (!response) {
    note_refusal("a response that is no base 64");
    end();
    return session_.replies.refuse("501 5.5.2 that is not base 64");
  }
  proceed(mechanism_->step(&*response));
  sasl::wipe(*response);
}

void ServerSession::Login::proceed(sasl::Step step) {
  if (const auto* challenge = std::get_if<sasl::Challenge>(&step)) {
    session_.replies.say("334 " + base64_encode(challenge->bytes));
  } else if (auto* question = std::get_if<sasl::Ask>(&step)) {
    if (!asked_) asked_ = std::make_unique<sasl::Question>();
    *asked_ = question->question;
    sasl::wipe(question->question.secret);
    judged_ = asked_->kind != sasl::Question::Kind::scram_keys;
    session_.ask(Impl::Question::login, AskLogin{0, mechanism_name_, asked_.get()});
  } else if (auto* success = std::get_if<sasl::Success>(&step)) {
    identity_ = std::move(success->authzid);
    end();
    session_.replies.say("235 2.7.0 logged in");
  } else {
    const bool malformed = std::get<sasl::Failure>(step).malformed;
    note_refusal(std::get<sasl::Failure>(step).cause);
    end();
    if (malformed) return session_.replies.refuse("501 5.5.2 malformed credentials");
    session_.replies.refuse("535 5.7.8 wrong name or password", kLoginWeight);
  }
}

void ServerSession::Login::answered(mail::Reply verdict) {
  if (verdict.positive()) return proceed(mechanism_->answer(true));
  // Our own text unless the outside has a reason of its own (454 4.7.0 for a failure that may pass).
  if (verdict.text.empty() && verdict.permanent()) return proceed(mechanism_->answer(false));
  end();
  session_.replies.pass_on(std::move(verdict), kLoginWeight);
}

void ServerSession::Login::answer_keys(std::uint32_t id, sasl::ScramCredentials credentials) {
  if (session_.question != Impl::Question::login || id != session_.question_id || !mechanism_) return;
  session_.question = Impl::Question::none;
  proceed(mechanism_->answer_keys(std::move(credentials)));
}

/// What was judged outside is logged there.
void ServerSession::Login::note_refusal(std::string cause) {
  if (!judged_) untold_ = std::make_unique<sasl::Refusal>(sasl::Refusal{mechanism_name_, std::move(cause)});
}

void ServerSession::Login::end() {
  mechanism_.reset();
  if (asked_) sasl::wipe(asked_->secret);
  asked_.reset();
  session_.lines.forget();
  if (session_.mode == Impl::Mode::auth) session_.mode = Impl::Mode::command;
}

} // namespace paquebot::smtp
