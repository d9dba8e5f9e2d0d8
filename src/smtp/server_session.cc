#include "smtp/server_session.h"

#include "base/text.h"
#include "smtp/server_impl.h"
#include "smtp/verbs.h"

#include <algorithm>
#include <cassert>

namespace paquebot::smtp {
namespace {

/// Replies are kept until input is needed (RFC 2920 section 3.2), but not more of them than this.
constexpr std::size_t kFlushAt = 16 * 1024;
/// Room for a reply, which an idle session keeps.
constexpr std::size_t kKept = 128;
/// RFC 4954 section 4: a response within AUTH, in base 64; tokens come as the initial one, behind the command.
constexpr std::size_t kMaxResponse = 12288;
constexpr std::size_t kMaxAuthLine = kMaxResponse + 2;
constexpr std::size_t kMaxAuthCommand = kMaxAuthLine + 64;
/// Remarks that are kept until somebody takes them, and how much of a command is told.
constexpr std::size_t kMostRemarks = 32;
constexpr std::size_t kMostTold = 200;
/// The first octet of a TLS ClientHello.
constexpr char kTlsHandshake = 0x16;

bool has_control(std::string_view line) {
  return std::ranges::any_of(line, [](char c) { return (c >= 0 && c < ' ') || c == 0x7F; });
}

} // namespace

using Impl = ServerSession::Impl;

Impl::Impl(std::shared_ptr<const ServerOptions> options, ConnectionInfo connection)
    : options_(std::move(options)), connection_(std::move(connection)), encrypted_(connection_.encrypted) {
  ask(Question::peer, AskPeer{});
}

// ---- What comes next ----

Action Impl::next() {
  sending_.clear();
  for (;;) {
    if (std::exchange(discard_, false)) return Discard{};
    if (question_ != Question::none) return asked_;
    if (out_.size() >= kFlushAt || (remarks_.size() >= kMostRemarks && !out_.empty())) return flush();
    switch (mode_) {
      case Mode::closed: return Close{};
      case Mode::closing:
        if (!out_.empty()) return flush();
        mode_ = Mode::closed;
        break;
      case Mode::tls: return out_.empty() ? StartTls{} : flush();
      case Mode::data:
        if (const auto piece = data_step(); !piece.empty()) return Chunk{piece};
        if (mode_ == Mode::data && input_.empty() && !discard_) return need_input();
        break;
      case Mode::chunk:
        if (const auto piece = chunk_step(); !piece.empty()) return Chunk{piece};
        if (mode_ == Mode::chunk && chunk_left_ > 0 && input_.empty() && !discard_ && question_ == Question::none)
          return need_input();
        break;
      case Mode::command:
      case Mode::auth:
        if (shutting_down_) {
          part("421 4.3.2 the server is going down; try again soon");
        } else if (logged_out_) {
          part("421 4.7.0 your account was changed; log in again");
        } else if (!take_line()) {
          return need_input();
        }
        break;
    }
  }
}

Action Impl::flush() {
  std::swap(out_, sending_);
  return Send{sending_};
}

Action Impl::need_input() {
  if (!out_.empty()) return flush();
  const auto& o = *options_;
  if (mode_ == Mode::command && !transaction_) rest();
  const bool in_content = mode_ == Mode::data || mode_ == Mode::chunk;
  const auto within = in_content ? o.data_timeout : o.command_timeout;
  if (in_content || chunks_) return NeedInput{within, window_, o.message_timeout, total_window_};
  return NeedInput{within, window_};
}

/// Between two messages a session may stand for long: it gives back what the last one left.
void Impl::rest() {
  for (std::string* buffer : {&out_, &sending_}) // both are empty now
    if (buffer->capacity() > kKept) buffer->shrink_to_fit();
  recipients_.shrink_to_fit();
  lines_.rest();
}

// ---- Input ----

void Impl::feed(std::string_view bytes) {
  if (mode_ == Mode::closing || mode_ == Mode::closed) return;
  assert(input_.empty() && "feed() only after NeedInput");
  const bool first = std::exchange(heard_, true) == false;
  if (first && bytes.starts_with(kTlsHandshake)) {
    return hang_up("421 4.7.0 this port begins in clear: use STARTTLS, or the port for implicit TLS");
  }
  input_ = bytes;
  if (mode_ == Mode::data || mode_ == Mode::chunk) ++window_;
}

/// Runs the next command line, if one is complete. False when input is needed.
bool Impl::take_line() {
  const bool in_auth = mode_ == Mode::auth;
  said_ = in_auth ? kAuth : std::string_view();
  switch (lines_.next(input_, line_bound())) {
    case LineReader::Status::none: return false;
    case LineReader::Status::line:
      ++window_;
      if (in_auth) {
        auth_line(lines_.line());
      } else {
        run_line(lines_.line());
      }
      break;
    case LineReader::Status::bare_lf:
      ++window_;
      if (!in_auth && istarts_with(lines_.line(), "BDAT")) { // content follows, and how much of it nobody can tell
        hang_up("501 5.5.4 the line of BDAT must end with CR LF");
        break;
      }
      end_auth();
      refuse("500 5.5.2 lines end with CR LF, not with LF alone");
      break;
    case LineReader::Status::too_long:
      ++window_;
      end_auth();
      refuse(in_auth ? "500 5.5.6 line is too long" : "500 5.5.2 line is too long");
      break;
    case LineReader::Status::endless: hang_up("421 4.7.0 that line does not end"); break;
  }
  return true;
}

/// AUTH may bring a response of its exchange.
std::size_t Impl::line_bound() const {
  if (mode_ == Mode::auth) return kMaxAuthLine;
  const bool auth = options_->auth_available && lines_.begins_with(input_, "AUTH ");
  return auth ? std::max<std::size_t>(kMaxAuthCommand, options_->max_line) : options_->max_line;
}

/// The name of a host may be anything when it is the program of a user of ours that greets.
bool Impl::lenient_greeting(std::string_view line) const {
  return options_->lenient && (istarts_with(line, "EHLO ") || istarts_with(line, "HELO "));
}

void Impl::run_line(std::string_view line) {
  said_ = line;
  if (++commands_ > options_->max_commands) return hang_up("421 4.7.0 too many commands");
  while (line.ends_with(' ')) line.remove_suffix(1);
  if (plain_length(line) < line.size()) {
    const bool controls = has_control(line);
    const bool unreadable = controls || !is_utf8(line);
    if (unreadable && istarts_with(line, "BDAT")) return do_bdat("");
    if (controls) return refuse("500 5.5.2 control characters in a command");
    if (unreadable && !lenient_greeting(line)) return refuse("500 5.5.2 a command is ASCII or UTF-8");
  }
  const auto space = std::min(line.find(' '), line.size());
  const Verb* verb = find_verb(line.substr(0, space));
  const auto role = options_->role == Role::lmtp ? kLmtp : kSmtp;
  if (verb == nullptr || (verb->roles & role) == 0) return refuse("500 5.5.1 command not recognised; HELP lists them");
  auto arguments = line.substr(std::min(space + 1, line.size()));
  while (arguments.starts_with(' ')) arguments.remove_prefix(1);
  dispatch(*verb, arguments);
}

void Impl::dispatch(const Verb& verb, std::string_view arguments) {
  if (options_->tls_required && !encrypted_ && (verb.flags & kBeforeTls) == 0) {
    return refuse("530 5.7.0 say STARTTLS first"); // RFC 3207 section 4
  }
  if ((verb.states & state()) == 0) return refuse(state() == kFresh ? "503 5.5.1 say EHLO first" : verb.wrong_state);
  if (verb.arguments == Arguments::none && !arguments.empty()) return refuse("501 5.5.4 no argument is allowed");
  const bool nameless = options_->lenient && (verb.flags & kGreets) != 0;
  if (verb.arguments == Arguments::required && arguments.empty() && !nameless)
    return refuse("501 5.5.4 an argument is missing");
  if (options_->auth_required && login_.empty() && (verb.flags & kNeedsLogin) != 0) {
    return refuse("530 5.7.0 log in first"); // RFC 4954 section 6
  }
  (this->*verb.handler)(arguments);
}

std::uint8_t Impl::state() const {
  if (helo_.empty()) return kFresh;
  if (!transaction_) return kIdle;
  return recipients_.empty() ? kMail : kRecipients;
}

// ---- Output ----

void Impl::say(std::string_view line) {
  out_ += line;
  out_ += "\r\n";
}

void Impl::refuse(std::string_view line, std::uint32_t weight) {
  say(line);
  remark(Remark::Kind::command_refused, line);
  after_error(weight);
}

void Impl::say(mail::Reply verdict, std::string_view standard) {
  assert(verdict.code >= 200 && verdict.code < 600);
  if (verdict.text.empty() && verdict.positive()) return say(standard);
  if (verdict.text.empty()) verdict.text = verdict.permanent() ? "refused" : "not now; try again later";
  // RFC 2034 section 4: every reply has one, and its class is the reply's.
  if (!verdict.enhanced && verdict.code / 100 != 3)
    verdict.enhanced.klass = static_cast<std::uint8_t>(verdict.code / 100);
  verdict.append_wire(out_);
  if (verdict.code == 421) mode_ = Mode::closing; // RFC 5321 section 3.8
}

void Impl::after_error(std::uint32_t weight) {
  errors_ += weight;
  if (errors_ >= options_->max_errors && mode_ != Mode::closing) hang_up("421 4.7.0 too many errors");
}

void Impl::hang_up(std::string_view line) {
  remark(Remark::Kind::command_refused, line);
  part(line);
}

void Impl::part(std::string_view line) {
  say(line);
  end_auth();
  end_transaction();
  input_ = {};
  mode_ = Mode::closing;
}

/// Of AUTH only the mechanism is told, and nothing of what is no command once a secret may be among it.
void Impl::remark(Remark::Kind kind, std::string_view reply) {
  if (remarks_.size() >= kMostRemarks) return;
  std::string told(said_.substr(0, kMostTold));
  const auto space = std::min(told.find(' '), told.size());
  if (said_ == kAuth) {
    told.append(" ").append(mechanism_name_);
  } else if (istarts_with(told, "AUTH ")) {
    told.resize(std::min(told.find(' ', space + 1), told.size()));
  } else if (secrets_ && find_verb(std::string_view(told).substr(0, space)) == nullptr) {
    told.clear();
  }
  remarks_.push_back({kind, std::move(told), std::string(reply)});
}

void Impl::end_transaction() {
  drop_content();
  transaction_ = chunks_ = chunks_failed_ = open_line_ = false;
  sender_ = {};
  lowered_ = false;
  recipients_.clear();
  content_refusal_.reset();
}

// ---- Answers and events ----

void Impl::answer(std::uint32_t id, std::span<mail::Reply> verdicts) {
  if (question_ == Question::none || id != question_id_ || verdicts.empty()) return;
  switch (std::exchange(question_, Question::none)) {
    case Question::none: break;
    case Question::peer: peer_answered(std::move(verdicts[0])); break;
    case Question::helo: helo_answered(std::move(verdicts[0])); break;
    case Question::login: login_answered(std::move(verdicts[0])); break;
    case Question::mail: mail_answered(std::move(verdicts[0])); break;
    case Question::recipient: recipient_answered(std::move(verdicts[0])); break;
    case Question::data: data_answered(std::move(verdicts[0])); break;
    case Question::content: content_answered(verdicts); break;
    case Question::etrn: etrn_answered(std::move(verdicts[0])); break;
  }
  if (lost_) lost();
}

void Impl::lost() {
  lost_ = true;
  if (question_ == Question::content) return;
  question_ = Question::none;
  end_auth();
  end_transaction();
  input_ = {};
  out_.clear();
  mode_ = Mode::closing;
}

void Impl::timed_out(std::string_view line) {
  if (question_ == Question::content || mode_ == Mode::closed) return;
  question_ = Question::none;
  if (staged_) remark(Remark::Kind::content_refused, line);
  part(line);
}

/// RFC 3207 section 4.2: whatever was learned before is forgotten.
void Impl::tls_started() {
  if (mode_ != Mode::tls) return;
  encrypted_ = true;
  mode_ = Mode::command;
  ++window_;
  helo_.clear();
  extended_ = false;
  login_.clear();
  end_transaction();
}

// ---- The public face ----

ServerSession::ServerSession(std::shared_ptr<const ServerOptions> options, ConnectionInfo connection)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(connection))) {}
ServerSession::~ServerSession() = default;

void ServerSession::feed(std::string_view bytes) { impl_->feed(bytes); }
void ServerSession::answer(std::uint32_t id, mail::Reply verdict) { impl_->answer(id, {&verdict, 1}); }
void ServerSession::answer(std::uint32_t id, std::vector<mail::Reply> verdicts) { impl_->answer(id, verdicts); }
void ServerSession::answer_keys(std::uint32_t id, sasl::ScramCredentials credentials) {
  impl_->answer_keys(id, std::move(credentials));
}
void ServerSession::offer_scram(bool offered) { impl_->scram_ = offered; }
std::unique_ptr<sasl::Refusal> ServerSession::take_refusal() { return std::move(impl_->refusal_); }
void ServerSession::set_channel(sasl::Channel channel) { impl_->channel_ = std::move(channel); }
void ServerSession::refuse_content(mail::Reply verdict) { impl_->refuse_content(std::move(verdict)); }
void ServerSession::tls_started(std::string_view, std::string_view) { impl_->tls_started(); }
void ServerSession::timed_out() { impl_->timed_out("421 4.4.2 waited too long"); }
void ServerSession::too_slow() { impl_->timed_out("421 4.4.2 the content comes too slowly"); }
void ServerSession::eof() { impl_->lost(); }
void ServerSession::shut_down() { impl_->shutting_down_ = true; }
void ServerSession::log_out() { impl_->logged_out_ = true; }
Action ServerSession::next() { return impl_->next(); }
bool ServerSession::has_input() const { return !impl_->input_.empty() || !impl_->unmended_.empty(); }
bool ServerSession::has_remarks() const { return !impl_->remarks_.empty(); }
std::vector<Remark> ServerSession::take_remarks() { return std::exchange(impl_->remarks_, {}); }

std::string_view ServerSession::helo() const {
  return impl_->told_ && !impl_->told_->helo.empty() ? impl_->told_->helo : impl_->helo_;
}
bool ServerSession::extended() const {
  return impl_->told_ && impl_->told_->extended ? *impl_->told_->extended : impl_->extended_;
}
const ToldPeer* ServerSession::told() const { return impl_->told_ ? impl_->told_.get() : nullptr; }
bool ServerSession::encrypted() const { return impl_->encrypted_; }
std::string_view ServerSession::login() const { return impl_->login_; }
bool ServerSession::in_transaction() const { return impl_->transaction_; }
const mail::Sender& ServerSession::sender() const { return impl_->sender_; }
std::span<const mail::Recipient> ServerSession::recipients() const { return impl_->recipients_; }
std::uint64_t ServerSession::content_size() const { return impl_->content_size_; }
std::uint32_t ServerSession::messages() const { return impl_->messages_; }
std::uint32_t ServerSession::errors() const { return impl_->errors_; }
bool ServerSession::injected() const { return impl_->injected_; }

} // namespace paquebot::smtp
