#include "service/smtp_driver.h"

#include "base/clock.h"
#include "base/log.h"
#include "metrics/counters.h"
#include "net/channel.h"
#include "net/wheel.h"
#include "service/attempt_note.h"
#include "smtp/xclient.h"

#include <algorithm>
#include <fmt/format.h>
#include <stdexcept>
#include <utility>

namespace paquebot::service {
namespace {

/// For implicit TLS: nothing was said yet.
constexpr std::chrono::seconds kFirstHandshake{30};

metrics::Role counted_smtp_role(smtp::Role role) {
  switch (role) {
    case smtp::Role::mx: return metrics::Role::mx;
    case smtp::Role::submission: return metrics::Role::submission;
    case smtp::Role::lmtp: break;
  }
  return metrics::Role::lmtp;
}

/// Whole replies, each of which ends in a line without a hyphen behind its code.
void count_replies(smtp::Role role, std::string_view replies) {
  for (std::size_t end; (end = replies.find('\n')) != std::string_view::npos; replies.remove_prefix(end + 1)) {
    const bool last = end > 3 && replies[3] == ' ' && replies[0] >= '2' && replies[0] <= '5';
    if (last) metrics::replies.add(counted_smtp_role(role), static_cast<metrics::ReplyClass>(replies[0] - '2'));
  }
}

mail::Reply welcome() { return mail::Reply(250, {}, ""); }

} // namespace

SmtpConnection::SmtpConnection(std::shared_ptr<const SmtpMeans> means,
                               std::shared_ptr<const SmtpListenerOptions> options, net::Stream stream,
                               boost::asio::any_io_executor executor)
    : client_(std::move(means), std::move(options), std::move(stream)), executor_(std::move(executor)) {}

Task<void> SmtpConnection::serve(std::shared_ptr<SmtpConnection> self) {
  SmtpConnection& connection = *self;
  std::weak_ptr<LiveSession> weak = self;
  Sessions& sessions = connection.client_.means->sessions;
  connection.token_ = sessions.enter(connection.executor_, weak);
  std::exception_ptr broke; // what was taken is given back all the same
  try {
    bool begun = co_await connection.begin();
    net::Pump& pump = connection.client_.pump;
    if (begun) co_await pump.run(connection);
  } catch (...) {
    broke = std::current_exception();
  }
  co_await connection.leave();
  if (broke) std::rethrow_exception(broke);
}

/// What the client has done wrong counts for its next session; what is still asked about it comes to its end.
Task<void> SmtpConnection::leave() {
  const smtp::ServerSession* session = client_.session.get();
  if (session != nullptr)
    log::debug("disconnected",
               {{"client", client_.address}, {"messages", session->messages()}, {"errors", session->errors()}});
  co_await transaction_.abandon();
  if (client_.filters) co_await client_.filters->leave();
  client_.means->sessions.leave(token_);
  client_.pump.stream().close();
  client_.pump.stream().release_buffer(); // the end may wait for the DNS
  if (!client_.strangers) co_return;
  StrangerDesk& strangers = *client_.strangers;
  if (session != nullptr && session->errors() > client_.refused) strangers.fault(session->errors() - client_.refused);
  co_await strangers.finish();
}

/// Implicit TLS, if any, and the session.
Task<bool> SmtpConnection::begin() {
  const SmtpListenerOptions& options = *client_.options;
  transaction_.count_for_client();
  if (options.implicit_tls) {
    net::TlsContext& context = *options.tls;
    auto info = co_await client_.pump.accept_tls(context, kFirstHandshake);
    if (!info) {
      notes_.refused_tls(policy::Attempt::What::tls_failed, info.error().message);
      co_return false;
    }
    client_.tls = std::move(*info);
  }
  client_.session = std::make_unique<smtp::ServerSession>(options.session, client_.connection());
  if (options.implicit_tls) client_.session->set_channel(net::channel_of(client_.pump.stream()));
  if (options.scram_by_accounts && client_.means->logins.scram != nullptr) {
    ScramSwitch& scram = *client_.means->logins.scram;
    const bool offered = co_await scram.offered();
    client_.session->offer_scram(offered);
  }
  if (transcript_) listen();
  log::debug("connected", {{"client", client_.address}, {"role", role_name(options.session->role)}});
  co_return true;
}

void SmtpConnection::shut_down() {
  if (desk_) desk_->stop();
  if (client_.session) client_.session->shut_down();
  client_.pump.wake();
}

void SmtpConnection::end() {
  if (client_.pump.reading() && !transaction_.receives()) { // it waits for a command: it is told why
    client_.session->log_out();
    client_.pump.wake();
    return;
  }
  if (desk_) desk_->stop();
  client_.pump.cut();
}

void SmtpConnection::break_off() {
  if (desk_) desk_->stop();
  client_.pump.cut();
}

// ---- For who watches ----

net::LiveFacts SmtpConnection::facts() const {
  const smtp::Role role = client_.options->session->role;
  net::LiveFacts facts{.protocol = role == smtp::Role::lmtp ? "lmtp" : "smtp",
                       .role = std::string(role_name(role)),
                       .peer = client_.pump.stream().remote().to_string(),
                       .state = state(),
                       .tls = client_.tls.version,
                       .last_reply = last_reply_};
  if (!client_.session) return facts;
  facts.name = std::string(client_.session->helo());
  facts.account = client_.login();
  return facts;
}

std::string SmtpConnection::state() const {
  if (!client_.session) return "begins TLS";
  if (transaction_.receives()) return "sends a message";
  if (client_.pump.writing()) return "is slow to read replies";
  if (!client_.pump.reading()) return "waits for a reply";
  if (client_.session->helo().empty()) return "has not said hello";
  return client_.session->in_transaction() ? "names recipients" : "is silent";
}

void SmtpConnection::watch(std::shared_ptr<net::Transcript> transcript) {
  transcript_ = std::move(transcript);
  if (client_.session) listen();
}

void SmtpConnection::listen() {
  client_.session->listen([kept = transcript_](std::string_view line) {
    kept->add(net::Transcript::Who::peer, line, millis(system_clock().wall()));
  });
}

/// Of a message only how long it is.
void SmtpConnection::note_content() {
  if (const auto* piece = std::get_if<smtp::Chunk>(&action_))
    transcript_->add_content(net::Transcript::Who::peer, piece->bytes.size(), millis(system_clock().wall()));
}

void SmtpConnection::note_sent(std::string_view replies) {
  constexpr std::size_t kMostKept = 15; // code and status: what a text holds without memory of its own
  std::string_view last = replies.substr(0, replies.find_last_not_of("\r\n") + 1);
  if (const auto line = last.rfind('\n'); line != last.npos) last.remove_prefix(line + 1);
  last.remove_suffix(last.size() - std::min(last.find(' ', std::min<std::size_t>(4, last.size())), last.size()));
  last_reply_.assign(last.starts_with("334") ? "334" : last.substr(0, kMostKept));
  if (!transcript_) return;
  const std::int64_t now = millis(system_clock().wall());
  if (!transcript_->watched(now)) {
    transcript_.reset();
    return client_.session->listen({});
  }
  if (replies.starts_with("334"))
    transcript_->add(net::Transcript::Who::us, "334 (hidden)", now);
  else
    transcript_->add_lines(net::Transcript::Who::us, replies, now);
}

// ---- What the pump asks ----

net::Order SmtpConnection::next() {
  smtp::ServerSession& session = *client_.session;
  do {
    action_ = session.next();
    if (const auto refusal = session.take_refusal()) login_desk().note(*refusal);
    notes_.take_remarks();
    if (transaction_.holds() && !session.in_transaction()) transaction_.end(); // by RSET, EHLO, a refusal, the end
    if (transcript_) note_content();
  } while (transaction_.answer_known(action_));
  using Kind = net::Order::Kind;
  if (const auto* send = std::get_if<smtp::Send>(&action_)) {
    count_replies(client_.options->session->role, send->bytes);
    note_sent(send->bytes);
    return {.kind = Kind::send, .bytes = send->bytes, .within = client_.options->session->command_timeout};
  }
  if (const auto* need = std::get_if<smtp::NeedInput>(&action_)) {
    net::Order order{.kind = Kind::read,
                     .within = need->within,
                     .window = need->window,
                     .total_window = need->total_window,
                     .total = need->total};
    if (const auto left = transaction_.patience(); left != Pace::Duration::max())
      order.by = system_clock().now() + left;
    return order;
  }
  if (std::holds_alternative<smtp::StartTls>(action_)) return {.kind = Kind::tls};
  if (std::holds_alternative<smtp::Close>(action_)) return {.kind = Kind::rest};
  return {.kind = Kind::question};
}

Task<void> SmtpConnection::answer() {
  const auto by_kind = [this](const auto& action) -> Task<void> {
    if constexpr (requires { transaction_.ask(action); })
      return transaction_.ask(action);
    else if constexpr (requires { ask(action); })
      return ask(action);
    else
      throw std::logic_error("the pump's own"); // see next()
  };
  return std::visit(by_kind, action_);
}

void SmtpConnection::feed(std::string_view bytes) {
  transaction_.came(bytes.size(), client_.pump.waited());
  if (begins_tls(bytes) && !client_.pump.stream().encrypted() && client_.session->helo().empty())
    notes_.refused_tls(policy::Attempt::What::tls_at_once, {});
  client_.session->feed(bytes);
}

void SmtpConnection::out_of_time() {
  if (transaction_.patience() <= client_.pump.waited())
    client_.session->too_slow();
  else
    client_.session->timed_out();
}

void SmtpConnection::tls_started(net::TlsInfo info) {
  client_.tls = std::move(info);
  client_.session->set_channel(net::channel_of(client_.pump.stream()));
  client_.session->tls_started(client_.tls.version, client_.tls.cipher);
}

void SmtpConnection::tls_failed(const Error& why) {
  notes_.refused_tls(policy::Attempt::What::tls_failed, why.message);
  client_.session->eof();
}

// ---- Questions of the session ----

Task<void> SmtpConnection::ask(smtp::AskPeer ask) {
  if (const smtp::ToldPeer* told = client_.session->told()) { // everything begins anew, with another peer
    log::debug("xclient",
               {{"client", client_.address}, {"told", told->address}, {"name", told->name}, {"helo", told->helo}});
    client_.address = told->address;
    transaction_.count_for_client();
    client_.account = {};
    desk_.reset(); // failures count for the client, not for its proxy
  }
  const std::uint32_t id = ask.id;
  mail::Reply reply = co_await admit(); // whom we shut out costs the filters nothing
  if (reply.positive() && client_.options->filters) {
    if (!client_.filters)
      client_.filters = std::make_unique<filter::Session>(client_.options->filters, client_.means->filter_links);
    filter::Client facts = client_.for_filters();
    mail::Reply said = co_await client_.filters->connected(std::move(facts));
    if (said.code != 0) {
      notes_.refused_by_filter(said);
      reply = std::move(said);
    }
  }
  client_.session->answer(id, std::move(reply));
}

Task<mail::Reply> SmtpConnection::admit() {
  if (client_.strangers) {
    StrangerDesk& before = *client_.strangers;
    co_await before.finish();
    client_.strangers.reset();
  }
  const auto& options = client_.options->strangers;
  const StrangerMeans& means = client_.means->strangers;
  if (!options || !StrangerDesk::concerns(*options, means.book, client_.address)) co_return welcome();
  client_.strangers = std::make_unique<StrangerDesk>(means, options, executor_, client_.address);
  const bool early = co_await spoke_early();
  co_return client_.strangers->greet(early);
}

/// Holds the greeting back for a while, if so configured: who can't wait for it is not a mail server (RFC 5321 section
/// 3.1).
Task<bool> SmtpConnection::spoke_early() {
  if (client_.options->implicit_tls || client_.session->told() != nullptr) co_return false;
  const net::Stream& stream = client_.pump.stream();
  const auto until = system_clock().now() + client_.options->strangers->greeting_delay;
  while (!stream.has_input() && system_clock().now() < until && !client_.pump.leaving()) {
    auto rest = std::chrono::milliseconds(100);
    co_await net::sleep_for(rest);
  }
  co_return stream.has_input();
}

Task<void> SmtpConnection::ask(smtp::AskHelo ask) {
  const std::string& hostname = client_.options->session->hostname;
  if (client_.strangers) {
    const smtp::ToldPeer* told = client_.session->told();
    std::string name(told != nullptr && !told->helo.empty() ? std::string_view(told->helo) : ask.name);
    client_.strangers->helo(std::move(name), hostname, client_.pump.stream().local().address);
  }
  const std::uint32_t id = ask.id;
  mail::Reply reply;
  if (client_.filters) {
    filter::Client facts = client_.for_filters();
    facts.helo = ask.name;
    reply = co_await client_.filters->greeted(std::move(facts));
    if (reply.code != 0) notes_.refused_by_filter(reply);
  }
  client_.session->answer(id, reply.code == 0 ? welcome() : std::move(reply));
}

LoginDesk& SmtpConnection::login_desk() {
  if (desk_) return *desk_;
  const std::uint16_t port = client_.pump.stream().local().port;
  desk_ = std::make_unique<LoginDesk>(client_.means->logins, client_.address, "smtp", token_, port);
  if (client_.pump.leaving()) desk_->stop();
  return *desk_;
}

Task<void> SmtpConnection::ask(smtp::AskLogin ask) {
  using Verdict = LoginAnswer::Verdict;
  std::uint32_t id = ask.id;
  sasl::Question question = *ask.question;
  sasl::Channel channel = net::channel_of(client_.pump.stream());
  LoginDesk& desk = login_desk();
  std::string mechanism(ask.mechanism);
  LoginAnswer answer = co_await desk.ask(std::move(question), std::move(channel), std::move(mechanism));
  mail::Reply reply(535, {5, 7, 8}, ""); // wrong and disabled alike: a stranger must not learn which accounts exist
  switch (answer.verdict) {
    case Verdict::keys: client_.session->answer_keys(id, std::move(answer.keys)); co_return;
    case Verdict::accepted:
      client_.account = std::move(answer.account);
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
  client_.session->answer(id, std::move(reply));
}

Task<void> SmtpConnection::ask(smtp::AskEtrn ask) {
  std::uint32_t id = ask.id;
  const std::string& login = client_.account.login;
  EtrnOrder order{
      .option = ask.option, .node = std::string(ask.node), .who = login.empty() ? "[" + client_.address + "]" : login};
  Etrn& etrn = client_.means->etrn;
  mail::Reply reply = co_await etrn.start(std::move(order));
  log::info("etrn", {{"client", client_.address}, {"account", login}, {"reply", reply.to_string()}});
  client_.session->answer(id, std::move(reply));
}

} // namespace paquebot::service
