#include "sink/smtp_session.h"

#include "base/log.h"
#include "base/text.h"
#include "net/channel.h"
#include "net/wheel.h"

#include <algorithm>
#include <exception>
#include <stdexcept>
#include <utility>

namespace paquebot::sink {
namespace {

constexpr std::string_view kStartTlsLine = "STARTTLS\r\n";

smtp::ConnectionInfo connection_of(const net::Stream& stream) {
  smtp::ConnectionInfo info;
  info.peer_address = stream.remote().address;
  info.wall = millis(system_clock().wall());
  return info;
}

} // namespace

std::shared_ptr<const smtp::ServerOptions> smtp_options(std::uint64_t most_octets) {
  auto options = std::make_shared<smtp::ServerOptions>();
  options->role = smtp::Role::submission;
  options->hostname = "sink.localhost";
  options->tls_available = options->auth_available = options->auth_in_clear = true;
  options->mend_bare_lf = options->lenient = true;
  options->login.scram = false; // it would want to know the password
  options->login.tokens = true;
  options->max_message_size = most_octets;
  options->max_errors = 1000;
  options->wishes = false;
  return options;
}

SmtpSession::SmtpSession(Means& means, net::Stream stream, boost::asio::any_io_executor executor)
    : means_(means), pump_(std::move(stream), net::Pump::Side::server), executor_(std::move(executor)),
      session_(means.smtp, connection_of(pump_.stream())), client_(pump_.stream().remote().address) {}

Task<void> SmtpSession::serve(std::shared_ptr<SmtpSession> self) {
  SmtpSession& session = *self;
  std::weak_ptr<service::LiveSession> weak = self;
  session.token_ = session.means_.sessions.enter(session.executor_, weak);
  std::exception_ptr broke; // what was taken is given back all the same
  try {
    co_await session.pump_.run(session);
  } catch (...) {
    broke = std::current_exception();
  }
  session.give_up();
  session.means_.sessions.leave(session.token_);
  session.pump_.stream().close();
  if (broke) std::rethrow_exception(broke);
}

void SmtpSession::shut_down() {
  session_.shut_down();
  pump_.wake();
}

// ---- What the pump asks ----

/// As it is, or octet by octet.
net::Order SmtpSession::send(std::string_view bytes) {
  if (drip_.count() == 0) return {.kind = net::Order::Kind::send, .bytes = bytes, .within = std::chrono::minutes(1)};
  unsent_ = bytes;
  paused_ = true;
  return {.kind = net::Order::Kind::question};
}

net::Order SmtpSession::next() {
  using Kind = net::Order::Kind;
  if (waiting_) return {.kind = Kind::question};
  if (!unsent_.empty()) {
    if (!std::exchange(paused_, !paused_)) return {.kind = Kind::question};
    const std::string_view one = unsent_.substr(0, 1);
    unsent_.remove_prefix(1);
    paused_ = false;
    return {.kind = Kind::send, .bytes = one, .within = std::chrono::minutes(1)};
  }
  if (!own_words_.empty()) {
    said_ = std::exchange(own_words_, {});
    return send(said_);
  }
  action_ = session_.next();
  if (const auto* out = std::get_if<smtp::Send>(&action_)) return send(out->bytes);
  if (const auto* need = std::get_if<smtp::NeedInput>(&action_))
    return {.kind = Kind::read,
            .within = need->within,
            .window = need->window,
            .total_window = need->total_window,
            .total = need->total};
  if (std::holds_alternative<smtp::StartTls>(action_)) return {.kind = Kind::tls};
  if (std::holds_alternative<smtp::Close>(action_)) return {.kind = Kind::rest};
  return {.kind = Kind::question};
}

Task<void> SmtpSession::answer() {
  if (waiting_) {
    const Hit hit = *std::exchange(waiting_, {});
    co_await perform(hit);
    co_return;
  }
  if (!unsent_.empty()) {
    const std::chrono::milliseconds pause = drip_;
    co_await net::sleep_for(pause);
    co_return;
  }
  const auto by_kind = [this](const auto& action) -> Task<void> {
    if constexpr (requires { ask(action); })
      return ask(action);
    else
      throw std::logic_error("the pump's own"); // see next()
  };
  Task<void> asking = std::visit(by_kind, action_);
  co_await std::move(asking);
}

/// Whether a command begins here that says STARTTLS: the engine asks nobody about it.
bool SmtpSession::begins_tls(std::string_view bytes) {
  const bool begins = std::exchange(line_begins_, bytes.ends_with('\n'));
  return begins && tls_.empty() && !session_.in_transaction() && istarts_with(bytes, kStartTlsLine);
}

void SmtpSession::feed(std::string_view bytes) {
  if (begins_tls(bytes)) {
    certificate_.clear();
    if (auto hit = means_.faults.strike(occasion(Stage::starttls))) {
      if (hit->does == Does::reply) {
        hit->reply.append_wire(own_words_);
        bytes.remove_prefix(kStartTlsLine.size());
      } else if (hit->does == Does::certificate) {
        certificate_ = hit->certificate;
      } else {
        waiting_ = std::move(hit);
      }
    }
  }
  if (!bytes.empty()) session_.feed(bytes);
}

net::Session::Handshake SmtpSession::handshake() {
  unsent_ = {};
  return {*means_.tls.at(certificate_)};
}

void SmtpSession::tls_started(net::TlsInfo info) {
  tls_ = std::move(info.version);
  line_begins_ = true;
  session_.set_channel(net::channel_of(pump_.stream()));
  session_.tls_started(tls_, info.cipher);
}

void SmtpSession::tls_failed(const Error&) { session_.eof(); }

// ---- Faults ----

Occasion SmtpSession::occasion(Stage stage) const {
  Occasion now{.stage = stage, .client = client_, .sender = {}, .recipients = {}, .inboxes = {}};
  const std::string login(session_.login());
  if (!login.empty()) now.inboxes.insert(inbox_name(login));
  if (stage < Stage::mail) return now;
  now.sender = session_.sender().reverse_path.to_string();
  for (const mail::Recipient& one : session_.recipients()) now.recipients.push_back(one.address.to_string());
  if (login.empty())
    for (const std::string& one : now.recipients) now.inboxes.insert(inbox_of(one));
  return now;
}

/// What is to be said instead; code 0: all goes on as usual, or the connection is cut off.
Task<mail::Reply> SmtpSession::meet(Occasion occasion) {
  std::optional<Hit> hit = means_.faults.strike(occasion);
  if (!hit) co_return mail::Reply();
  log::info("sink-fault", {{"client", client_}, {"at", word_of(occasion.stage)}, {"does", word_of(hit->does)}});
  Task<mail::Reply> performing = perform(std::move(*hit));
  mail::Reply reply = co_await std::move(performing);
  co_return reply;
}

Task<mail::Reply> SmtpSession::perform(Hit hit) {
  const std::chrono::milliseconds time = hit.time;
  switch (hit.does) {
    case Does::reply:
    case Does::greylist:
    case Does::full: co_return std::move(hit.reply);
    case Does::delay: co_await net::sleep_for(time); break;
    case Does::stall:
      co_await net::sleep_for(time);
      pump_.cut();
      break;
    case Does::drop: pump_.cut(); break;
    case Does::drip: drip_ = time; break;
    case Does::certificate:
    case Does::duplicate:
    case Does::bounce: break; // see handshake(), keep()
  }
  co_return mail::Reply();
}

/// Answers a question whose only trouble is the list of faults; `code` when there is none.
Task<void> SmtpSession::settle(std::uint32_t id, Stage stage, std::uint16_t code) {
  Occasion now = occasion(stage);
  Task<mail::Reply> meeting = meet(std::move(now));
  mail::Reply reply = co_await std::move(meeting);
  session_.answer(id, reply.code != 0 ? std::move(reply) : mail::Reply(code, {}, ""));
}

// ---- Questions of the session ----

Task<void> SmtpSession::ask(smtp::AskPeer ask) { return settle(ask.id, Stage::connect, 250); }
Task<void> SmtpSession::ask(smtp::AskHelo ask) { return settle(ask.id, Stage::ehlo, 250); }

Task<void> SmtpSession::ask(smtp::AskLogin ask) {
  std::uint32_t id = ask.id;
  const sasl::Question& question = *ask.question;
  Occasion now = occasion(Stage::auth);
  now.inboxes = {inbox_name(question.authzid.empty() ? question.authcid : question.authzid)};
  Task<mail::Reply> meeting = meet(std::move(now));
  mail::Reply reply = co_await std::move(meeting);
  session_.answer(id, reply.code != 0 ? std::move(reply) : mail::Reply(235, {2, 7, 0}, ""));
}

Task<void> SmtpSession::ask(smtp::AskMail ask) {
  std::uint32_t id = ask.id;
  Occasion now = occasion(Stage::auth);
  now.stage = Stage::mail;
  now.sender = ask.sender->reverse_path.to_string();
  Task<mail::Reply> meeting = meet(std::move(now));
  mail::Reply reply = co_await std::move(meeting);
  session_.answer(id, reply.code != 0 ? std::move(reply) : mail::Reply(250, {2, 1, 0}, ""));
}

Task<void> SmtpSession::ask(smtp::AskRecipient ask) {
  std::uint32_t id = ask.id;
  Occasion now = occasion(Stage::rcpt);
  now.recipients = {ask.recipient->address.to_string()};
  if (session_.login().empty()) now.inboxes = {inbox_of(now.recipients.front())};
  Task<mail::Reply> meeting = meet(std::move(now));
  mail::Reply reply = co_await std::move(meeting);
  session_.answer(id, reply.code != 0 ? std::move(reply) : mail::Reply(250, {2, 1, 5}, ""));
}

Task<void> SmtpSession::ask(smtp::AskEtrn ask) {
  session_.answer(ask.id, mail::Reply(459, {4, 7, 1}, "nothing waits in a sink"));
  co_return;
}

Task<void> SmtpSession::ask(smtp::AskData ask) { return settle(ask.id, Stage::data, 250); }

Task<void> SmtpSession::ask(smtp::Chunk chunk) {
  if (means_.coming + chunk.bytes.size() > means_.inboxes.bounds().octets) {
    session_.refuse_content(mail::Reply(452, {4, 3, 1}, "too much comes at once; try again later"));
    co_return;
  }
  content_ += chunk.bytes;
  means_.coming += chunk.bytes.size();
}

Task<void> SmtpSession::ask(smtp::Discard) {
  give_up();
  co_return;
}

void SmtpSession::give_up() {
  means_.coming -= std::min<std::uint64_t>(means_.coming, content_.size());
  std::string().swap(content_);
}

Task<void> SmtpSession::ask(smtp::AskContent ask) {
  std::uint32_t id = ask.id;
  Occasion now = occasion(Stage::end);
  Task<mail::Reply> meeting = meet(std::move(now));
  mail::Reply reply = co_await std::move(meeting);
  if (reply.code == 0 && !pump_.is_cut()) {
    Task<mail::Reply> keeping = keep();
    reply = co_await std::move(keeping);
  } else {
    ++means_.inboxes.counts.refused;
    if (reply.code == 0) reply = mail::Reply(451, {4, 3, 0}, "not kept"); // which nobody hears any more
  }
  give_up();
  session_.answer(id, std::move(reply));
}

/// The message is there from here on, whatever is said of it.
Task<mail::Reply> SmtpSession::keep() {
  Occasion now = occasion(Stage::after);
  Envelope envelope{.from = *now.sender,
                    .to = now.recipients,
                    .login = std::string(session_.login()),
                    .helo = std::string(session_.helo()),
                    .client = client_,
                    .tls = tls_};
  const std::set<std::string> names = inboxes_for(envelope, content_);
  now.inboxes = names;
  MessagePtr message = means_.inboxes.add(envelope, content_, names);
  log::info("sink-message",
            {{"client", client_}, {"id", message->id}, {"from", envelope.from}, {"inbox", *names.begin()}});
  mail::Reply taken(250, {2, 0, 0}, "accepted id=" + message->id);
  std::optional<Hit> hit = means_.faults.strike(now);
  if (!hit) co_return taken;
  if (hit->does == Does::duplicate) {
    means_.inboxes.add(envelope, content_, names);
  } else if (hit->does == Does::bounce) {
    means_.launch(bounce_later(means_, message, std::move(*hit)));
  } else {
    Task<mail::Reply> performing = perform(std::move(*hit));
    mail::Reply reply = co_await std::move(performing);
    if (reply.code != 0) co_return reply;
  }
  co_return taken;
}

} // namespace paquebot::sink
