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

using Impl = ServerSession::Impl;

sasl::Offer Impl::offer() const {
  sasl::Offer offer = options_->login;
  offer.channel = channel_;
  offer.scram = scram_.value_or(offer.scram);
  return offer;
}

bool Impl::auth_offered() const { return options_->auth_available && (encrypted_ || options_->auth_in_clear); }

void Impl::do_auth(std::string_view arguments) {
  secrets_ = true;
  if (!options_->auth_available) return refuse("502 5.5.1 logging in is not offered here");
  if (!extended_) return refuse("503 5.5.1 say EHLO first");
  if (!login_.empty()) return refuse("503 5.5.1 logged in already");
  if (!auth_offered()) return refuse("538 5.7.11 say STARTTLS first; a password goes only over TLS");
  const auto space = std::min(arguments.find(' '), arguments.size());
  mechanism_ = sasl::make_server(arguments.substr(0, space), offer());
  mechanism_name_ = arguments.substr(0, space);
  judged_ = false;
  std::ranges::transform(mechanism_name_, mechanism_name_.begin(),
                         [](char c) { return c >= 'a' && c <= 'z' ? char(c - 32) : c; });
  if (!mechanism_) {
    note_refusal("this mechanism is not offered here");
    return refuse("504 5.5.4 mechanism not known; EHLO lists them");
  }
  const auto initial = arguments.substr(std::min(space + 1, arguments.size()));
  mode_ = Mode::auth;
  said_ = kAuth; // the line itself is wiped soon
  if (initial.empty()) return auth_step(nullptr);
  auth_line(initial == "=" ? "" : initial); // section 4: "=" is an initial response without octets
}

void Impl::auth_line(std::string_view line) {
  if (line == "*") {
    note_refusal("the client broke it off");
    end_auth();
    return refuse("501 5.7.0 cancelled");
  }
  auto response = base64_decode(line);
  lines_.forget();
  if (!response) {
    note_refusal("a response that is no base 64");
    end_auth();
    return refuse("501 5.5.2 that is not base 64");
  }
  auth_step(&*response);
  sasl::wipe(*response);
}

void Impl::auth_step(const std::string* response) { auth_take(mechanism_->step(response)); }

void Impl::auth_take(sasl::Step step) {
  if (const auto* challenge = std::get_if<sasl::Challenge>(&step)) {
    say("334 " + base64_encode(challenge->bytes));
  } else if (auto* question = std::get_if<sasl::Ask>(&step)) {
    if (!asked_login_) asked_login_ = std::make_unique<sasl::Question>();
    *asked_login_ = question->question;
    sasl::wipe(question->question.secret);
    judged_ = asked_login_->kind != sasl::Question::Kind::scram_keys;
    ask(Question::login, AskLogin{0, mechanism_name_, asked_login_.get()});
  } else if (auto* success = std::get_if<sasl::Success>(&step)) {
    login_ = std::move(success->authzid);
    end_auth();
    say("235 2.7.0 logged in");
  } else {
    const bool malformed = std::get<sasl::Failure>(step).malformed;
    note_refusal(std::get<sasl::Failure>(step).cause);
    end_auth();
    if (malformed) return refuse("501 5.5.2 malformed credentials");
    refuse("535 5.7.8 wrong name or password", kLoginWeight);
  }
}

void Impl::login_answered(mail::Reply verdict) {
  if (verdict.positive()) return auth_take(mechanism_->answer(true));
  // Our own text unless the outside has a reason of its own (454 4.7.0 for a failure that may pass).
  if (verdict.text.empty() && verdict.permanent()) return auth_take(mechanism_->answer(false));
  end_auth();
  const bool permanent = verdict.permanent();
  say(std::move(verdict), "");
  if (permanent) after_error(kLoginWeight);
}

void Impl::answer_keys(std::uint32_t id, sasl::ScramCredentials credentials) {
  if (question_ != Question::login || id != question_id_ || !mechanism_) return;
  question_ = Question::none;
  auth_take(mechanism_->answer_keys(std::move(credentials)));
}

/// What was judged outside is logged there.
void Impl::note_refusal(std::string cause) {
  if (!judged_) refusal_ = std::make_unique<sasl::Refusal>(sasl::Refusal{mechanism_name_, std::move(cause)});
}

void Impl::end_auth() {
  mechanism_.reset();
  if (asked_login_) sasl::wipe(asked_login_->secret);
  asked_login_.reset();
  lines_.forget();
  if (mode_ == Mode::auth) mode_ = Mode::command;
}

} // namespace paquebot::smtp
