#include "smtp/client_session.h"

#include "sasl/secret.h"
#include "smtp/client_impl.h"

#include <cassert>

namespace paquebot::smtp {

using Client = ClientSession::Impl;

Client::Impl(ClientOptions options, bool encrypted)
    : options_(std::move(options)), encrypted_(encrypted), parser_(options_.max_reply_line, options_.max_reply_lines) {
  expected_.push_back({Command::greeting});
}

// ---- What comes next ----

ClientAction Client::next() {
  sending_.clear();
  for (;;) {
    if (!out_.empty()) {
      std::swap(out_, sending_);
      ++window_;
      return ClientSend{sending_};
    }
    if (std::exchange(done_, false)) return MessageDone{};
    if (phase_ == Phase::closed) return Closed{};
    if (phase_ == Phase::handshake) return ClientStartTls{};
    if (phase_ == Phase::envelope && expected_.empty()) {
      advance();
      continue;
    }
    if (take_reply()) continue;
    if (wants_content()) return NeedContent{};
    if (!expected_.empty()) return need_input();
    assert(phase_ == Phase::ready && "in all other phases a reply is expected");
    return Ready{};
  }
}

ClientAction Client::need_input() {
  const auto& o = options_;
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
  return ClientNeedInput{within(expected_.front().command), window_};
}

// ---- Input ----

void Client::feed(std::string_view bytes) {
  if (phase_ == Phase::closed) return;
  if (phase_ == Phase::handshake) return malformed("bytes in clear behind the reply to STARTTLS"); // RFC 3207 section 6
  // Few octets and few copies: replies are short. What is left from before comes first.
  std::string joined(unread_);
  joined += bytes;
  input_ = std::move(joined);
  unread_ = input_;
}

bool Client::take_reply() {
  switch (parser_.next(unread_)) {
    case ReplyParser::Status::none: return false;
    case ReplyParser::Status::malformed: malformed("what it said is no reply"); return true;
    case ReplyParser::Status::reply: break;
  }
  ++window_;
  mail::Reply reply = parser_.take();
  reply.heard = true;
  if (expected_.empty()) {
    unexpected_reply(std::move(reply));
    return true;
  }
  const Expected expected = expected_.front();
  expected_.pop_front();
  on_reply(expected, std::move(reply));
  return true;
}

void Client::on_reply(Expected expected, mail::Reply reply) {
  // RFC 5321 section 3.8: after 421 the peer closes, whatever it was the reply to.
  if (reply.code == 421 && expected.command != Command::quit) return end_with(reply);
  switch (expected.command) {
    case Command::greeting: return on_greeting(std::move(reply));
    case Command::ehlo: return on_ehlo(std::move(reply));
    case Command::helo: return on_helo(std::move(reply));
    case Command::starttls: return on_starttls(std::move(reply));
    case Command::auth: return on_auth(std::move(reply));
    case Command::rset: return;
    case Command::mail: return on_mail(std::move(reply));
    case Command::rcpt: return on_rcpt(expected.recipient, std::move(reply));
    case Command::data: return on_data(std::move(reply));
    case Command::bdat: return on_chunk(std::move(reply));
    case Command::final: return on_final(expected.recipient, std::move(reply));
    case Command::empty_final: return message_done();
    case Command::quit: phase_ = Phase::closed; return;
  }
}

/// A reply to nothing that we sent: a refusal in the midst of the content counts, 421 says why the peer goes.
void Client::unexpected_reply(mail::Reply reply) {
  const bool early_refusal = phase_ == Phase::content && (reply.transient() || reply.permanent());
  if (early_refusal) {
    final_reply_ = reply;
    if (reply.code != 421) settle_rest(reply, Settled::content);
  }
  if (early_refusal || reply.code == 421) return end_with(reply);
  malformed("it said more than it was asked");
}

// ---- Output ----

void Client::command(Command what, std::string_view line, std::size_t recipient) {
  out_ += line;
  out_ += "\r\n";
  expected_.push_back({what, recipient});
}

// ---- How sessions end ----

void Client::end_with(const mail::Reply& reply) {
  if (in_message()) {
    settle_rest(reply, Settled::broken);
    done_ = true;
  } else {
    failure_ = reply;
  }
  phase_ = Phase::closed;
  out_.clear();
  expected_.clear();
}

void Client::break_off(Breakage breakage, mail::Reply own) {
  if (phase_ == Phase::quitting) phase_ = Phase::closed; // all was settled before
  if (phase_ == Phase::closed) {
    out_.clear();
    return;
  }
  // Whatever breaks between STARTTLS and the end of the handshake is a failure of TLS: without it the peer may do.
  const bool about_tls =
      phase_ == Phase::handshake || (!expected_.empty() && expected_.front().command == Command::starttls);
  breakage_ = about_tls ? Breakage::tls_failed : breakage;
  // RFC 5321 section 4.5.3.2.6: without the final reply nobody knows whether the message was taken.
  in_doubt_ = phase_ == Phase::final && refusal_.code == 0;
  end_with(own);
}

void Client::malformed(std::string_view what) {
  break_off(Breakage::malformed, {450, {4, 5, 0}, "the other server broke the protocol: " + std::string(what)});
}

void Client::quit() {
  if (phase_ != Phase::ready) return;
  phase_ = Phase::quitting;
  command(Command::quit, "QUIT");
}

// ---- The public face ----

ClientSession::ClientSession(ClientOptions options, bool encrypted)
    : impl_(std::make_unique<Impl>(std::move(options), encrypted)) {}
ClientSession::~ClientSession() { sasl::wipe(impl_->options_.password); }

void ClientSession::feed(std::string_view bytes) { impl_->feed(bytes); }
std::string_view ClientSession::refused_login() const { return impl_->refused_login_; }
void ClientSession::set_channel(sasl::Channel channel) { impl_->channel_ = std::move(channel); }
void ClientSession::tls_started() {
  if (impl_->phase_ != Client::Phase::handshake) return;
  impl_->encrypted_ = true;
  impl_->phase_ = Client::Phase::setup;
  impl_->say_hello();
}
void ClientSession::tls_failed(std::string cause) {
  impl_->break_off(Breakage::tls_failed, {450, {4, 7, 5}, "the TLS handshake failed", std::move(cause)});
}
void ClientSession::timed_out() {
  impl_->break_off(Breakage::timeout, {450, {4, 4, 2}, "the other server did not answer in time"});
}
void ClientSession::eof() {
  while (impl_->phase_ != Client::Phase::closed && impl_->take_reply()) { // what it said last counts
  }
  impl_->break_off(Breakage::lost, {450, {4, 4, 2}, "the connection was lost"});
}
void ClientSession::send(OutgoingMessage message) { impl_->send(std::move(message)); }
void ClientSession::content(std::string_view bytes) {
  if (impl_->phase_ == Client::Phase::content) impl_->content(bytes);
}
void ClientSession::end_content() { impl_->end_content(); }
bool ClientSession::wants_content() const { return impl_->wants_content(); }
bool ClientSession::sending() const {
  return impl_->phase_ == Impl::Phase::envelope || impl_->phase_ == Impl::Phase::content;
}
void ClientSession::abandon() {
  if (!impl_->in_message()) return;
  impl_->in_doubt_ = impl_->phase_ == Client::Phase::final && impl_->refusal_.code == 0;
  impl_->end_with({450, {4, 3, 0}, "the message could not be read here"});
}
void ClientSession::quit() { impl_->quit(); }
ClientAction ClientSession::next() { return impl_->next(); }

const PeerFeatures& ClientSession::features() const { return impl_->features_; }
bool ClientSession::lmtp() const { return impl_->options_.lmtp; }
std::span<const mail::Reply> ClientSession::results() const { return impl_->results_; }
std::span<const Settled> ClientSession::settled() const { return impl_->settled_; }
bool ClientSession::in_doubt() const { return impl_->in_doubt_; }
Breakage ClientSession::breakage() const { return impl_->breakage_; }
const mail::Reply& ClientSession::failure() const { return impl_->failure_; }
const mail::Reply& ClientSession::final_reply() const { return impl_->final_reply_; }
std::string_view ClientSession::greeting() const { return impl_->greeting_; }
bool ClientSession::encrypted() const { return impl_->encrypted_; }

} // namespace paquebot::smtp
