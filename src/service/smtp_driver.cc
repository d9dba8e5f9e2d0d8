#include "service/smtp_driver.h"

#include "base/log.h"
#include "net/channel.h"
#include "net/wheel.h"
#include "smtp/xclient.h"

#include <algorithm>
#include <fmt/format.h>

namespace paquebot::service {
namespace {

using Steady = std::chrono::steady_clock;

void log_refusal(const std::string& peer, const mail::Reply& reply) {
  log::info("refused-by-filter", {{"client", peer}, {"reply", reply.to_string()}, {"why", reply.cause}});
}

mail::Reply welcome() { return mail::Reply(250, {}, ""); }

} // namespace

SmtpConnection::SmtpConnection(SmtpParts parts, std::shared_ptr<const SmtpListenerOptions> options, net::Stream stream,
                               boost::asio::any_io_executor executor)
    : parts_(parts), options_(std::move(options)), stream_(std::move(stream)), executor_(std::move(executor)) {}

Task<void> SmtpConnection::serve(std::shared_ptr<SmtpConnection> self) {
  SmtpConnection& connection = *self;
  std::weak_ptr<LiveSession> weak = self;
  connection.token_ = connection.parts_.sessions.enter(connection.executor_, weak);
  std::exception_ptr broke; // what was taken is given back all the same
  try {
    bool begun = co_await connection.begin();
    if (begun) co_await connection.loop();
  } catch (...) {
    broke = std::current_exception();
  }
  if (connection.incoming_) co_await connection.incoming_->discard();
  connection.incoming_.reset();
  connection.end_transaction(); // the end may wait for others
  if (connection.filters_) co_await connection.filters_->leave();
  connection.parts_.sessions.leave(connection.token_);
  connection.stream_.close();
  connection.stream_.release_buffer(); // the end may wait for the DNS
  co_await connection.end_session();
  if (broke) std::rethrow_exception(broke);
}

/// What the client has done wrong counts for its next session; what is still asked about it comes to its end.
Task<void> SmtpConnection::end_session() {
  if (!guard_) co_return;
  if (session_ && session_->errors() > refused_) guard_->fault(session_->errors() - refused_);
  GuardDesk& guard = *guard_;
  co_await guard.finish();
}

/// Implicit TLS, if any, and the session.
Task<bool> SmtpConnection::begin() {
  peer_ = stream_.remote().address;
  share_memory();
  if (options_->implicit_tls) {
    stream_.set_deadline(Steady::now() + std::chrono::seconds(30));
    net::TlsContext& context = *options_->tls;
    auto info = co_await stream_.start_tls_server(context);
    if (!info) {
      log::info("tls-failed", {{"client", peer_}, {"why", info.error().message}});
      co_return false;
    }
    tls_ = *info;
  }
  smtp::ConnectionInfo facts{
      .peer_address = peer_, .encrypted = options_->implicit_tls, .xclient = options_->xclient_from.contains(peer_)};
  facts.wall = millis(parts_.intake.clock.wall());
  facts.mend_bare_lf = options_->session->role == smtp::Role::mx && options_->relay_from.contains(peer_) &&
                       options_->bare_lf_from.contains(peer_);
  facts.etrn = std::ranges::find(options_->etrn_hosts, peer_) != options_->etrn_hosts.end();
  session_ = std::make_unique<smtp::ServerSession>(options_->session, facts);
  if (options_->implicit_tls) session_->set_channel(net::channel_of(stream_));
  if (options_->scram_by_accounts && parts_.logins.scram != nullptr) {
    ScramSwitch& scram = *parts_.logins.scram;
    const bool offered = co_await scram.offered();
    session_->offer_scram(offered);
  }
  log::debug("connected", {{"client", peer_}, {"role", role_name(options_->session->role)}});
  co_return true;
}

Task<void> SmtpConnection::loop() {
  while (!ended_) {
    smtp::Action action = session_->next();
    if (const auto refusal = session_->take_refusal()) login_desk().note(*refusal);
    if (session_->has_remarks()) log_remarks();
    if (holds_transaction() && !session_->in_transaction()) end_transaction(); // by RSET, EHLO, a refusal, the end
    if (std::holds_alternative<smtp::Close>(action)) break;
    if (do_at_once(action)) continue;
    if (const auto* need = std::get_if<smtp::NeedInput>(&action)) {
      begin_wait(*need);
      auto input = co_await stream_.read();
      end_wait(input);
      continue;
    }
    Task<void> step = start(action);
    co_await std::move(step);
  }
  log::debug("disconnected", {{"client", peer_}, {"messages", session_->messages()}, {"errors", session_->errors()}});
}

/// One way for all actions but the one that idle connections are in, so that the loop's frame, which lives as long as the
/// connection, does not hold an awaited task a kind.
Task<void> SmtpConnection::start(const smtp::Action& action) {
  return std::visit([this](const auto& what) { return perform(what); }, action);
}

void SmtpConnection::shut_down() {
  shutting_down_ = true;
  if (desk_) desk_->stop();
  if (!session_) { // in its TLS handshake: nothing was said yet
    stream_.set_deadline(Steady::now());
    return;
  }
  session_->shut_down();
  if (reading_) // wake the read: at once instead of at its deadline
    stream_.set_deadline(Steady::now());
}

void SmtpConnection::end() {
  if (reading_ && !incoming_) { // it waits for a command: it is told why
    shutting_down_ = true;      // the timeout that ends the read is ours
    session_->log_out();
    stream_.set_deadline(Steady::now());
    return;
  }
  ended_ = true;
  if (desk_) desk_->stop();
  stream_.close();
}

/// A reply nearly always fits into the socket, a piece of a small message into memory: no coroutine for them. False: it may
/// have to wait, or there was an error.
bool SmtpConnection::do_at_once(smtp::Action& action) {
  if (auto* send = std::get_if<smtp::Send>(&action)) {
    if (broken_) return false;
    send->bytes.remove_prefix(stream_.write_now(send->bytes));
    return send->bytes.empty();
  }
  if (const auto* chunk = std::get_if<smtp::Chunk>(&action)) return incoming_ && incoming_->write_now(chunk->bytes);
  if (guard_ || filters_) return false; // they are asked
  if (const auto* ask = std::get_if<smtp::AskMail>(&action)) return mail_at_once(*ask);
  if (const auto* ask = std::get_if<smtp::AskRecipient>(&action)) return recipient_at_once(*ask);
  if (const auto* ask = std::get_if<smtp::AskData>(&action)) return data_at_once(*ask);
  return false;
}

Task<void> SmtpConnection::perform(smtp::Send send) {
  if (broken_) co_return;
  stream_.set_deadline(Steady::now() + options_->session->command_timeout);
  std::string_view bytes = send.bytes;
  auto written = co_await stream_.write(bytes);
  if (!written) {
    broken_ = true;
    session_->eof();
  }
}

void SmtpConnection::begin_wait(const smtp::NeedInput& need) {
  const auto now = Steady::now();
  if (need.window != window_) {
    window_ = need.window;
    deadline_ = now + need.within;
  }
  auto until = deadline_;
  if (need.total.count() > 0) {
    if (need.total_window != total_window_) {
      total_window_ = need.total_window;
      total_deadline_ = now + need.total;
    }
    until = std::min(until, total_deadline_);
  }
  const Pace::Duration left = incoming_ ? pace_.left() : Pace::Duration::max();
  if (left != Pace::Duration::max()) until = std::min(until, now + left);
  stream_.set_deadline(until);
  wait_began_ = now;
  stream_.release_buffer();
  began_open_ = !shutting_down_;
  reading_ = true;
}

void SmtpConnection::end_wait(const Result<std::string_view>& input) {
  reading_ = false;
  if (input && incoming_) pace_.came(input->size(), Steady::now() - wait_began_);
  if (input && !input->empty())
    session_->feed(*input);
  else if (input || input.error().code != Errc::timeout)
    session_->eof();
  else if (began_open_ && shutting_down_) // that ended the read, and the session knows
    return;
  else if (incoming_ && pace_.left() <= Steady::now() - wait_began_)
    session_->too_slow();
  else
    session_->timed_out();
}

Task<void> SmtpConnection::perform(smtp::StartTls) {
  stream_.set_deadline(Steady::now() + std::chrono::seconds(60));
  stream_.release_buffer();
  net::TlsContext& context = *options_->tls;
  auto info = co_await stream_.start_tls_server(context);
  if (!info) {
    log::info("tls-failed", {{"client", peer_}, {"why", info.error().message}});
    broken_ = true;
    session_->eof();
    co_return;
  }
  tls_ = *info;
  session_->set_channel(net::channel_of(stream_));
  session_->tls_started(tls_.version, tls_.cipher);
}

Task<void> SmtpConnection::perform(smtp::AskPeer ask) {
  if (const smtp::ToldPeer* told = session_->told()) { // everything begins anew, with another peer
    log::debug("xclient", {{"client", peer_}, {"told", told->address}, {"name", told->name}, {"helo", told->helo}});
    peer_ = told->address;
    share_memory();
    account_ = {};
    desk_.reset(); // failures count for the client, not for its proxy
  }
  const std::uint32_t id = ask.id;
  mail::Reply reply = co_await admit(); // whom we shut out costs the filters nothing
  if (reply.positive() && options_->filters) {
    if (!filters_) filters_ = std::make_unique<filter::Session>(options_->filters, parts_.wiring);
    filter::Client facts = filter_client();
    mail::Reply said = co_await filters_->connected(std::move(facts));
    if (said.code != 0) {
      log_refusal(peer_, said);
      reply = std::move(said);
    }
  }
  session_->answer(id, std::move(reply));
}

Task<void> SmtpConnection::perform(smtp::AskHelo ask) {
  if (guard_) {
    const smtp::ToldPeer* told = session_->told();
    std::string name(told != nullptr && !told->helo.empty() ? std::string_view(told->helo) : ask.name);
    guard_->helo(std::move(name), options_->session->hostname, stream_.local().address);
  }
  const std::uint32_t id = ask.id;
  mail::Reply reply;
  if (filters_) {
    filter::Client facts = filter_client();
    facts.helo = ask.name;
    reply = co_await filters_->greeted(std::move(facts));
    if (reply.code != 0) log_refusal(peer_, reply);
  }
  session_->answer(id, reply.code == 0 ? welcome() : std::move(reply));
}

/// Holds the greeting back for a while, if so configured: who can't wait for it is not a mail server (RFC 5321 section 3.1).
Task<bool> SmtpConnection::spoke_early() {
  if (options_->implicit_tls || session_->told() != nullptr) co_return false;
  const auto until = Steady::now() + options_->guard->greeting_delay;
  while (!stream_.has_input() && Steady::now() < until && !shutting_down_ && !ended_) {
    auto rest = std::chrono::milliseconds(100);
    co_await net::sleep_for(rest);
  }
  co_return stream_.has_input();
}

Task<mail::Reply> SmtpConnection::admit() {
  if (guard_) {
    GuardDesk& before = *guard_;
    co_await before.finish();
    guard_.reset();
  }
  if (!options_->guard || !GuardDesk::concerns(*options_->guard, parts_.guard.book, peer_)) co_return welcome();
  guard_ = std::make_unique<GuardDesk>(parts_.guard, options_->guard, executor_, peer_);
  const bool early = co_await spoke_early();
  co_return guard_->greet(early);
}

LoginDesk& SmtpConnection::login_desk() {
  if (desk_) return *desk_;
  desk_ = std::make_unique<LoginDesk>(parts_.logins, peer_, "smtp", token_);
  if (shutting_down_ || ended_) desk_->stop();
  return *desk_;
}

Task<void> SmtpConnection::perform(smtp::AskLogin ask) {
  using Verdict = LoginAnswer::Verdict;
  std::uint32_t id = ask.id;
  sasl::Question question = *ask.question;
  sasl::Channel channel = net::channel_of(stream_);
  LoginDesk& desk = login_desk();
  std::string mechanism(ask.mechanism);
  LoginAnswer answer = co_await desk.ask(std::move(question), std::move(channel), std::move(mechanism));
  mail::Reply reply(535, {5, 7, 8}, ""); // wrong and disabled alike: a stranger must not learn which accounts exist
  switch (answer.verdict) {
    case Verdict::keys: session_->answer_keys(id, std::move(answer.keys)); co_return;
    case Verdict::accepted:
      account_ = std::move(answer.account);
      reply = mail::Reply(235, {2, 7, 0}, "");
      break;
    case Verdict::temporary:
      reply = mail::Reply(454, {4, 7, 0}, "the login can't be checked now, please try again later");
      break;
    case Verdict::slow_down: // RFC 4954 section 6
      reply =
          mail::Reply(454, {4, 7, 0},
                      fmt::format("too many failed logins, try again in {} minutes", 1 + answer.retry.count() / 60));
      break;
    case Verdict::wrong:
    case Verdict::disabled: break;
  }
  session_->answer(id, std::move(reply));
}

Task<void> SmtpConnection::perform(smtp::AskMail ask) {
  begin_transaction();
  std::uint32_t id = ask.id;
  const mail::Sender& sender = *ask.sender; // the session's; it stands still until the answer
  mail::Reply reply = co_await parts_.intake.policy.check_sender(client_, sender);
  if (guard_ && reply.positive())
    if (mail::Reply held = guard_->mail(sender); held.code != 0) reply = std::move(held);
  if (reply.positive() && !parts_.intake.store.acceptance().has_room())
    reply = mail::Reply(452, {4, 3, 1}, "no room for messages now, please try again later");
  if (reply.positive() && filters_) {
    filter::Client facts = filter_client();
    mail::Sender from = sender;
    mail::Reply said = co_await filters_->mail(std::move(facts), std::move(from));
    if (said.code != 0) reply = std::move(said);
  }
  if (!reply.positive()) {
    log::info("sender-refused", {{"client", peer_},
                                 {"from", sender.reverse_path.to_string()},
                                 {"reply", reply.to_string()},
                                 {"why", reply.cause}});
    note_refusal(sender.reverse_path.to_string(), {}, reply.to_string());
  }
  session_->answer(id, std::move(reply));
}

/// What is against the client, whether we take mail for the recipient, and greylisting, which remembers nothing of recipients
/// that do not exist.
Task<policy::RecipientVerdict> SmtpConnection::judge_recipient(const policy::Client& who, const mail::Sender& sender,
                                                               const mail::Recipient& recipient) {
  policy::RecipientVerdict verdict;
  if (guard_) {
    GuardDesk& guard = *guard_;
    mail::Address to = recipient.address;
    verdict.reply = co_await guard.recipient(sender, std::move(to));
    if (verdict.reply.permanent()) ++refused_; // its own refusals are no faults
    if (verdict.reply.code != 0) co_return verdict;
  }
  verdict = co_await parts_.intake.policy.check_recipient(who, sender, recipient);
  if (!guard_) co_return verdict;
  mail::Reply held;
  if (verdict.reply.permanent()) {
    ++refused_;
    held = guard_->fault(1);
  } else if (verdict.reply.positive()) {
    held = guard_->greylist(sender, recipient.address);
  }
  if (held.code != 0) verdict.reply = std::move(held);
  co_return verdict;
}

Task<void> SmtpConnection::perform(smtp::AskRecipient ask) {
  std::uint32_t id = ask.id;
  client_.recipients = named();
  const mail::Sender& sender = session_->sender();
  mail::Recipient recipient = *ask.recipient;
  if (is_here(recipient.address.domain)) recipient.address.domain = options_->session->hostname;
  policy::RecipientVerdict verdict = co_await judge_recipient(client_, sender, recipient);
  if (verdict.reply.positive() && nodes_ + verdict.nodes.size() > kMaxExpanded + options_->session->max_recipients &&
      !recipients_.empty())
    verdict.reply = mail::Reply(452, {4, 5, 3}, "too many recipients for one message");
  if (verdict.reply.positive() && (returned_ || verdict.returned) && !recipients_.empty())
    verdict.reply = mail::Reply(452, {4, 5, 3}, "a report to a return address comes in a message of its own");
  if (verdict.reply.positive() && filters_) {
    mail::Recipient named = recipient;
    mail::Reply said = co_await filters_->recipient(std::move(named));
    if (said.code != 0) verdict.reply = std::move(said);
  }
  const std::uint64_t needed = recipient_octets(verdict.nodes.size());
  if (verdict.reply.positive() && !recipient_memory_.covers(needed)) {
    bool got = false; // who was told no once waits no more for those that follow
    if (!no_memory_) got = co_await recipient_memory_.grow(needed);
    no_memory_ = !got;
    if (!got) verdict.reply = mail::Reply(452, {4, 3, 1}, "no memory for more recipients now, please try again later");
  }
  if (verdict.reply.positive()) {
    nodes_ += verdict.nodes.size();
    recipients_.push_back({recipient, std::move(verdict.nodes)});
    returned_ = std::move(verdict.returned);
  } else {
    log::info("recipient-refused", {{"client", peer_},
                                    {"from", sender.reverse_path.to_string()},
                                    {"to", recipient.address.to_string()},
                                    {"reply", verdict.reply.to_string()},
                                    {"why", verdict.reply.cause}});
    note_refusal(sender.reverse_path.to_string(), ask.recipient->address.to_string(), verdict.reply.to_string());
  }
  session_->answer(id, std::move(verdict.reply));
}

Task<void> SmtpConnection::perform(smtp::AskData ask) {
  const std::uint32_t id = ask.id;
  mail::Reply reply(354, {}, "");
  if (!parts_.intake.store.acceptance().has_room()) {
    name_recipients();
    reply = mail::Reply(452, {4, 3, 1}, "no room for messages now, please try again later");
  } else {
    begin_content();
    co_await incoming_->begin();
    if (filters_) {
      std::string message = incoming_->id().to_string();
      mail::Reply said = co_await filters_->data(std::move(message));
      if (said.code != 0) reply = std::move(said);
    }
    if (!reply.positive()) co_await incoming_->discard();
    if (!reply.positive()) incoming_.reset();
  }
  session_->answer(id, std::move(reply));
}

Task<void> SmtpConnection::perform(smtp::Chunk chunk) {
  if (!incoming_) co_return;
  std::string_view bytes = chunk.bytes;
  co_await incoming_->write(bytes);
  if (incoming_->failure().code != 0) // no use in storing the rest
    session_->refuse_content(incoming_->failure());
}

Task<void> SmtpConnection::perform(smtp::AskContent ask) {
  std::uint32_t id = ask.id;
  if (!session_->has_input())
    stream_.release_buffer(); // many wait for a commit at once: the next one reads into it meanwhile
  std::vector<mail::Reply> verdicts;
  if (options_->session->role == smtp::Role::lmtp) {
    verdicts = co_await incoming_->finish_each();
  } else {
    mail::Reply verdict = co_await incoming_->finish();
    verdicts.push_back(std::move(verdict));
  }
  incoming_.reset();
  end_transaction();
  note_verdicts(verdicts);
  if (!verdicts.empty() && verdicts.front().positive()) refused_ = 0; // as the session's count of errors
  session_->answer(id, std::move(verdicts));
}

Task<void> SmtpConnection::perform(smtp::Discard) {
  if (incoming_) co_await incoming_->discard();
  incoming_.reset();
}

Task<void> SmtpConnection::perform(smtp::AskEtrn ask) {
  std::uint32_t id = ask.id;
  EtrnOrder order{.option = ask.option,
                  .node = std::string(ask.node),
                  .who = account_.login.empty() ? "[" + peer_ + "]" : account_.login};
  mail::Reply reply = co_await parts_.etrn.start(std::move(order));
  log::info("etrn", {{"client", peer_}, {"account", account_.login}, {"reply", reply.to_string()}});
  session_->answer(id, std::move(reply));
}

/// These two are the loop's own: it reads, or it ends and serve() closes.
Task<void> SmtpConnection::perform(smtp::NeedInput) { co_return; }
Task<void> SmtpConnection::perform(smtp::Close) { co_return; }

} // namespace paquebot::service
