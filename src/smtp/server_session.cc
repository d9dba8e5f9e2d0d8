#include "smtp/server_session.h"

#include "base/text.h"
#include "smtp/server_impl.h"
#include "smtp/verbs.h"

#include <algorithm>
#include <cassert>

namespace paquebot::smtp {
namespace {

/// RFC 4954 section 4: a response within AUTH, in base 64; tokens come as the initial one, behind the command.
constexpr std::size_t kMaxResponse = 12288;
constexpr std::size_t kMaxAuthLine = kMaxResponse + 2;
constexpr std::size_t kMaxAuthCommand = kMaxAuthLine + 64;
/// The first octet of a TLS ClientHello.
constexpr char kTlsHandshake = 0x16;

bool has_control(std::string_view line) {
  return std::ranges::any_of(line, [](char c) { return (c >= 0 && c < ' ') || c == 0x7F; });
}

} // namespace

using Impl = ServerSession::Impl;

Impl::Impl(std::shared_ptr<const ServerOptions> o, ConnectionInfo c)
    : options(std::move(o)), connection(std::move(c)), encrypted(connection.encrypted) {
  ask(Question::peer, AskPeer{});
}

// ---- What comes next ----

Action Impl::next() {
  replies.sent();
  for (;;) {
    if (content.take_discard()) return Discard{};
    if (question != Question::none) return asked;
    if (replies.full()) return replies.flush();
    switch (mode) {
      case Mode::closed: return Close{};
      case Mode::closing:
        if (!replies.empty()) return replies.flush();
        mode = Mode::closed;
        break;
      case Mode::tls:
        if (!replies.empty()) return replies.flush();
        return StartTls{};
      case Mode::data:
        if (const auto piece = data.step(); !piece.empty()) return Chunk{piece};
        if (mode == Mode::data && input.empty() && !content.discard_due()) return need_input();
        break;
      case Mode::chunk:
        if (const auto piece = chunks.step(); !piece.empty()) return Chunk{piece};
        if (mode == Mode::chunk && !chunks.whole() && input.empty() && !content.discard_due() &&
            question == Question::none)
          return need_input();
        break;
      case Mode::command:
      case Mode::auth:
        if (shutting_down) {
          replies.part("421 4.3.2 the server is going down; try again soon");
        } else if (logged_out) {
          replies.part("421 4.7.0 your account was changed; log in again");
        } else if (!take_line()) {
          return need_input();
        }
        break;
    }
  }
}

Action Impl::need_input() {
  if (!replies.empty()) return replies.flush();
  const auto& o = *options;
  if (mode == Mode::command && !transaction.open()) rest();
  const bool in_content = mode == Mode::data || mode == Mode::chunk;
  const auto within = in_content ? o.data_timeout : o.command_timeout;
  if (in_content || chunks.begun()) return NeedInput{within, window, o.message_timeout, total_window};
  return NeedInput{within, window};
}

/// Between two messages a session may stand for long: it gives back what the last one left.
void Impl::rest() {
  replies.rest();
  transaction.rest();
  lines.rest();
}

// ---- Input ----

void Impl::feed(std::string_view bytes) {
  if (mode == Mode::closing || mode == Mode::closed) return;
  assert(input.empty() && "feed() only after NeedInput");
  const bool first = std::exchange(heard, true) == false;
  if (first && bytes.starts_with(kTlsHandshake)) {
    return replies.hang_up("421 4.7.0 this port begins in clear: use STARTTLS, or the port for implicit TLS");
  }
  input = bytes;
  if (mode == Mode::data || mode == Mode::chunk) ++window;
}

/// Runs the next command line, if one is complete. False when input is needed.
bool Impl::take_line() {
  const bool in_auth = mode == Mode::auth;
  replies.about(in_auth ? Replies::kAuth : std::string_view());
  switch (lines.next(input, line_bound())) {
    case LineReader::Status::none: return false;
    case LineReader::Status::line:
      ++window;
      if (listener) (*listener)(in_auth ? "(hidden)" : replies.without_secrets(lines.line()));
      if (in_auth) {
        login.respond(lines.line());
      } else {
        run_line(lines.line());
      }
      break;
    case LineReader::Status::bare_lf:
      ++window;
      if (!in_auth && istarts_with(lines.line(), "BDAT")) { // content follows, and how much of it nobody can tell
        replies.hang_up("501 5.5.4 the line of BDAT must end with CR LF");
        break;
      }
      login.end();
      replies.refuse("500 5.5.2 lines end with CR LF, not with LF alone");
      break;
    case LineReader::Status::too_long:
      ++window;
      login.end();
      replies.refuse(in_auth ? "500 5.5.6 line is too long" : "500 5.5.2 line is too long");
      break;
    case LineReader::Status::endless: replies.hang_up("421 4.7.0 that line does not end"); break;
  }
  return true;
}

/// AUTH may bring a response of its exchange.
std::size_t Impl::line_bound() const {
  if (mode == Mode::auth) return kMaxAuthLine;
  const bool auth = options->auth_available && lines.begins_with(input, "AUTH ");
  return auth ? std::max<std::size_t>(kMaxAuthCommand, options->max_line) : options->max_line;
}

/// The name of a host may be anything when it is the program of a user of ours that greets.
bool Impl::lenient_greeting(std::string_view line) const {
  return options->lenient && (istarts_with(line, "EHLO ") || istarts_with(line, "HELO "));
}

void Impl::run_line(std::string_view line) {
  replies.about(line);
  if (++commands > options->max_commands) return replies.hang_up("421 4.7.0 too many commands");
  while (line.ends_with(' ')) line.remove_suffix(1);
  if (plain_length(line) < line.size()) {
    const bool controls = has_control(line);
    const bool unreadable = controls || !is_utf8(line);
    if (unreadable && istarts_with(line, "BDAT")) return chunks.bdat("");
    if (controls) return replies.refuse("500 5.5.2 control characters in a command");
    if (unreadable && !lenient_greeting(line)) return replies.refuse("500 5.5.2 a command is ASCII or UTF-8");
  }
  const auto space = std::min(line.find(' '), line.size());
  const Verb* verb = find_verb(line.substr(0, space));
  const auto role = options->role == Role::lmtp ? kLmtp : kSmtp;
  if (verb == nullptr || (verb->roles & role) == 0)
    return replies.refuse("500 5.5.1 command not recognised; HELP lists them");
  auto arguments = line.substr(std::min(space + 1, line.size()));
  while (arguments.starts_with(' ')) arguments.remove_prefix(1);
  dispatch(*verb, arguments);
}

void Impl::dispatch(const Verb& verb, std::string_view arguments) {
  assert(question == Question::none && mode == Mode::command);
  if (options->tls_required && !encrypted && (verb.flags & kBeforeTls) == 0) {
    return replies.refuse("530 5.7.0 say STARTTLS first"); // RFC 3207 section 4
  }
  if ((verb.states & state()) == 0)
    return replies.refuse(state() == kFresh ? "503 5.5.1 say EHLO first" : verb.wrong_state);
  if (verb.arguments == Arguments::none && !arguments.empty())
    return replies.refuse("501 5.5.4 no argument is allowed");
  const bool nameless = options->lenient && (verb.flags & kGreets) != 0;
  if (verb.arguments == Arguments::required && arguments.empty() && !nameless)
    return replies.refuse("501 5.5.4 an argument is missing");
  if (options->auth_required && login.identity().empty() && (verb.flags & kNeedsLogin) != 0) {
    return replies.refuse("530 5.7.0 log in first"); // RFC 4954 section 6
  }
  verb.handler(*this, arguments);
}

std::uint8_t Impl::state() const {
  if (greeting.name().empty()) return kFresh;
  if (!transaction.open()) return kIdle;
  return transaction.recipients().empty() ? kMail : kRecipients;
}

// ---- Answers and events ----

void Impl::answer(std::uint32_t id, std::span<mail::Reply> verdicts) {
  if (question == Question::none || id != question_id || verdicts.empty()) return;
  switch (std::exchange(question, Question::none)) {
    case Question::none: break;
    case Question::peer: greeting.peer_answered(std::move(verdicts[0])); break;
    case Question::helo: greeting.answered(std::move(verdicts[0])); break;
    case Question::login: login.answered(std::move(verdicts[0])); break;
    case Question::mail: transaction.mail_answered(std::move(verdicts[0])); break;
    case Question::recipient: transaction.recipient_answered(std::move(verdicts[0])); break;
    case Question::data:
      if (mode == Mode::chunk) {
        chunks.answered(std::move(verdicts[0]));
      } else {
        data.answered(std::move(verdicts[0]));
      }
      break;
    case Question::content: content.judged(verdicts); break;
    case Question::etrn: etrn_answered(std::move(verdicts[0])); break;
  }
  if (gone) lost();
}

void Impl::lost() {
  gone = true;
  if (question == Question::content) return;
  question = Question::none;
  close();
  replies.drop();
}

void Impl::close() {
  login.end();
  transaction.end();
  input = {};
  mode = Mode::closing;
}

void Impl::timed_out(std::string_view line) {
  if (question == Question::content || mode == Mode::closed) return;
  question = Question::none;
  if (content.staged()) replies.remark(Remark::Kind::content_refused, line);
  replies.part(line);
}

/// RFC 3207 section 4.2: whatever was learned before is forgotten.
void Impl::tls_started() {
  if (mode != Mode::tls) return;
  assert(!encrypted && input.empty() && "what came in clear must never be taken for something said under TLS");
  encrypted = true;
  mode = Mode::command;
  ++window;
  forget();
}

void Impl::forget() {
  greeting.forget();
  login.forget();
  transaction.end();
}

// ---- The public face ----

ServerSession::ServerSession(std::shared_ptr<const ServerOptions> options, ConnectionInfo connection)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(connection))) {}
ServerSession::~ServerSession() = default;

void ServerSession::feed(std::string_view bytes) { impl_->feed(bytes); }
void ServerSession::answer(std::uint32_t id, mail::Reply verdict) { impl_->answer(id, {&verdict, 1}); }
void ServerSession::answer(std::uint32_t id, std::vector<mail::Reply> verdicts) { impl_->answer(id, verdicts); }
void ServerSession::answer_keys(std::uint32_t id, sasl::ScramCredentials credentials) {
  impl_->login.answer_keys(id, std::move(credentials));
}
void ServerSession::listen(std::function<void(std::string_view)> told) {
  impl_->listener = told ? std::make_unique<std::function<void(std::string_view)>>(std::move(told)) : nullptr;
}
void ServerSession::offer_scram(bool offered) { impl_->login.offer_scram(offered); }
std::optional<sasl::Refusal> ServerSession::take_refusal() { return impl_->login.take_refusal(); }
void ServerSession::set_channel(sasl::Channel channel) { impl_->login.set_channel(std::move(channel)); }
void ServerSession::refuse_content(mail::Reply verdict) { impl_->content.refuse(std::move(verdict)); }
void ServerSession::tls_started(std::string_view, std::string_view) { impl_->tls_started(); }
void ServerSession::timed_out() { impl_->timed_out("421 4.4.2 waited too long"); }
void ServerSession::too_slow() { impl_->timed_out("421 4.4.2 the content comes too slowly"); }
void ServerSession::eof() { impl_->lost(); }
void ServerSession::shut_down() { impl_->shutting_down = true; }
void ServerSession::log_out() { impl_->logged_out = true; }
Action ServerSession::next() { return impl_->next(); }
bool ServerSession::has_input() const { return !impl_->input.empty() || impl_->content.waits(); }
std::vector<Remark> ServerSession::take_remarks() { return impl_->replies.take_remarks(); }

std::string_view ServerSession::helo() const {
  const ToldPeer* peer = told();
  return peer != nullptr && !peer->helo.empty() ? peer->helo : impl_->greeting.name();
}
bool ServerSession::extended() const {
  const ToldPeer* peer = told();
  return peer != nullptr && peer->extended ? *peer->extended : impl_->greeting.extended();
}
const ToldPeer* ServerSession::told() const { return impl_->greeting.told(); }
bool ServerSession::encrypted() const { return impl_->encrypted; }
std::string_view ServerSession::login() const { return impl_->login.identity(); }
bool ServerSession::in_transaction() const { return impl_->transaction.open(); }
const mail::Sender& ServerSession::sender() const { return impl_->transaction.sender(); }
std::span<const mail::Recipient> ServerSession::recipients() const { return impl_->transaction.recipients(); }
std::uint32_t ServerSession::messages() const { return impl_->transaction.messages(); }
std::uint32_t ServerSession::errors() const { return impl_->replies.errors(); }

} // namespace paquebot::smtp
