#include "base/encoding.h"
#include "pop3/login_text.h"
#include "pop3/server_impl.h"
#include "sasl/secret.h"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace paquebot::pop3 {
namespace {

std::string to_upper(std::string_view name) {
  std::string out(name);
  std::ranges::transform(out, out.begin(), [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  return out;
}

} // namespace

bool ServerSession::Login::allowed() {
  if (session_.encrypted || session_.options->login_in_clear) return true;
  untold_ = sasl::Refusal{"", "a login without TLS"}; // no mechanism: it never came so far
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
  question_ = {.authcid = std::move(name_)};
  name_.clear();
  mechanism_name_ = "PASS";
  question_.secret = a.text; // spaces belong to it (RFC 1939 section 7)
  session_.ask(Impl::Question::login);
}

void ServerSession::Login::auth(const Arguments& a) {
  if (!allowed()) return;
  std::size_t space = a.text.find(' ');
  mechanism_ = sasl::make_server(a.text.substr(0, space), offer());
  mechanism_name_ = to_upper(a.text.substr(0, space));
  judged_ = false;
  if (!mechanism_) {
    note_refusal("this mechanism is not offered here");
    return session_.error(Text::unknown_mechanism);
  }
  verdict_ = LoginVerdict::wrong;
  if (space == std::string_view::npos) return proceed(mechanism_->step(nullptr));
  respond(a.text.substr(space + 1));
}

void ServerSession::Login::respond(std::string_view line) {
  bool initial = !waits_;
  waits_ = false;
  std::optional<std::string> response;
  if (initial && line == "=")
    response.emplace(); // RFC 5034 section 4: an empty one
  else
    response = base64_decode(line);
  if (response) {
    proceed(mechanism_->step(&*response));
    sasl::wipe(*response);
    return;
  }
  mechanism_.reset();
  const bool cancelled = !initial && line == "*";
  note_refusal(cancelled ? "the client broke it off" : "a response that is no base 64");
  session_.error(cancelled ? Text::login_cancelled : Text::bad_base64);
}

void ServerSession::Login::proceed(sasl::Step step) {
  if (auto* challenge = std::get_if<sasl::Challenge>(&step)) {
    session_.out += fmt::format("+ {}\r\n", base64_encode(challenge->bytes));
    waits_ = true;
  } else if (auto* question_asked = std::get_if<sasl::Ask>(&step)) {
    question_ = question_asked->question;
    sasl::wipe(question_asked->question.secret);
    judged_ = question_.kind != sasl::Question::Kind::scram_keys;
    session_.ask(Impl::Question::login);
  } else if (auto* success = std::get_if<sasl::Success>(&step)) {
    session_.logged_in = std::move(success->authzid);
    mechanism_.reset();
    session_.ask(Impl::Question::open);
  } else {
    mechanism_.reset();
    note_refusal(std::get<sasl::Failure>(step).cause);
    if (std::get<sasl::Failure>(step).malformed) return session_.error(Text::bad_response);
    refuse(std::exchange(verdict_, LoginVerdict::wrong));
  }
}

void ServerSession::Login::too_long() {
  if (mechanism_) note_refusal("a response of more octets than may be");
  mechanism_.reset();
  waits_ = false;
}

void ServerSession::Login::answer(LoginVerdict verdict) {
  bool accepted = verdict == LoginVerdict::accepted;
  if (mechanism_ && accepted) {
    proceed(mechanism_->answer(true));
  } else if (accepted) {
    session_.logged_in = question_.authcid;
    session_.ask(Impl::Question::open);
  } else if (mechanism_ && (verdict == LoginVerdict::wrong || verdict == LoginVerdict::disabled)) {
    verdict_ = verdict; // told when the mechanism has had its last word
    proceed(mechanism_->answer(false));
  } else {
    mechanism_.reset();
    refuse(verdict);
  }
  if (session_.question != Impl::Question::login) wipe();
}

void ServerSession::Login::answer_keys(sasl::ScramCredentials credentials) {
  if (mechanism_) return proceed(mechanism_->answer_keys(std::move(credentials)));
  refuse(LoginVerdict::wrong); // nobody asked for them
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

/// What was judged outside is logged there.
void ServerSession::Login::note_refusal(std::string cause) {
  if (!judged_) untold_ = sasl::Refusal{mechanism_name_, std::move(cause)};
}

void ServerSession::Login::forget_name() { sasl::wipe(name_); }

void ServerSession::Login::wipe() {
  sasl::wipe(question_.secret);
  question_.authcid.clear();
  question_.authzid.clear();
}

} // namespace paquebot::pop3
