#include "base/encoding.h"
#include "base/text.h"
#include "imap/server_impl.h"
#include "sasl/secret.h"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace paquebot::imap {
namespace {

std::string upper(std::string_view name) {
  std::string out(name);
  std::ranges::transform(out, out.begin(), [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  return out;
}

} // namespace

bool ServerSession::Login::allowed() {
  if (session_.encrypted || session_.options->login_in_clear) return true;
  untold_ = sasl::Refusal{"", "a login without TLS"}; // no mechanism: it never came so far
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
    question_ = {.authcid = std::move(*name)};
    question_.secret = *password;
    mechanism_name_ = "LOGIN";
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
  mechanism_ = sasl::make_server(*name, offer());
  mechanism_name_ = upper(*name);
  judged_ = false;
  if (!mechanism_) {
    note_refusal("this mechanism is not offered here");
    return session_.no("[CANNOT] this mechanism is not offered here");
  }
  verdict_ = LoginVerdict::wrong;
  if (args.at_end()) return proceed(mechanism_->step(nullptr));
  if (!args.space()) return session_.bad("a response is expected");
  respond(args.rest()); // RFC 4959
}

void ServerSession::Login::respond(std::string_view line) {
  const bool initial = !std::exchange(waits_, false);
  std::optional<std::string> response;
  if (initial && line == "=")
    response.emplace(); // RFC 4959 section 3: an empty one
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
  session_.bad(cancelled ? "the login was broken off" : "the response is no base 64");
}

void ServerSession::Login::proceed(sasl::Step step) {
  if (auto* challenge = std::get_if<sasl::Challenge>(&step)) {
    session_.out += fmt::format("+ {}\r\n", base64_encode(challenge->bytes));
    waits_ = true;
  } else if (auto* asked = std::get_if<sasl::Ask>(&step)) {
    question_ = asked->question;
    sasl::wipe(asked->question.secret);
    judged_ = question_.kind != sasl::Question::Kind::scram_keys;
    ask();
  } else if (auto* success = std::get_if<sasl::Success>(&step)) {
    session_.logged_in = std::move(success->authzid);
    mechanism_.reset();
    ++session_.window;
    session_.ok(fmt::format("[CAPABILITY {}] logged in", session_.capabilities()));
  } else {
    mechanism_.reset();
    note_refusal(std::get<sasl::Failure>(step).cause);
    if (std::get<sasl::Failure>(step).malformed) return session_.bad("the response is malformed");
    refuse(std::exchange(verdict_, LoginVerdict::wrong));
  }
}

void ServerSession::Login::too_long() {
  if (mechanism_) note_refusal("a response of more octets than may be");
  mechanism_.reset();
  waits_ = false;
}

void ServerSession::Login::answer(LoginVerdict verdict) {
  const bool accepted = verdict == LoginVerdict::accepted;
  if (mechanism_ && accepted) {
    proceed(mechanism_->answer(true));
  } else if (accepted) {
    session_.logged_in = question_.authcid;
    ++session_.window;
    session_.ok(fmt::format("[CAPABILITY {}] logged in", session_.capabilities()));
  } else if (mechanism_ && (verdict == LoginVerdict::wrong || verdict == LoginVerdict::disabled)) {
    verdict_ = verdict; // told when the mechanism has had its last word
    proceed(mechanism_->answer(false));
  } else {
    mechanism_.reset();
    refuse(verdict);
  }
  if (!session_.login_asked) wipe();
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

/// What was judged outside is logged there.
void ServerSession::Login::note_refusal(std::string cause) {
  if (!judged_) untold_ = sasl::Refusal{mechanism_name_, std::move(cause)};
}

void ServerSession::Login::wipe() {
  sasl::wipe(question_.secret);
  question_.authcid.clear();
  question_.authzid.clear();
}

} // namespace paquebot::imap
