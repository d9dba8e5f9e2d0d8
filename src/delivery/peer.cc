#include "delivery/peer.h"

#include "base/log.h"
#include "delivery/protection.h"
#include "net/channel.h"
#include "net/endpoint.h"

#include <stdexcept>
#include <utility>

namespace paquebot::delivery {
namespace {

/// RFC 3464 section 2.1.2: a domain, or an address in brackets as RFC 5321 section 4.1.3 writes it. Local sockets have
/// no such name.
std::string name_for_reports(const std::string& host) {
  if (host.starts_with('/')) return {};
  if (!net::is_ip_address(host)) return host;
  return (host.find(':') == std::string::npos ? "[" : "[IPv6:") + host + "]";
}

} // namespace

Peer::Peer(net::Stream stream, smtp::ClientOptions options, bool encrypted, PeerIdentity identity,
           std::shared_ptr<net::TlsContext> tls)
    : pump_(std::move(stream), net::Pump::Side::client), session_(options, encrypted), identity_(std::move(identity)),
      tls_(std::move(tls)), write_limit_(options.block_timeout) {
  served = {identity_.need, identity_.asked_by, identity_.sts_testing, identity_.sts_named, identity_.tlsa_unusable};
  if (encrypted) session_.set_channel(net::channel_of(pump_.stream()));
  local_ = pump_.stream().local().address;
}

Peer::~Peer() {
  if (live_) live_->leave(number_);
}

void Peer::show_in(std::shared_ptr<LivePeers> live) {
  live_ = std::move(live);
  number_ = live_->enter(*this, millis(system_clock().wall()));
}

net::LiveFacts Peer::facts() const {
  return {.protocol = session_.lmtp() ? "lmtp" : "smtp",
          .role = "delivery",
          .peer = identity_.address,
          .name = identity_.host,
          .state = in_content_       ? "gets a message"
                   : pump_.writing() ? "is slow to read"
                   : pump_.reading() ? "is to reply"
                                     : "rests",
          .tls = tls_info_.version,
          .last_reply = last_reply_,
          .destination = identity_.name};
}

void Peer::break_off() { pump_.stream().close(); }

void Peer::feed(std::string_view bytes) {
  constexpr std::size_t kMostKept = 100;
  std::string_view last = bytes.substr(0, bytes.find_last_not_of("\r\n") + 1);
  if (const auto line = last.rfind('\n'); line != last.npos) last.remove_prefix(line + 1);
  last_reply_.assign(last.starts_with("334") ? "334" : last.substr(0, kMostKept));
  if (transcript_) {
    const std::int64_t now = millis(system_clock().wall());
    if (!transcript_->watched(now))
      transcript_.reset();
    else if (last_reply_ == "334")
      transcript_->add(net::Transcript::Who::peer, "334 (hidden)", now);
    else
      transcript_->add_lines(net::Transcript::Who::peer, bytes, now);
  }
  session_.feed(bytes);
}

/// Without what logs us in, and without what is sent for others.
void Peer::note_sent(std::string_view bytes) {
  using Who = net::Transcript::Who;
  const std::int64_t now = millis(system_clock().wall());
  if (in_content_) return transcript_->add_content(Who::us, bytes.size(), now);
  if (last_reply_ == "334") return transcript_->add(Who::us, "(hidden)", now);
  if (!bytes.starts_with("AUTH ")) return transcript_->add_lines(Who::us, bytes, now);
  const auto mechanism = bytes.find_first_of(" \r", 5);
  transcript_->add(Who::us, std::string(bytes.substr(0, mechanism)) + " (hidden)", now);
}

std::string Peer::words(bool whole) const {
  Hop hop{tls_info_, served.need, served.asked_by, identity_.in_clear, {}, identity_.configured};
  if (served.sts_testing) hop.sts_testing = testing_verdict(served.sts_named, tls_info_);
  return protection(hop, whole);
}

std::string Peer::protection_words() const { return words(true); }

mail::Told Peer::told(mail::Reply reply) const {
  const std::string how = words(reply.positive());
  const std::string security = how.empty() ? "" : " (" + how + ")";
  return mail::Told::by(std::move(reply), name_for_reports(identity_.host), identity_.name + security);
}

Proof Peer::proof() const {
  Proof proof{.encrypted = !tls_info_.version.empty(), .onward = session_.features().requiretls};
  proof.tlsa = tls_info_.tlsa;
  proof.tlsa_names = tls_info_.tlsa_names;
  const queue::Need::Pkix* pkix = identity_.need.pkix();
  if (!proof.encrypted || pkix == nullptr) return proof;
  proof.name = pkix->name;
  proof.roots = pkix->roots;
  return proof;
}

Task<Peer::Event> Peer::run() {
  net::Session& self = *this;
  co_await pump_.run(self);
  co_return event_;
}

/// While a message is being sent, no wait goes beyond its bound.
net::Order Peer::next() {
  using Kind = net::Order::Kind;
  smtp::ClientAction action = session_.next();
  const auto by = session_.sending() ? until_ : net::Order::Instant::max();
  if (const auto* send = std::get_if<smtp::ClientSend>(&action)) {
    if (transcript_) note_sent(send->bytes);
    return {.kind = Kind::send, .bytes = send->bytes, .within = write_limit_, .by = by};
  }
  if (const auto* need = std::get_if<smtp::ClientNeedInput>(&action))
    return {.kind = Kind::read, .within = need->within, .window = need->window, .by = by};
  if (std::holds_alternative<smtp::ClientStartTls>(action)) return {.kind = Kind::tls};
  in_content_ = std::holds_alternative<smtp::NeedContent>(action);
  if (std::holds_alternative<smtp::Ready>(action)) {
    pump_.stream().release_buffer();
    if (!session_.refused_login().empty() && !std::exchange(told_of_login_, true))
      log::info("login-fell-back", {{"host", identity_.host}, {"why", session_.refused_login()}});
    event_ = Event::ready;
  } else if (std::holds_alternative<smtp::NeedContent>(action)) {
    event_ = Event::need_content;
  } else if (std::holds_alternative<smtp::MessageDone>(action)) {
    event_ = Event::message_done;
  } else {
    pump_.stream().close();
    event_ = Event::closed;
  }
  return {.kind = Kind::rest};
}

Task<void> Peer::answer() { throw std::logic_error("a client's engine asks nothing"); }

void Peer::out_of_time() {
  timed_out_ = true;
  cut_short_ = pump_.hurried();
  session_.timed_out();
}

void Peer::tls_started(net::TlsInfo info) {
  tls_info_ = std::move(info);
  flaw_ = tls_info_.flaw_kind;
  session_.set_channel(net::channel_of(pump_.stream()));
  session_.tls_started();
}

void Peer::tls_failed(const Error& why) {
  timed_out_ = why.code == Errc::timeout;
  flaw_ = pump_.stream().certificate_flaw();
  session_.tls_failed(why.message);
}

Task<void> say_goodbye(std::unique_ptr<Peer> peer) {
  Peer& leaving = *peer;
  leaving.session().quit();
  while (co_await leaving.run() != Peer::Event::closed) {
  }
}

} // namespace paquebot::delivery
