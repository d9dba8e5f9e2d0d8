#include "service/imap_driver.h"

#include "base/clock.h"
#include "base/log.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <stdexcept>
#include <type_traits>
#include <utility>

namespace paquebot::service {
namespace {

/// Octets of compressed input that are answered before others have their turn.
constexpr std::size_t kUnpackedAtOnce = 256u << 10;

} // namespace

ImapConnection::ImapConnection(ImapMeans means, std::shared_ptr<const ImapListenerOptions> options, net::Stream stream,
                               boost::asio::any_io_executor executor)
    : ReaderConnection(means.logins, options, std::move(stream), std::move(executor), "imap"),
      options_(std::move(options)), seats_(means.seats), mailbox_(means.store, means.news, means.ids, means.index) {}

Task<void> ImapConnection::serve(std::shared_ptr<ImapConnection> self) {
  ImapConnection& connection = *self;
  connection.self_ = self;
  return connection.live(std::move(self)); // no frame of its own: it would stay for as long as the connection
}

std::unique_ptr<imap::ServerSession> ImapConnection::make_engine() const {
  return std::make_unique<imap::ServerSession>(options_->session, options_->implicit_tls);
}

Task<void> ImapConnection::leave() {
  mailbox_.close();
  if (seated_ != 0) seats_.leave(seated_);
  co_return;
}

net::LiveFacts ImapConnection::facts() const {
  const std::string_view state = pump_.writing()   ? "is slow to read"
                                 : pump_.reading() ? "is silent"
                                                   : "waits for a reply";
  return seen(seated_ != 0 ? mailbox_.account().login : std::string(), std::string(state));
}

void ImapConnection::listen() {
  told_ = std::make_shared<std::size_t>(0);
  session_->listen([kept = transcript_, told = told_](imap::Said who, std::string_view line) {
    const bool ours = who == imap::Said::server;
    if (ours) *told += line.size() + 2;
    kept->add(ours ? net::Transcript::Who::us : net::Transcript::Who::peer, line, millis(system_clock().wall()));
  });
}

/// What was not written down as lines is content.
void ImapConnection::note_sent(std::size_t octets) {
  const std::int64_t now = millis(system_clock().wall());
  if (!is_watched(now)) return;
  const std::size_t lines = std::min(octets, *told_);
  *told_ -= lines;
  if (octets > lines) transcript_->add_content(net::Transcript::Who::us, octets - lines, now);
}

void ImapConnection::mailbox_changed() {
  if (session_ && session_->changed()) pump_.nudge();
}

// ---- What the pump asks ----

net::Order ImapConnection::next() {
  using Kind = net::Order::Kind;
  do {
    if (unpacked_ >= kUnpackedAtOnce) return {.kind = Kind::question}; // let_others()
    action_ = session_->next();
  } while (begin_compression() || unpack_some());
  if (const auto refusal = session_->take_refusal()) desk_->note(*refusal);
  if (const auto* send = std::get_if<imap::Send>(&action_)) {
    if (transcript_) note_sent(send->bytes.size());
    const std::string_view bytes = compression_ ? compression_->pack(send->bytes) : send->bytes;
    return {.kind = Kind::send, .bytes = bytes, .within = options_->write_within};
  }
  if (const auto* need = std::get_if<imap::NeedInput>(&action_)) {
    unpacked_ = 0;
    if (compression_) compression_->rest();
    return {.kind = Kind::read, .within = need->within, .window = need->window};
  }
  if (std::holds_alternative<imap::StartTls>(action_)) return {.kind = Kind::tls};
  if (std::holds_alternative<imap::Close>(action_)) return {.kind = Kind::rest};
  return {.kind = Kind::question};
}

/// True: that was what the session wanted.
bool ImapConnection::begin_compression() {
  if (!std::holds_alternative<imap::StartCompression>(action_)) return false;
  compression_ = Compression::begin();
  if (compression_ == nullptr) session_->eof(); // others were quicker; its client waits for what can't be sent
  session_->compression_started();
  return true;
}

/// True: the session that needs input got some that had come already, or learned that it never will.
bool ImapConnection::unpack_some() {
  if (!compression_ || !std::holds_alternative<imap::NeedInput>(action_) || !compression_->waits()) return false;
  const auto piece = compression_->unpack();
  if (!piece) {
    log::debug("compression-broken", {{"client", peer_}, {"why", piece.error().message}});
    session_->eof();
  } else if (!piece->empty()) {
    unpacked_ += piece->size();
    session_->feed(*piece);
  }
  return true;
}

/// A few octets may be many commands: between them others have their turn.
Task<void> ImapConnection::let_others() {
  unpacked_ = 0;
  const OneShot turn;
  boost::asio::post(executor_, [turn] { turn.fire(); });
  co_await turn.wait();
}

Task<void> ImapConnection::answer() {
  if (unpacked_ >= kUnpackedAtOnce) return let_others();
  if (const auto* login = std::get_if<imap::AskLogin>(&action_)) return ask(*login);
  if (const auto* question = std::get_if<imap::Ask>(&action_)) return ask(*question);
  throw std::logic_error("the pump's own"); // see next()
}

void ImapConnection::feed(std::string_view bytes) {
  look_for_tls(bytes);
  if (compression_)
    compression_->take(bytes);
  else
    session_->feed(bytes);
}

// ---- Questions of the session ----

/// Whether the account may have one more session.
imap::LoginVerdict ImapConnection::seat(store::Account account) {
  if (!seats_.take(account.id, options_->max_per_account)) {
    log::warning("too-many-sessions", {{"client", peer_}, {"account", account.login}, {"protocol", "imap"}});
    return imap::LoginVerdict::too_many_sessions;
  }
  if (seated_ != 0) seats_.leave(seated_);
  seated_ = account.id;
  std::string who = "IMAP of " + account.login + " [" + peer_ + "]";
  mailbox_.log_in(std::move(account), std::move(who), executor_, self_);
  return imap::LoginVerdict::accepted;
}

Task<void> ImapConnection::ask(imap::AskLogin ask) {
  using Verdict = LoginAnswer::Verdict;
  std::uint32_t id = ask.id;
  sasl::Question question = *ask.question;
  std::string mechanism(ask.mechanism);
  LoginAnswer answer = co_await ask_desk(std::move(question), std::move(mechanism));
  imap::LoginVerdict verdict = imap::LoginVerdict::wrong; // disabled too: a stranger must not learn that there is one
  switch (answer.verdict) {
    case Verdict::keys: session_->answer_keys(id, std::move(answer.keys)); co_return;
    case Verdict::accepted: verdict = seat(std::move(answer.account)); break;
    case Verdict::temporary: verdict = imap::LoginVerdict::temporary_failure; break;
    case Verdict::slow_down: verdict = imap::LoginVerdict::slow_down; break;
    case Verdict::wrong:
    case Verdict::disabled: break;
  }
  session_->answer_login(id, verdict);
}

Task<imap::Answer> ImapConnection::may_compress() {
  imap::Done done;
  if (!Compression::has_room()) done.fault = imap::Fault::too_many;
  co_return done;
}

/// The octets of an AskAppendPiece are the engine's, which keeps them until the answer.
Task<void> ImapConnection::ask(imap::Ask ask) {
  const std::uint32_t id = ask.id;
  const auto by_kind = [this](const auto& question) {
    if constexpr (std::is_same_v<std::decay_t<decltype(question)>, imap::AskCompress>)
      return may_compress();
    else
      return mailbox_.answer(question);
  };
  Task<imap::Answer> task = std::visit(by_kind, *ask.question);
  imap::Answer answer = co_await std::move(task);
  if (const std::string why = mailbox_.take_trouble(); !why.empty())
    log::error("mailbox-unreadable", {{"account", mailbox_.account().login}, {"why", why}});
  session_->answer(id, std::move(answer));
}

} // namespace paquebot::service
