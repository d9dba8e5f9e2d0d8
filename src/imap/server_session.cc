#include "imap/server_session.h"

#include "base/text.h"
#include "imap/mailbox_name.h"
#include "imap/server_impl.h"
#include "imap/write.h"
#include "sasl/secret.h"

#include <cassert>
#include <utility>

namespace paquebot::imap {

namespace {
constexpr std::size_t kFlushAt = 16 * 1024; // octets of replies that are sent without waiting for more
constexpr std::size_t kKeptOutput = 4096;   // octets of output memory that an idle session keeps
constexpr char kTlsHandshake = 0x16;        // the first octet of a TLS ClientHello
constexpr std::uint64_t kSkippedLiteral = 1u << 20;

/// The first line of a command, of a login no more than its name.
std::string without_secrets(std::string_view line, bool stranger) {
  line = line.substr(0, line.find('\r'));
  Lexer words(line);
  const auto its_tag = words.tag();
  const auto verb = its_tag && words.space() ? words.atom() : std::nullopt;
  const auto is = [&](std::string_view name) { return verb && iequals(*verb, name); };
  if (is("LOGIN") || is("AUTHENTICATE")) return fmt::format("{} {} (hidden)", *its_tag, *verb);
  if (stranger && !is("CAPABILITY") && !is("NOOP") && !is("LOGOUT") && !is("ID") && !is("STARTTLS"))
    return "(hidden)"; // who knows what it is
  return std::string(line);
}
} // namespace

ServerSession::Impl::Impl(std::shared_ptr<const ServerOptions> o, bool e) : options(std::move(o)), encrypted(e) {}

ServerSession::Impl::~Impl() { login.wipe(); }

ServerSession::Impl::State ServerSession::Impl::state() const {
  if (logged_in.empty()) return stranger;
  return selected.is_open() ? selecting : authenticated;
}

void ServerSession::Impl::drop() {
  closing = true;
  question.reset();
  login_asked = false;
  then = nullptr;
  out.clear();
  reader.clear();
  login.wipe();
}

void ServerSession::Impl::ask(Question what, Then what_then) {
  assert(!question && !login_asked && "one question at a time");
  question = std::move(what);
  then = std::move(what_then);
  ++question_id;
}

// ---- Who listens ----

void Ear::tell(Said who, std::string_view line) const {
  constexpr std::size_t kMostTold = 200;
  if (told) told(who, line.substr(0, kMostTold));
}

// ---- Replies ----

void ServerSession::Impl::untagged(std::string_view text) {
  constexpr std::uint32_t kLinesTold = 10; // of one command; the rest is content
  out.append("* ").append(text).append("\r\n");
  if (ear.told && ++ear.lines <= kLinesTold) ear.tell(Said::server, fmt::format("* {}", text));
}

void ServerSession::Impl::ok(std::string_view text) { finish(fmt::format("OK {}", text)); }
void ServerSession::Impl::no(std::string_view text) { finish(fmt::format("NO {}", text)); }

void ServerSession::Impl::bad(std::string_view text) {
  ++errors;
  finish(fmt::format("BAD {}", text));
}

void ServerSession::Impl::fault(Fault fault, std::string_view what) {
  switch (fault) {
    case Fault::none: return ok("done");
    case Fault::not_found: return no(fmt::format("[NONEXISTENT] there is no such {}", what));
    case Fault::exists: return no("[ALREADYEXISTS] there is a mailbox of that name");
    case Fault::over_quota: return no("[OVERQUOTA] the account's quota is used up");
    case Fault::too_many: return no("[LIMIT] there are too many already");
    case Fault::refused: return no("[CANNOT] that may not be done");
    case Fault::too_large: return no("[TOOBIG] the message's header is too large");
    case Fault::unavailable: return no("[UNAVAILABLE] that can't be done now, please try again later");
  }
}

void ServerSession::Impl::bye(std::string_view text) {
  untagged(fmt::format("BYE {}", text));
  closing = true;
}

void ServerSession::Impl::finish(std::string line) {
  ending = std::move(line);
  const bool look = std::exchange(must_look, false);
  const bool due = look || selected.stale() || (tells == Tells::all && selected.hides());
  if (!selected.is_open() || !due) return conclude();
  selected.tell_news(tells == Tells::all, [this] { conclude(); });
}

void ServerSession::Impl::conclude() {
  running = false;
  const bool expunged = selected.take_expunged();
  if (std::exchange(tells_modseq, false) && expunged && qresync && ending.starts_with("OK ")) // RFC 7162 section 3.2.7
    ending = fmt::format("OK [HIGHESTMODSEQ {}] {}", selected.modseq(), ending.substr(3));
  out.append(tag).append(" ").append(ending).append("\r\n");
  if (ear.told) ear.tell(Said::server, fmt::format("{} {}", tag, ending));
  ending.clear();
  if (errors >= options->max_errors) bye("too many errors");
}

std::string ServerSession::Impl::name_text(std::string_view name) const {
  std::string text;
  put_string(text, write_name(name, utf8));
  return text;
}

/// A mailbox's name behind a space. Nothing: refused already.
std::optional<std::string> ServerSession::Impl::read_mailbox(Lexer& args) {
  const auto wire = args.space() ? args.astring() : std::nullopt;
  if (!wire) {
    bad("a mailbox is expected");
    return {};
  }
  auto name = read_name(*wire, utf8);
  if (!name) no("[CANNOT] that is no name of a mailbox");
  return name;
}

// ---- The loop ----

Action ServerSession::Impl::next() {
  if (out_given) {
    out.clear();
    out_given = false;
    if (!logged_in.empty()) ++window; // the time that a long reply took is not the next command's
  }
  if (std::exchange(greet, false))
    untagged(fmt::format("OK [CAPABILITY {}] {} ready", capabilities(), options->hostname));
  for (;;) {
    if (closing && out.empty()) return Close{};
    if (out.size() >= kFlushAt || (closing && !question)) {
      out_given = true;
      return Send{out};
    }
    if (login_asked) return AskLogin{question_id, login.mechanism_name(), &login.question()};
    if (question) return Ask{question_id, &*question};
    if (tls_pending && out.empty()) return StartTls{};
    if (compression_pending && !running && out.empty()) return StartCompression{};
    const bool turns = tls_pending || compression_pending; // into something else, behind what is sent
    if (!turns && !running && !appender.active() && !login.waits() && (going_down || logged_out)) {
      bye(going_down ? "[UNAVAILABLE] the server is going down" : "[EXPIRED] the login does not hold any more");
      continue;
    }
    if (selected.idling() && selected.stale()) {
      selected.tell_news(true, [] {});
      continue;
    }
    if (!turns && read_more()) continue;
    if (!out.empty()) {
      out_given = true;
      return Send{out};
    }
    if (out.capacity() > kKeptOutput) std::string().swap(out);
    if (appender.active()) return NeedInput{options->append_timeout, window};
    return NeedInput{logged_in.empty() ? options->login_timeout : options->idle_timeout, window};
  }
}

std::size_t ServerSession::Impl::bound() const {
  constexpr std::size_t kCommand = 128; // the tag, "AUTHENTICATE" and the mechanism
  if (login.waits()) return options->max_auth_line;
  if (!logged_in.empty()) return options->max_line;
  return std::max(options->max_early_line, options->max_auth_line + static_cast<std::uint32_t>(kCommand));
}

bool ServerSession::Impl::read_more() {
  if (reader.streaming()) {
    if (reader.empty()) return false;
    appender.go_on();
    return true;
  }
  const auto status = reader.next(bound(), login.waits() || selected.idling());
  if (status == CommandReader::Status::none) return false;
  handle(status);
  return true;
}

void ServerSession::Impl::handle(CommandReader::Status status) {
  using Status = CommandReader::Status;
  if (!logged_in.empty()) ++window;
  if (ear.told && status == Status::command) {
    ear.lines = 0;
    const bool secret = login.waits();
    if (reader.text().find("\r\n") == std::string_view::npos) // else it was told when its literal came
      ear.tell(Said::client, secret ? "(hidden)" : without_secrets(reader.text(), logged_in.empty()));
  }
  if (status == Status::literal) return literal_announced();
  if (status == Status::too_long && appender.active()) return appender.too_long();
  if (status == Status::too_long && selected.idling()) return selected.done({});
  if (status == Status::too_long) {
    if (!login.waits()) { // a client waits for its tag
      Lexer words(reader.first_word());
      const auto its_tag = words.tag();
      tag = its_tag && words.at_end() ? std::string(*its_tag) : "*";
    }
    login.too_long();
    return bad("[TOOBIG] the line is too long");
  }
  if (login.waits()) return login.respond(reader.text());
  if (selected.idling()) return selected.done(reader.text());
  if (appender.active()) return appender.end(reader.text());
  command(reader.text());
}

/// Of a command that goes on with a literal.
void ServerSession::Impl::literal_announced() {
  const Literal literal = reader.literal();
  if (appender.active()) return appender.another(literal);
  Lexer args(reader.text());
  const auto its_tag = args.tag();
  if (ear.told && reader.text().find("\r\n") + 2 == reader.text().size()) { // its first one
    ear.lines = 0;
    ear.tell(Said::client, without_secrets(reader.text(), logged_in.empty()));
  }
  if (its_tag && !logged_in.empty() && appender.begins(*its_tag, args, literal)) return;
  if (literal.size <= bound() && reader.text().size() + literal.size <= bound()) {
    if (literal.waits) out += "+ go on\r\n";
    return reader.take();
  }
  tag = its_tag ? std::string(*its_tag) : "*";
  if (literal.waits) {
    reader.abandon();
    return bad("[TOOBIG] the literal is too long");
  }
  if (literal.size > kSkippedLiteral) { // RFC 7888 section 4: it would have to be read to its end
    out.append(tag).append(" BAD [TOOBIG] the literal is too long\r\n");
    return bye("the literal is too long");
  }
  reader.skip();
  bad("[TOOBIG] the literal is too long");
}

// ---- ServerSession ----

ServerSession::ServerSession(std::shared_ptr<const ServerOptions> options, bool encrypted)
    : impl_(std::make_unique<Impl>(std::move(options), encrypted)) {}
ServerSession::~ServerSession() = default;

void ServerSession::feed(std::string_view bytes) {
  const bool first = !std::exchange(impl_->heard, true);
  if (first && !impl_->encrypted && bytes.starts_with(kTlsHandshake)) return impl_->bye("this port begins without TLS");
  if (!impl_->closing && !impl_->tls_pending && !impl_->compression_pending) impl_->reader.append(bytes);
}

void ServerSession::tls_started() {
  impl_->reader.clear(); // what was slipped in behind STARTTLS counts for nothing
  impl_->tls_pending = false;
  impl_->encrypted = true;
}

void ServerSession::compression_started() {
  impl_->reader.clear();
  impl_->compression_pending = false;
  impl_->compressed = true;
}

void ServerSession::timed_out() {
  if (impl_->closing) return impl_->drop();
  impl_->drop();
  impl_->closing = false;
  impl_->bye("nothing was heard for too long");
}
void ServerSession::eof() { impl_->drop(); }
void ServerSession::shut_down() { impl_->going_down = true; }
void ServerSession::log_out() { impl_->logged_out = true; }

bool ServerSession::changed() {
  impl_->selected.note_change();
  return impl_->selected.idling();
}

void ServerSession::answer_login(std::uint32_t id, LoginVerdict verdict) {
  if (!impl_->login_asked || id != impl_->question_id) return;
  impl_->login_asked = false;
  impl_->login.answer(verdict);
}

void ServerSession::answer_keys(std::uint32_t id, sasl::ScramCredentials credentials) {
  if (!impl_->login_asked || id != impl_->question_id) return;
  impl_->login_asked = false;
  impl_->login.answer_keys(std::move(credentials));
}

void ServerSession::answer(std::uint32_t id, Answer answer) {
  if (!impl_->question || id != impl_->question_id) return;
  impl_->question.reset();
  const Impl::Then then = std::exchange(impl_->then, nullptr);
  then(answer);
}

void ServerSession::offer_scram(bool offered) { impl_->login.offer_scram(offered); }
void ServerSession::listen(std::function<void(Said, std::string_view)> told) { impl_->ear = {std::move(told)}; }
std::optional<sasl::Refusal> ServerSession::take_refusal() { return impl_->login.take_refusal(); }
void ServerSession::set_channel(sasl::Channel channel) { impl_->login.set_channel(std::move(channel)); }
Action ServerSession::next() { return impl_->next(); }
std::string_view ServerSession::user() const { return impl_->logged_in; }
bool ServerSession::encrypted() const { return impl_->encrypted; }
bool ServerSession::closing() const { return impl_->closing; }

} // namespace paquebot::imap
