#include "pop3/server_impl.h"
#include "sasl/secret.h"

#include <cassert>
#include <fmt/format.h>
#include <utility>

namespace paquebot::pop3 {

namespace {
constexpr std::size_t kFlushAt = 16 * 1024; // octets of replies that are sent without waiting for more
constexpr std::size_t kKeptOutput = 4096;   // octets of output memory an idle session keeps
constexpr char kTlsHandshake = 0x16;        // the first octet of a TLS ClientHello
} // namespace

ServerSession::Impl::Impl(std::shared_ptr<const ServerOptions> o, bool e) : options(std::move(o)), encrypted(e) {
  // No angle brackets here: they would offer APOP (RFC 1939 section 7).
  ok(Text::greeting, options->hostname);
}

ServerSession::Impl::~Impl() { login.wipe(); }

void ServerSession::Impl::reply(std::string_view status, Text text, fmt::format_args values) {
  out += status;
  if (const auto code = code_of(text); !code.empty()) {
    out += code;
    out += ' ';
  }
  fmt::vformat_to(std::back_inserter(out), words_of(text, language), values);
  out += "\r\n";
}

void ServerSession::Impl::drop() {
  closing = true;
  question = Question::none;
  out.clear();
  input.clear();
  login.wipe();
}

void ServerSession::Impl::ask(Question what) {
  assert(question == Question::none && what != Question::none && "one question at a time");
  question = what;
  ++question_id;
}

bool ServerSession::Impl::answered(Question what, std::uint32_t id) {
  if (question != what || question_id != id) return false;
  question = Question::none;
  return true;
}

Send ServerSession::Impl::send() {
  out_given = true;
  return Send{out};
}

Action ServerSession::Impl::question_action() {
  switch (question) {
    case Question::login: return AskLogin{question_id, login.mechanism_name(), &login.question()};
    case Question::open: return AskOpen{question_id};
    case Question::list: return maildrop.list_question(question_id);
    case Question::message: return maildrop.message_question(question_id);
    default: return AskCommit{question_id, &maildrop.commit()};
  }
}

Action ServerSession::Impl::next() {
  if (out_given) {
    out.clear();
    out_given = flush = false;
    if (state == transaction) ++window; // the time that a long message took is not the next command's
  }
  for (;;) {
    if (closing && out.empty()) return Close{};
    if (out.size() >= kFlushAt || (flush && !out.empty())) return send();
    if (question != Question::none) return question_action();
    if (closing) return send();
    if (tls_pending) return out.empty() ? Action(StartTls{}) : Action(send());
    if (going_down || logged_out || taken_away) {
      refuse(going_down ? Text::going_down : logged_out ? Text::logged_out : Text::taken_over);
      close();
      continue;
    }
    std::string_view line;
    LineBuffer::Status status = input.next(line_bound(), line);
    if (status != LineBuffer::Status::none) {
      handle_input(status, line);
      continue;
    }
    if (!out.empty()) return send();
    if (out.capacity() > kKeptOutput) std::string().swap(out);
    return NeedInput{state == transaction ? options->idle_timeout : options->login_timeout, window};
  }
}

std::size_t ServerSession::Impl::line_bound() const {
  constexpr std::size_t kCommand = 64; // "AUTH" and the mechanism
  if (login.waits()) return options->max_auth_line;
  if (state != authorization || !input.begins_with("AUTH ")) return options->max_line;
  return std::max<std::size_t>(options->max_line, options->max_auth_line + kCommand);
}

void ServerSession::Impl::handle_input(LineBuffer::Status status, std::string_view line) {
  if (state == transaction) ++window;
  if (status == LineBuffer::Status::too_long) {
    login.too_long();
    return error(Text::line_too_long);
  }
  if (listener) (*listener)(without_secrets(line));
  if (login.waits()) return login.respond(line);
  command(line);
}

std::string ServerSession::Impl::without_secrets(std::string_view line) const {
  constexpr std::size_t kMostTold = 200;
  if (login.waits()) return "(hidden)";
  if (state != authorization) return std::string(line.substr(0, kMostTold));
  const std::string_view verb = line.substr(0, line.find_first_of(" \t"));
  for (const std::string_view open : {"USER", "CAPA", "STLS", "QUIT", "NOOP", "LANG", "UTF8"})
    if (iequals(verb, open)) return std::string(line.substr(0, kMostTold));
  for (const std::string_view closed : {"PASS", "APOP", "AUTH"})
    if (iequals(verb, closed)) return std::string(closed) + (verb.size() < line.size() ? " (hidden)" : "");
  return "(hidden)";
}

ServerSession::ServerSession(std::shared_ptr<const ServerOptions> options, bool encrypted)
    : impl_(std::make_unique<Impl>(std::move(options), encrypted)) {}
ServerSession::~ServerSession() = default;

void ServerSession::feed(std::string_view bytes) {
  const bool first = !std::exchange(impl_->heard, true);
  if (first && !impl_->encrypted && bytes.starts_with(kTlsHandshake)) {
    impl_->refuse(Text::tls_on_clear_port);
    return impl_->close();
  }
  if (!impl_->closing && !impl_->tls_pending) impl_->input.append(bytes);
}

void ServerSession::tls_started() {
  // RFC 2595 section 4: what was said in clear, or slipped in behind STLS, counts for nothing.
  impl_->input.clear();
  impl_->login.forget_name();
  impl_->tls_pending = false;
  impl_->encrypted = true;
  impl_->language = Language::en;
}

void ServerSession::timed_out() { impl_->drop(); }
void ServerSession::eof() { impl_->drop(); }
void ServerSession::shut_down() { impl_->going_down = true; }
void ServerSession::take_away() { impl_->taken_away = true; }
void ServerSession::log_out() { impl_->logged_out = true; }

void ServerSession::answer_login(std::uint32_t id, LoginVerdict verdict) {
  if (impl_->answered(Impl::Question::login, id)) impl_->login.answer(verdict);
}

void ServerSession::answer_keys(std::uint32_t id, sasl::ScramCredentials credentials) {
  if (impl_->answered(Impl::Question::login, id)) impl_->login.answer_keys(std::move(credentials));
}

void ServerSession::listen(std::function<void(std::string_view)> told) {
  impl_->listener = told ? std::make_unique<std::function<void(std::string_view)>>(std::move(told)) : nullptr;
}
void ServerSession::offer_scram(bool offered) { impl_->login.offer_scram(offered); }
std::optional<sasl::Refusal> ServerSession::take_refusal() { return impl_->login.take_refusal(); }
void ServerSession::set_channel(sasl::Channel channel) { impl_->login.set_channel(std::move(channel)); }

void ServerSession::answer_open(std::uint32_t id, OpenVerdict verdict, std::uint32_t count, std::uint64_t octets) {
  if (!impl_->answered(Impl::Question::open, id)) return;
  assert(impl_->state == Impl::authorization);
  if (verdict == OpenVerdict::opened) {
    impl_->state = Impl::transaction;
    ++impl_->window;
    return impl_->maildrop.open(count, octets);
  }
  impl_->logged_in.clear();
  if (verdict == OpenVerdict::in_use) {
    return impl_->error(Text::mailbox_in_use); // RFC 2449 section 8.1.2
  }
  impl_->error(Text::mailbox_not_opened); // RFC 3206 section 4
}

void ServerSession::list_page(std::uint32_t id, std::vector<ListItem> rows, bool failed) {
  if (impl_->answered(Impl::Question::list, id)) impl_->maildrop.list_page(rows, failed);
}

void ServerSession::message_bytes(std::uint32_t id, std::string_view bytes, bool last, bool failed,
                                  bool international) {
  if (impl_->answered(Impl::Question::message, id)) impl_->maildrop.message_bytes(bytes, last, failed, international);
}

void ServerSession::answer_commit(std::uint32_t id, bool done) {
  if (!impl_->answered(Impl::Question::commit, id)) return;
  if (done)
    impl_->ok(Text::messages_deleted, impl_->maildrop.deleted_count());
  else
    impl_->refuse(Text::not_deleted);
  impl_->close();
}

Action ServerSession::next() { return impl_->next(); }
bool ServerSession::utf8() const { return impl_->utf8; }
std::string_view ServerSession::user() const { return impl_->logged_in; }
bool ServerSession::encrypted() const { return impl_->encrypted; }
bool ServerSession::closing() const { return impl_->closing; }
bool ServerSession::has_input() const { return !impl_->input.empty(); }

} // namespace paquebot::pop3
