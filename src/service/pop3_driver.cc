#include "service/pop3_driver.h"

#include "base/clock.h"
#include "base/log.h"
#include "store/entry_flags.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace paquebot::service {
namespace {

/// Messages that are read ahead for a client that sends its commands without waiting.
constexpr std::uint32_t kAheadMessages = 32;

/// Who takes what is sent slowly is silent for so many times as long.
constexpr int kSlowReaders = 6;

} // namespace

Pop3Connection::Pop3Connection(Pop3Means means, std::shared_ptr<const Pop3ListenerOptions> options, net::Stream stream,
                               boost::asio::any_io_executor executor)
    : ReaderConnection(means.logins, options, std::move(stream), std::move(executor), "pop3"),
      options_(std::move(options)), login_delay_(means.login_delay), mailbox_(means.store, means.holders) {}

Task<void> Pop3Connection::serve(std::shared_ptr<Pop3Connection> self) {
  Pop3Connection& connection = *self;
  connection.self_ = self;
  return connection.live(std::move(self)); // no frame of its own: it would stay for as long as the connection
}

std::unique_ptr<pop3::ServerSession> Pop3Connection::make_engine() const {
  return std::make_unique<pop3::ServerSession>(options_->session, options_->implicit_tls);
}

Task<void> Pop3Connection::leave() {
  const std::unique_ptr<store::MailboxLock> lock = mailbox_.give_up();
  if (!lock) co_return;
  const auto unlocked = co_await lock->unlock();
  if (!unlocked) log::error("mailbox-not-unlocked", {{"account", account_.login}, {"why", unlocked.error().message}});
}

net::LiveFacts Pop3Connection::facts() const {
  const std::string_view state = pump_.writing()      ? "is slow to read"
                                 : !pump_.reading()   ? "waits for a reply"
                                 : mailbox_.is_held() ? "reads its mail"
                                                      : "is silent";
  return seen(session_ && !session_->user().empty() ? account_.login : std::string(), std::string(state));
}

void Pop3Connection::listen() {
  heard_ = std::make_shared<bool>(true);
  session_->listen([kept = transcript_, heard = heard_](std::string_view line) {
    *heard = true;
    kept->add(net::Transcript::Who::peer, line, millis(system_clock().wall()));
  });
}

/// Of a reply its first line, unless it asks for more of a login; listings and messages are content.
void Pop3Connection::note_sent(std::string_view bytes) {
  const std::int64_t now = millis(system_clock().wall());
  if (!is_watched(now)) return;
  using Who = net::Transcript::Who;
  if (std::exchange(*heard_, false)) {
    const std::string_view line = bytes.substr(0, bytes.find('\r'));
    transcript_->add(Who::us, line.starts_with("+ ") ? "+ (hidden)" : line, now);
    bytes.remove_prefix(std::min(line.size() + 2, bytes.size()));
  }
  transcript_->add_content(Who::us, bytes.size(), now);
}

/// While it waits for its client, and only then: what is under way in the store ends first.
MailboxHolder::GivenUp Pop3Connection::give_way() {
  if (!mailbox_.is_held()) return {};
  const auto patience = pump_.writing() ? kSlowReaders * options_->takeover_after : options_->takeover_after;
  if (!(pump_.reading() || pump_.writing()) || pump_.waited() < patience) return {.free = false};
  log::info("mailbox-taken-over", {{"client", peer_}, {"account", account_.login}});
  GivenUp given{.lock = mailbox_.give_up()};
  session_->take_away();
  if (pump_.reading())
    pump_.wake(); // it is told when it comes back
  else
    pump_.cut();
  return given;
}

// ---- What the pump asks ----

net::Order Pop3Connection::next() {
  using Kind = net::Order::Kind;
  if (!std::exchange(deferred_, false)) {
    action_ = session_->next();
    if (const auto refusal = session_->take_refusal()) desk_->note(*refusal);
  }
  if (const auto* send = std::get_if<pop3::Send>(&action_)) {
    if (session_->closing() && mailbox_.is_held()) return {.kind = Kind::question};
    if (transcript_) note_sent(send->bytes);
    return {.kind = Kind::send, .bytes = send->bytes, .within = options_->session->idle_timeout};
  }
  if (const auto* need = std::get_if<pop3::NeedInput>(&action_)) {
    mailbox_.forget_ahead();
    return {.kind = Kind::read, .within = need->within, .window = need->window};
  }
  if (std::holds_alternative<pop3::StartTls>(action_)) return {.kind = Kind::tls};
  if (std::holds_alternative<pop3::Close>(action_)) return {.kind = Kind::rest};
  return {.kind = Kind::question};
}

Task<void> Pop3Connection::answer() {
  const auto by_kind = [this](const auto& action) -> Task<void> {
    if constexpr (requires { ask(action); })
      return ask(action);
    else
      throw std::logic_error("the pump's own"); // see next()
  };
  return std::visit(by_kind, action_);
}

void Pop3Connection::feed(std::string_view bytes) {
  look_for_tls(bytes);
  session_->feed(bytes);
}

// ---- Questions of the session ----

/// Before the reply to QUIT: whoever has read it may log in again at once.
Task<void> Pop3Connection::ask(pop3::Send) {
  deferred_ = true;
  return leave();
}

Task<void> Pop3Connection::ask(pop3::AskLogin ask) {
  using Verdict = LoginAnswer::Verdict;
  std::uint32_t id = ask.id;
  sasl::Question question = *ask.question;
  std::string mechanism(ask.mechanism);
  LoginAnswer answer = co_await ask_desk(std::move(question), std::move(mechanism));
  pop3::LoginVerdict verdict = pop3::LoginVerdict::wrong; // disabled too: a stranger must not learn that there is one
  switch (answer.verdict) {
    case Verdict::keys: session_->answer_keys(id, std::move(answer.keys)); co_return;
    case Verdict::accepted:
      account_ = std::move(answer.account);
      verdict = login_delay_.may(account_.id, options_->session->login_delay, system_clock().now())
                    ? pop3::LoginVerdict::accepted
                    : pop3::LoginVerdict::slow_down;
      break;
    case Verdict::temporary: verdict = pop3::LoginVerdict::temporary_failure; break;
    case Verdict::slow_down: verdict = pop3::LoginVerdict::slow_down; break;
    case Verdict::wrong:
    case Verdict::disabled: break;
  }
  session_->answer_login(id, verdict);
}

Task<void> Pop3Connection::ask(pop3::AskOpen ask) {
  std::uint32_t id = ask.id;
  const store::Id account = account_.id;
  auto opened = co_await mailbox_.open(account, executor_, self_);
  if (!opened) {
    const bool in_use = opened.error().code == Errc::conflict;
    if (!in_use) log::error("mailbox-unreadable", {{"account", account_.login}, {"why", opened.error().message}});
    session_->answer_open(id, in_use ? pop3::OpenVerdict::in_use : pop3::OpenVerdict::temporary_failure, 0, 0);
    co_return;
  }
  if (options_->session->login_delay.count() > 0) login_delay_.opened(account, system_clock().now());
  session_->answer_open(id, pop3::OpenVerdict::opened, mailbox_.count(), opened->bytes);
}

Task<void> Pop3Connection::ask(pop3::AskList ask) {
  auto entries = co_await mailbox_.list(ask.first, ask.most);
  std::vector<pop3::ListItem> rows;
  bool failed = !entries;
  std::uint32_t number = ask.first;
  for (std::size_t at = 0; !failed && !pump_.is_cut() && at < entries->size(); ++at) {
    const store::EntryInfo& entry = (*entries)[at];
    if (entry.gone) {
      rows.push_back({number++, 0, {}, true});
      continue;
    }
    std::uint64_t size = entry.size;
    bool gone = false;
    if (ask.as_sent && (entry.flags & store::kInternational) != 0 && !session_->utf8()) {
      const auto sent = co_await mailbox_.surrogate_size(entry.uid);
      gone = !sent && sent.error().code == Errc::not_found;
      failed = !sent && !gone;
      size = sent.value_or(0);
    }
    rows.push_back({number++, size, entry.old_uidl.empty() ? entry.uidl.to_string() : entry.old_uidl, gone});
  }
  if (failed) rows.clear();
  session_->list_page(ask.id, std::move(rows), failed);
}

void Pop3Connection::cannot_read(std::uint32_t id, std::uint32_t number, const Error& why) {
  if (why.code != Errc::conflict)
    log::error("message-unreadable", {{"account", account_.login}, {"number", number}, {"why", why.message}});
  session_->message_bytes(id, std::string_view(), true, true);
}

Task<void> Pop3Connection::ask(pop3::AskMessage ask) {
  if (ask.first) {
    const std::uint32_t most = session_->has_input() ? kAheadMessages : 1;
    auto begun = co_await mailbox_.begin(ask.number, most);
    if (!begun) {
      cannot_read(ask.id, ask.number, begun.error());
      co_return;
    }
    store::EntryContent& message = mailbox_.message();
    if (message.text) message.head += *message.text;
    const bool international = (message.info.flags & store::kInternational) != 0;
    session_->message_bytes(ask.id, message.head, message.text || message.body.size == 0, false, international);
    if (message.text) message = {}; // used up
    co_return;
  }
  auto piece =
      co_await mailbox_.piece(); // gone with this frame: a client that does not read holds only what waits to be sent
  if (piece)
    session_->message_bytes(ask.id, *piece, mailbox_.ended());
  else
    cannot_read(ask.id, ask.number, piece.error());
}

/// RFC 1939 section 6: should it fail on the way, some are deleted and the client is told that not all are.
Task<void> Pop3Connection::ask(pop3::AskCommit ask) {
  std::uint32_t id = ask.id;
  const std::vector<std::uint32_t>& numbers = *ask.deleted;
  std::string who = "POP3 of " + account_.login + " [" + peer_ + "]";
  std::size_t removed = 0;
  auto done = co_await mailbox_.remove(numbers, std::move(who), removed);
  if (!done) log::error("deletion-failed", {{"account", account_.login}, {"why", done.error().message}});
  if (removed > 0) log::info("removed", {{"account", account_.login}, {"messages", removed}});
  session_->answer_commit(id, done.has_value());
}

} // namespace paquebot::service
