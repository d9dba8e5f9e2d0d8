#include "smtp/client_session.h"

#include "sasl/secret.h"
#include "smtp/client_impl.h"

#include <cassert>

namespace paquebot::smtp {

using Client = ClientSession::Impl;

Client::Impl(ClientOptions o, bool e)
    : options(std::move(o)), encrypted(e), parser(options.max_reply_line, options.max_reply_lines) {
  expected.push_back({Command::greeting});
}

// ---- What comes next ----

ClientAction Client::next() {
  sending.clear();
  for (;;) {
    if (!out.empty()) {
      std::swap(out, sending);
      ++window;
      return ClientSend{sending};
    }
    if (message.take_done()) return MessageDone{};
    if (phase == Phase::closed) return Closed{};
    if (phase == Phase::handshake) return ClientStartTls{};
    if (phase == Phase::envelope && expected.empty()) {
      message.advance();
      continue;
    }
    if (take_reply()) continue;
    if (content.wanted()) return NeedContent{};
    if (!expected.empty()) return need_input();
    assert(phase == Phase::ready && "in all other phases a reply is expected");
    return Ready{};
  }
}

ClientAction Client::need_input() {
  const auto& o = options;
  const auto within = [&](Command command) {
    switch (command) {
      case Command::greeting: return o.greeting_timeout;
      case Command::rcpt: return o.rcpt_timeout;
      case Command::data: return o.data_timeout;
      case Command::bdat:
      case Command::final:
      case Command::empty_final: return o.final_timeout;
      case Command::quit: return o.quit_timeout;
      case Command::mail:
      case Command::rset: return o.mail_timeout;
      default: return o.helo_timeout;
    }
  };
  return ClientNeedInput{within(expected.front().command), window};
}

// ---- Input ----

void Client::feed(std::string_view bytes) {
  if (phase == Phase::closed) return;
  if (phase == Phase::handshake) return malformed("bytes in clear behind the reply to STARTTLS"); // RFC 3207 section 6
  // Few octets and few copies: replies are short. What is left from before comes first.
  std::string joined(unread);
  joined += bytes;
  input = std::move(joined);
  unread = input;
}

bool Client::take_reply() {
  switch (parser.next(unread)) {
    case ReplyParser::Status::none: return false;
    case ReplyParser::Status::malformed: malformed("what it said is no reply"); return true;
    case ReplyParser::Status::reply: break;
  }
  ++window;
  mail::Reply reply = parser.take();
  reply.heard = true;
  if (expected.empty()) {
    unexpected_reply(std::move(reply));
    return true;
  }
  const Expected what = expected.front();
  expected.pop_front();
  on_reply(what, std::move(reply));
  return true;
}

void Client::on_reply(Expected what, mail::Reply reply) {
  // RFC 5321 section 3.8: after 421 the peer closes, whatever it was the reply to.
  if (reply.code == 421 && what.command != Command::quit) return end_with(reply);
  switch (what.command) {
    case Command::greeting: return setup.on_greeting(std::move(reply));
    case Command::ehlo: return setup.on_ehlo(std::move(reply));
    case Command::helo: return setup.on_helo(std::move(reply));
    case Command::starttls: return setup.on_starttls(std::move(reply));
    case Command::auth: return setup.on_auth(std::move(reply));
    case Command::rset: return;
    case Command::mail: return message.on_mail(std::move(reply));
    case Command::rcpt: return message.on_rcpt(what.recipient, std::move(reply));
    case Command::data: return message.on_data(std::move(reply));
    case Command::bdat: return content.on_chunk(std::move(reply));
    case Command::final: return message.on_final(what.recipient, std::move(reply));
    case Command::empty_final: return message.finish();
    case Command::quit: phase = Phase::closed; return;
  }
}

/// A reply to nothing that we sent: a refusal in the midst of the content counts, 421 says why the peer goes.
void Client::unexpected_reply(mail::Reply reply) {
  const bool early_refusal = phase == Phase::content && (reply.transient() || reply.permanent());
  if (early_refusal) message.on_early_refusal(reply);
  if (early_refusal || reply.code == 421) return end_with(reply);
  malformed("it said more than it was asked");
}

// ---- Output ----

void Client::command(Command what, std::string_view line, std::size_t recipient) {
  out += line;
  out += "\r\n";
  expected.push_back({what, recipient});
}

// ---- How sessions end ----

void Client::end_with(const mail::Reply& reply) {
  if (in_message()) {
    message.on_end(reply);
  } else {
    failure = reply;
  }
  phase = Phase::closed;
  out.clear();
  expected.clear();
}

void Client::break_off(Breakage why, mail::Reply own) {
  if (phase == Phase::quitting) phase = Phase::closed; // all was settled before
  if (phase == Phase::closed) {
    out.clear();
    return;
  }
  // Whatever breaks between STARTTLS and the end of the handshake is a failure of TLS: without it the peer may do.
  const bool about_tls =
      phase == Phase::handshake || (!expected.empty() && expected.front().command == Command::starttls);
  breakage = about_tls ? Breakage::tls_failed : why;
  message.note_doubt();
  end_with(own);
}

void Client::malformed(std::string_view what) {
  break_off(Breakage::malformed, {450, {4, 5, 0}, "the other server broke the protocol: " + std::string(what)});
}

void Client::quit() {
  if (phase != Phase::ready) return;
  phase = Phase::quitting;
  command(Command::quit, "QUIT");
}

// ---- The public face ----

ClientSession::ClientSession(ClientOptions options, bool encrypted)
    : impl_(std::make_unique<Impl>(std::move(options), encrypted)) {}
ClientSession::~ClientSession() { sasl::wipe(impl_->options.password); }

void ClientSession::feed(std::string_view bytes) { impl_->feed(bytes); }
std::string_view ClientSession::refused_login() const { return impl_->setup.refused_login(); }
void ClientSession::set_channel(sasl::Channel channel) { impl_->setup.set_channel(std::move(channel)); }
void ClientSession::tls_started() {
  if (impl_->phase != Client::Phase::handshake) return;
  impl_->encrypted = true;
  impl_->phase = Client::Phase::setup;
  impl_->setup.say_hello();
}
void ClientSession::tls_failed(std::string cause) {
  constexpr std::string_view said_already = "the TLS handshake failed: ";
  if (cause.starts_with(said_already)) cause.erase(0, said_already.size());
  impl_->break_off(Breakage::tls_failed, {450, {4, 7, 5}, "the TLS handshake failed", std::move(cause)});
}
void ClientSession::timed_out() {
  impl_->break_off(Breakage::timeout, {450, {4, 4, 2}, "the other server did not answer in time"});
}
void ClientSession::eof() {
  while (impl_->phase != Client::Phase::closed && impl_->take_reply()) { // what it said last counts
  }
  impl_->break_off(Breakage::lost, {450, {4, 4, 2}, "the connection was lost"});
}
void ClientSession::send(OutgoingMessage message) { impl_->message.send(std::move(message)); }
void ClientSession::content(std::string_view bytes) {
  if (impl_->phase == Client::Phase::content) impl_->content.add(bytes);
}
void ClientSession::end_content() {
  if (impl_->phase == Client::Phase::content) impl_->content.end();
}
bool ClientSession::wants_content() const { return impl_->content.wanted(); }
bool ClientSession::sending() const {
  return impl_->phase == Impl::Phase::envelope || impl_->phase == Impl::Phase::content;
}
void ClientSession::abandon() {
  if (!impl_->in_message()) return;
  impl_->message.note_doubt();
  impl_->end_with({450, {4, 3, 0}, "the message could not be read here"});
}
void ClientSession::quit() { impl_->quit(); }
ClientAction ClientSession::next() { return impl_->next(); }

const PeerFeatures& ClientSession::features() const { return impl_->setup.features(); }
bool ClientSession::lmtp() const { return impl_->options.lmtp; }
std::span<const mail::Reply> ClientSession::results() const { return impl_->message.results(); }
std::span<const Settled> ClientSession::settled() const { return impl_->message.settled(); }
bool ClientSession::in_doubt() const { return impl_->message.in_doubt(); }
Breakage ClientSession::breakage() const { return impl_->breakage; }
const mail::Reply& ClientSession::failure() const { return impl_->failure; }
const mail::Reply& ClientSession::final_reply() const { return impl_->message.final_reply(); }
std::string_view ClientSession::greeting() const { return impl_->setup.greeting(); }
bool ClientSession::encrypted() const { return impl_->encrypted; }

} // namespace paquebot::smtp
