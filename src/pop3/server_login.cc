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

bool ServerSession::Impl::login_allowed() {
  if (encrypted || options->login_in_clear) return true;
  error(options->tls_available ? Text::clear_send_stls : Text::clear_use_tls_port);
  return false;
}

void ServerSession::Impl::user_name(const Arguments& a) {
  if (!login_allowed()) return;
  if (!login_text_allowed(a.text)) return error(Text::bad_login_text);
  name = a.text;
  ok(Text::send_pass); // RFC 1939 section 7: the same for names that don't exist
}

void ServerSession::Impl::pass(const Arguments& a) {
  if (!login_allowed()) return;
  if (name.empty()) return error(Text::user_first);
  if (!login_text_allowed(a.text)) {
    name.clear();
    return error(Text::bad_login_text);
  }
  login = {.authcid = std::move(name)};
  name.clear();
  mechanism_name = "PASS";
  login.secret = a.text; // spaces belong to it (RFC 1939 section 7)
  ask(Question::login);
}

void ServerSession::Impl::auth(const Arguments& a) {
  if (!login_allowed()) return;
  std::size_t space = a.text.find(' ');
  mechanism = sasl::make_server(a.text.substr(0, space), offer());
  mechanism_name = to_upper(a.text.substr(0, space));
  judged = false;
  if (!mechanism) {
    note_refusal("this mechanism is not offered here");
    return error(Text::unknown_mechanism);
  }
  refusal = LoginVerdict::wrong;
  if (space == std::string_view::npos) return sasl_step(mechanism->step(nullptr));
  auth_response(a.text.substr(space + 1));
}

void ServerSession::Impl::auth_response(std::string_view line) {
  bool initial = !auth_waits;
  auth_waits = false;
  std::optional<std::string> response;
  if (initial && line == "=")
    response.emplace(); // RFC 5034 section 4: an empty one
  else
    response = base64_decode(line);
  if (response) {
    sasl_step(mechanism->step(&*response));
    sasl::wipe(*response);
    return;
  }
  mechanism.reset();
  const bool cancelled = !initial && line == "*";
  note_refusal(cancelled ? "the client broke it off" : "a response that is no base 64");
  error(cancelled ? Text::login_cancelled : Text::bad_base64);
}

void ServerSession::Impl::sasl_step(sasl::Step step) {
  if (auto* challenge = std::get_if<sasl::Challenge>(&step)) {
    out += fmt::format("+ {}\r\n", base64_encode(challenge->bytes));
    auth_waits = true;
  } else if (auto* question_asked = std::get_if<sasl::Ask>(&step)) {
    login = question_asked->question;
    sasl::wipe(question_asked->question.secret);
    judged = login.kind != sasl::Question::Kind::scram_keys;
    ask(Question::login);
  } else if (auto* success = std::get_if<sasl::Success>(&step)) {
    logged_in = std::move(success->authzid);
    mechanism.reset();
    ask(Question::open);
  } else {
    mechanism.reset();
    note_refusal(std::get<sasl::Failure>(step).cause);
    if (std::get<sasl::Failure>(step).malformed) return error(Text::bad_response);
    refuse_login(std::exchange(refusal, LoginVerdict::wrong));
  }
}

void ServerSession::Impl::answer_login(LoginVerdict verdict) {
  bool accepted = verdict == LoginVerdict::accepted;
  if (mechanism && accepted) {
    sasl_step(mechanism->answer(true));
  } else if (accepted) {
    logged_in = login.authcid;
    ask(Question::open);
  } else if (mechanism && (verdict == LoginVerdict::wrong || verdict == LoginVerdict::disabled)) {
    refusal = verdict; // told when the mechanism has had its last word
    sasl_step(mechanism->answer(false));
  } else {
    mechanism.reset();
    refuse_login(verdict);
  }
  if (question != Question::login) wipe_login();
}

void ServerSession::Impl::answer_keys(sasl::ScramCredentials credentials) {
  if (mechanism) return sasl_step(mechanism->answer_keys(std::move(credentials)));
  refuse_login(LoginVerdict::wrong); // nobody asked for them
}

sasl::Offer ServerSession::Impl::offer() const {
  sasl::Offer offer = options->login;
  offer.channel = channel;
  offer.scram = scram.value_or(offer.scram);
  return offer;
}

void ServerSession::Impl::refuse_login(LoginVerdict verdict) {
  switch (verdict) {
    case LoginVerdict::temporary_failure: // RFC 3206 section 4
      error(Text::login_unchecked);
      break;
    case LoginVerdict::disabled: error(Text::account_disabled); break;
    case LoginVerdict::slow_down: // RFC 2449 section 8.1.1
      error(Text::too_many_logins);
      break;
    default: error(Text::wrong_login); break; // RFC 3206 section 5
  }
  if (++login_failures >= options->max_login_failures) close();
}

/// What was judged outside is logged there.
void ServerSession::Impl::note_refusal(std::string cause) {
  if (!judged) refusal_ = sasl::Refusal{mechanism_name, std::move(cause)};
}

void ServerSession::Impl::wipe_login() {
  sasl::wipe(login.secret);
  login.authcid.clear();
  login.authzid.clear();
}

} // namespace paquebot::pop3
