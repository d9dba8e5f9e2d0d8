#include "service/pop3_driver.h"

#include "base/log.h"
#include "mail/surrogate.h"
#include "net/channel.h"
#include "store/entry_flags.h"

#include <algorithm>

namespace paquebot::service {
namespace {

using Steady = std::chrono::steady_clock;

/// Messages deleted in one transaction: a few tens of milliseconds, so that nobody waits long behind a large QUIT.
constexpr std::size_t kDeletedAtOnce = 500;

/// What is read ahead for a client that sends its commands without waiting: messages, and octets in all.
constexpr std::uint32_t kAheadMessages = 32;
constexpr std::size_t kAheadOctets = 128u << 10;

/// Who takes what is sent slowly is silent for so many times as long.
constexpr int kSlowReaders = 6;

/// Counts what RETR sends, before dot-stuffing: with the line end that the last line gets when it has none.
class SentOctets {
public:
  void add(std::string_view bytes) {
    if (bytes.empty()) return;
    before_last_ = bytes.size() > 1 ? bytes[bytes.size() - 2] : last_;
    last_ = bytes.back();
    count_ += bytes.size();
  }
  std::uint64_t whole() const { return count_ + (before_last_ == '\r' && last_ == '\n' ? 0 : 2); }

private:
  std::uint64_t count_ = 0;
  char before_last_ = '\r', last_ = '\n';
};

} // namespace

Pop3Connection::Pop3Connection(Pop3Parts parts, std::shared_ptr<const Pop3ListenerOptions> options, net::Stream stream,
                               boost::asio::any_io_executor executor)
    : parts_(parts), options_(std::move(options)), stream_(std::move(stream)), executor_(std::move(executor)) {}

Task<void> Pop3Connection::serve(std::shared_ptr<Pop3Connection> self) {
  Pop3Connection& connection = *self;
  std::weak_ptr<LiveSession> weak = self;
  connection.self_ = self;
  connection.token_ = connection.parts_.sessions.enter(connection.executor_, weak);
  std::exception_ptr broke; // what was taken is given back all the same
  try {
    bool begun = co_await connection.begin();
    if (begun) co_await connection.loop();
  } catch (...) {
    broke = std::current_exception();
  }
  co_await connection.release_mailbox();
  connection.parts_.sessions.leave(connection.token_);
  connection.stream_.close();
  if (broke) std::rethrow_exception(broke);
}

Task<void> Pop3Connection::release_mailbox() {
  const std::unique_ptr<store::MailboxLock> lock = give_up();
  if (!lock) co_return;
  const auto unlocked = co_await lock->unlock();
  if (!unlocked) log::error("mailbox-not-unlocked", {{"account", account_.login}, {"why", unlocked.error().message}});
}

/// From here on the mailbox is not ours to use.
std::unique_ptr<store::MailboxLock> Pop3Connection::give_up() {
  if (lock_) parts_.holders.leave(locked_);
  locked_ = 0;
  return std::move(lock_);
}

Task<bool> Pop3Connection::begin() {
  peer_ = stream_.remote().address;
  if (options_->implicit_tls) {
    stream_.set_deadline(Steady::now() + std::chrono::seconds(30));
    net::TlsContext& context = *options_->tls;
    auto info = co_await stream_.start_tls_server(context);
    if (!info) {
      log::info("tls-failed", {{"client", peer_}, {"why", info.error().message}});
      co_return false;
    }
  }
  session_ = std::make_unique<pop3::ServerSession>(options_->session, options_->implicit_tls);
  if (options_->implicit_tls) session_->set_channel(net::channel_of(stream_));
  desk_.emplace(parts_.logins, peer_, "pop3", token_);
  if (options_->scram_by_accounts && parts_.logins.scram != nullptr) {
    ScramSwitch& scram = *parts_.logins.scram;
    const bool offered = co_await scram.offered();
    session_->offer_scram(offered);
  }
  log::debug("connected", {{"client", peer_}, {"role", "pop3"}});
  co_return true;
}

Task<void> Pop3Connection::loop() {
  while (!ended_) {
    pop3::Action action = session_->next();
    if (const auto refusal = session_->take_refusal()) desk_->note(*refusal);
    if (std::holds_alternative<pop3::Close>(action)) break;
    switch (action.index()) { // the order of pop3::Action
      case 0: co_await perform(std::get<0>(action)); break;
      case 1: co_await perform(std::get<1>(action)); break;
      case 2: co_await perform(std::get<2>(action)); break;
      case 3: co_await perform(std::get<3>(action)); break;
      case 4: co_await perform(std::get<4>(action)); break;
      case 5: co_await perform(std::get<5>(action)); break;
      case 6: co_await perform(std::get<6>(action)); break;
      case 7: co_await perform(std::get<7>(action)); break;
    }
  }
}

void Pop3Connection::shut_down() {
  shutting_down_ = true;
  if (desk_) desk_->stop();
  if (!session_) { // in its TLS handshake: nothing was said yet
    stream_.set_deadline(Steady::now());
    return;
  }
  session_->shut_down();
  if (reading_) stream_.set_deadline(Steady::now());
}

void Pop3Connection::end() {
  if (reading_) { // it waits for a command: it is told why
    shutting_down_ = true;
    session_->log_out();
    stream_.set_deadline(Steady::now());
    return;
  }
  ended_ = true;
  if (desk_) desk_->stop();
  stream_.close();
}

/// While it waits for its client, and only then: what is under way in the store ends first.
bool Pop3Connection::give_way() {
  if (locked_ == 0) return true;
  const auto patience = writing_ ? kSlowReaders * options_->takeover_after : options_->takeover_after;
  if (!(reading_ || writing_) || Steady::now() - heard_ < patience) return false;
  log::info("mailbox-taken-over", {{"client", peer_}, {"account", account_.login}});
  give_up(); // nobody waits: it is unlocked with what this gives
  session_->take_away();
  if (reading_) { // it is told when it comes back
    shutting_down_ = true;
    stream_.set_deadline(Steady::now());
  } else {
    ended_ = true;
    stream_.close();
  }
  return true;
}

Task<void> Pop3Connection::perform(pop3::Send send) {
  if (session_->closing()) // before the reply to QUIT: whoever has read it may log in again at once
    co_await release_mailbox();
  if (broken_) co_return;
  stream_.set_deadline(Steady::now() + options_->session->idle_timeout);
  std::string_view bytes = send.bytes;
  writing_ = true;
  heard_ = Steady::now();
  auto written = co_await stream_.write(bytes);
  writing_ = false;
  if (!written) {
    broken_ = true;
    session_->eof();
  }
}

Task<void> Pop3Connection::perform(pop3::NeedInput need) {
  if (need.window != window_) {
    window_ = need.window;
    deadline_ = Steady::now() + need.within;
  }
  stream_.set_deadline(deadline_);
  stream_.release_buffer();
  ahead_.clear(); // nobody waits for it
  bool was_shutting_down = shutting_down_;
  reading_ = true;
  heard_ = Steady::now();
  auto input = co_await stream_.read();
  reading_ = false;
  if (input && !input->empty())
    session_->feed(*input);
  else if (input || input.error().code != Errc::timeout)
    session_->eof();
  else if (was_shutting_down || !shutting_down_)
    session_->timed_out();
}

Task<void> Pop3Connection::perform(pop3::StartTls) {
  stream_.set_deadline(Steady::now() + std::chrono::seconds(60));
  stream_.release_buffer();
  net::TlsContext& context = *options_->tls;
  auto info = co_await stream_.start_tls_server(context);
  if (info) {
    session_->set_channel(net::channel_of(stream_));
    session_->tls_started();
    co_return;
  }
  log::info("tls-failed", {{"client", peer_}, {"why", info.error().message}});
  broken_ = true;
  session_->eof();
}

Task<void> Pop3Connection::perform(pop3::AskLogin ask) {
  using Verdict = LoginAnswer::Verdict;
  std::uint32_t id = ask.id;
  sasl::Question question = *ask.question;
  sasl::Channel channel = net::channel_of(stream_);
  LoginDesk& desk = *desk_;
  std::string mechanism(ask.mechanism);
  LoginAnswer answer = co_await desk.ask(std::move(question), std::move(channel), std::move(mechanism));
  pop3::LoginVerdict verdict = pop3::LoginVerdict::wrong; // disabled too: a stranger must not learn that there is one
  switch (answer.verdict) {
    case Verdict::keys: session_->answer_keys(id, std::move(answer.keys)); co_return;
    case Verdict::accepted:
      account_ = std::move(answer.account);
      verdict = parts_.login_delay.may(account_.id, options_->session->login_delay, Steady::now())
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

/// From another session too, when its client has been silent for long.
Task<Result<std::unique_ptr<store::MailboxLock>>> Pop3Connection::lock(store::Id mailbox) {
  auto locked = co_await parts_.store.mailboxes().lock(mailbox);
  if (locked || locked.error().code != Errc::conflict) co_return locked;
  MailboxHolders& holders = parts_.holders;
  const bool free = co_await holders.take_over(mailbox);
  if (!free) co_return locked;
  auto again = co_await parts_.store.mailboxes().lock(mailbox);
  co_return again;
}

Task<void> Pop3Connection::perform(pop3::AskOpen ask) {
  std::uint32_t id = ask.id;
  std::string inbox = "INBOX";
  auto opened = co_await parts_.store.mailboxes().open(account_.id, inbox);
  if (!opened) {
    log::error("mailbox-unreadable", {{"account", account_.login}, {"why", opened.error().message}});
    session_->answer_open(id, pop3::OpenVerdict::temporary_failure, 0, 0);
    co_return;
  }
  auto locked = co_await lock(opened->id);
  if (!locked) {
    auto verdict =
        locked.error().code == Errc::conflict ? pop3::OpenVerdict::in_use : pop3::OpenVerdict::temporary_failure;
    session_->answer_open(id, verdict, 0, 0);
    co_return;
  }
  lock_ = std::move(*locked);
  locked_ = opened->id;
  parts_.holders.hold(locked_, executor_, self_);
  // Again, under the lock: another session may have deleted in between.
  opened = co_await parts_.store.mailboxes().open(account_.id, inbox);
  if (!opened) {
    session_->answer_open(id, pop3::OpenVerdict::temporary_failure, 0, 0);
    co_return;
  }
  numbering_.emplace(parts_.store.mailboxes(), *opened);
  if (options_->session->login_delay.count() > 0) parts_.login_delay.opened(account_.id, Steady::now());
  session_->answer_open(id, pop3::OpenVerdict::opened, numbering_->count(), opened->bytes);
}

Task<void> Pop3Connection::perform(pop3::AskList ask) {
  auto entries = co_await numbering_->from(ask.first, ask.most);
  std::vector<pop3::ListItem> rows;
  bool failed = !entries;
  std::uint32_t number = ask.first;
  for (std::size_t at = 0; !failed && !ended_ && at < entries->size(); ++at) {
    const store::EntryInfo& entry = (*entries)[at];
    if (entry.gone) {
      rows.push_back({number++, 0, {}, true});
      continue;
    }
    std::uint64_t size = entry.size;
    bool gone = false;
    if (ask.as_sent && (entry.flags & store::kInternational) != 0 && !session_->utf8()) {
      const auto sent = co_await surrogate_size(entry.uid);
      gone = !sent && sent.error().code == Errc::not_found;
      failed = !sent && !gone;
      size = sent.value_or(0);
    }
    rows.push_back({number++, size, entry.old_uidl.empty() ? entry.uidl.to_string() : entry.old_uidl, gone});
  }
  if (failed) rows.clear();
  session_->list_page(ask.id, std::move(rows), failed);
}

/// What a client without UTF8 gets of a message that came as SMTPUTF8. It is read for that, which few are; remembered for the
/// session.
Task<Result<std::uint64_t>> Pop3Connection::surrogate_size(std::uint32_t uid) {
  if (const auto known = surrogate_sizes_.find(uid); known != surrogate_sizes_.end()) co_return known->second;
  std::vector<std::uint32_t> one{uid};
  auto read = co_await parts_.store.mailboxes().read_entries(locked_, std::move(one), kAheadOctets);
  if (!read) co_return std::unexpected(read.error());
  if (read->empty()) co_return fail(Errc::not_found, "no such message");
  store::EntryContent entry = std::move(read->front());
  mail::Surrogate surrogate;
  SentOctets sent;
  if (entry.text) entry.head += *entry.text;
  const std::uint64_t size = entry.text ? 0 : entry.body.size;
  sent.add(surrogate.feed(entry.head, size == 0));
  for (std::uint64_t offset = 0; offset < size;) {
    auto piece = co_await parts_.store.content().read_body(entry.body, offset, store::kBodyChunk);
    if (!piece) co_return std::unexpected(piece.error());
    if (piece->empty()) co_return fail(Errc::io, "the body is short");
    offset += piece->size();
    sent.add(surrogate.feed(*piece, offset >= size));
  }
  surrogate_sizes_.emplace(uid, sent.whole());
  co_return sent.whole();
}

/// Makes `number` the first of those read ahead, with as many behind it as the client is likely to want next.
Task<Result<>> Pop3Connection::read_ahead(std::uint32_t number) {
  ahead_.clear();
  const std::uint32_t most = session_->has_input() ? kAheadMessages : 1;
  auto entries = co_await numbering_->from(number, most);
  if (!entries) co_return std::unexpected(entries.error());
  if (entries->front().gone) co_return fail(Errc::not_found, "it was deleted by somebody else");
  std::vector<std::uint32_t> uids;
  for (const store::EntryInfo& entry : *entries) uids.push_back(entry.uid);
  auto read = co_await parts_.store.mailboxes().read_entries(locked_, std::move(uids), kAheadOctets);
  if (!read) {
    log::error("message-unreadable", {{"account", account_.login}, {"number", number}, {"why", read.error().message}});
    co_return std::unexpected(read.error());
  }
  ahead_.assign(std::make_move_iterator(read->begin()), std::make_move_iterator(read->end()));
  ahead_number_ = number;
  co_return Result<>();
}

Task<bool> Pop3Connection::open_message(std::uint32_t number) {
  if (ahead_.empty() || number != ahead_number_) {
    auto read = co_await read_ahead(number);
    if (!read) co_return false;
  }
  entry_ = std::move(ahead_.front());
  ahead_.pop_front();
  ++ahead_number_;
  offset_ = 0;
  co_return true;
}

Task<void> Pop3Connection::perform(pop3::AskMessage ask) {
  if (ask.first) {
    bool opened = co_await open_message(ask.number);
    if (!opened) {
      session_->message_bytes(ask.id, std::string_view(), true, true);
      co_return;
    }
    if (entry_.text) entry_.head += *entry_.text;
    const bool international = (entry_.info.flags & store::kInternational) != 0;
    session_->message_bytes(ask.id, entry_.head, entry_.text || entry_.body.size == 0, false, international);
    if (entry_.text) entry_ = {}; // used up
    co_return;
  }
  auto piece = co_await parts_.store.content().read_body(entry_.body, offset_, store::kBodyChunk);
  if (!piece || piece->empty()) {
    log::error("message-unreadable",
               {{"account", account_.login}, {"why", piece ? "the body is short" : piece.error().message.c_str()}});
    session_->message_bytes(ask.id, std::string_view(), true, true);
    co_return;
  }
  piece_ = std::move(*piece);
  offset_ += piece_.size();
  session_->message_bytes(ask.id, piece_, offset_ >= entry_.body.size);
  std::string().swap(piece_); // used up: a client that does not read holds only what waits to be sent
}

/// What was meant when the number was told, whatever has been deleted since (Numbering).
Task<Result<std::vector<std::uint32_t>>> Pop3Connection::uids_of(const std::vector<std::uint32_t>* numbers) {
  std::vector<std::uint32_t> uids;
  uids.reserve(numbers->size());
  for (std::size_t at = 0; at < numbers->size();) {
    const std::uint32_t first = (*numbers)[at];
    const std::uint32_t most = Numbering::kStride - (first - 1) % Numbering::kStride;
    auto entries = co_await numbering_->from(first, most);
    if (!entries) co_return std::unexpected(entries.error());
    const std::size_t before = at;
    for (; at < numbers->size() && (*numbers)[at] - first < entries->size(); ++at)
      uids.push_back((*entries)[(*numbers)[at] - first].uid);
    if (at == before) co_return fail(Errc::not_found, "no such message");
  }
  co_return uids;
}

/// RFC 1939 section 6: should it fail on the way, some are deleted and the client is told that not all are.
Task<void> Pop3Connection::perform(pop3::AskCommit ask) {
  std::uint32_t id = ask.id;
  const std::vector<std::uint32_t>* numbers = ask.deleted;
  auto uids = co_await uids_of(numbers);
  Result<> done;
  if (!uids) done = std::unexpected(uids.error());
  const std::string who = "POP3 of " + account_.login + " [" + peer_ + "]";
  std::size_t removed = 0;
  for (std::size_t at = 0; done && at < uids->size(); at += kDeletedAtOnce) {
    const auto begin = uids->begin() + static_cast<std::ptrdiff_t>(at);
    const auto end = begin + static_cast<std::ptrdiff_t>(std::min(kDeletedAtOnce, uids->size() - at));
    std::vector<std::uint32_t> slice(begin, end);
    std::string by = who;
    auto gone = co_await parts_.store.mailboxes().expunge(locked_, std::move(slice), std::move(by));
    if (gone)
      removed += *gone;
    else
      done = std::unexpected(gone.error());
  }
  if (!done) log::error("deletion-failed", {{"account", account_.login}, {"why", done.error().message}});
  if (removed > 0) log::info("removed", {{"account", account_.login}, {"messages", removed}});
  session_->answer_commit(id, done.has_value());
}

} // namespace paquebot::service
