#include "delivery/peer.h"

#include "base/clock.h"
#include "base/log.h"
#include "net/channel.h"
#include "net/endpoint.h"

#include <algorithm>
#include <utility>

namespace paquebot::delivery {
namespace {

/// RFC 3464 section 2.1.2: a domain, or an address in brackets as RFC 5321 section 4.1.3 writes it. Local sockets have no such name.
std::string name_for_reports(const std::string& host) {
  if (host.starts_with('/')) return {};
  if (!net::is_ip_address(host)) return host;
  return (host.find(':') == std::string::npos ? "[" : "[IPv6:") + host + "]";
}

} // namespace

Peer::Peer(net::Stream stream, smtp::ClientOptions options, bool encrypted, PeerIdentity identity,
           std::shared_ptr<net::TlsContext> tls)
    : stream_(std::move(stream)), session_(options, encrypted), identity_(std::move(identity)), tls_(std::move(tls)),
      write_limit_(options.block_timeout) {
  if (encrypted) session_.set_channel(net::channel_of(stream_));
}

mail::Told Peer::told(mail::Reply reply) const {
  const std::string security = tls_info_.version.empty() ? "" : " (" + tls_info_.version + ")";
  return mail::Told::by(std::move(reply), name_for_reports(identity_.host), identity_.name + security);
}

Proof Peer::proof() const {
  Proof proof{.encrypted = !tls_info_.version.empty(), .onward = session_.features().requiretls};
  const queue::Need::Pkix* pkix = identity_.need.pkix();
  if (!proof.encrypted || pkix == nullptr) return proof;
  proof.name = pkix->name;
  proof.roots = pkix->roots;
  return proof;
}

Task<Peer::Event> Peer::run() {
  for (;;) {
    smtp::ClientAction action = session_.next();
    if (auto* send = std::get_if<smtp::ClientSend>(&action)) {
      std::string_view bytes = send->bytes;
      co_await write(bytes);
    } else if (auto* need = std::get_if<smtp::ClientNeedInput>(&action)) {
      smtp::ClientNeedInput wanted = *need;
      co_await read(wanted);
    } else if (std::holds_alternative<smtp::ClientStartTls>(action)) {
      co_await start_tls();
    } else if (std::holds_alternative<smtp::Ready>(action)) {
      stream_.release_buffer();
      if (!session_.refused_login().empty() && !std::exchange(told_of_login_, true))
        log::info("login-fell-back", {{"host", identity_.host}, {"why", session_.refused_login()}});
      co_return Event::ready;
    } else if (std::holds_alternative<smtp::NeedContent>(action)) {
      co_return Event::need_content;
    } else if (std::holds_alternative<smtp::MessageDone>(action)) {
      co_return Event::message_done;
    } else {
      stream_.close();
      co_return Event::closed;
    }
  }
}

/// From now; while a message is being sent not beyond its bound.
void Peer::wait_at_most(std::chrono::milliseconds limit) {
  auto deadline = system_clock().now() + limit;
  if (session_.sending()) deadline = std::min(deadline, until_);
  stream_.set_deadline(deadline);
  hurried_ = false;
}

/// Its time is over.
void Peer::give_up() {
  timed_out_ = true;
  cut_short_ = hurried_;
  session_.timed_out();
}

Task<void> Peer::write(std::string_view bytes) {
  wait_at_most(write_limit_);
  window_ = ~0u;
  auto done = co_await stream_.write(bytes);
  if (done) co_return;
  if (done.error().code == Errc::timeout) {
    give_up();
    co_return;
  }
  // The peer may have said why before it closed (a 552 in the middle of data, a 421).
  stream_.set_deadline(system_clock().now() + std::chrono::seconds(5));
  auto last_words = co_await stream_.read();
  if (last_words && !last_words->empty()) session_.feed(*last_words);
  session_.eof();
}

Task<void> Peer::read(smtp::ClientNeedInput need) {
  if (need.window != window_) {
    window_ = need.window;
    wait_at_most(need.within);
  }
  auto input = co_await stream_.read();
  if (input && !input->empty())
    session_.feed(*input);
  else if (!input && input.error().code == Errc::timeout)
    give_up();
  else
    session_.eof();
}

Task<void> Peer::start_tls() {
  hurried_ = true; // it has its own bound: cut short, the peer would look as if it could not do TLS
  stream_.set_deadline(system_clock().now() + std::chrono::seconds(60));
  net::TlsContext& context = *tls_;
  const std::string& name = identity_.server_name();
  auto done = co_await stream_.start_tls_client(context, name);
  if (done) {
    tls_info_ = *done;
    session_.set_channel(net::channel_of(stream_));
    session_.tls_started();
  } else {
    timed_out_ = done.error().code == Errc::timeout;
    session_.tls_failed(done.error().message);
  }
}

Task<void> say_goodbye(std::unique_ptr<Peer> peer) {
  Peer& leaving = *peer;
  leaving.session().quit();
  while (co_await leaving.run() != Peer::Event::closed) {
  }
}

} // namespace paquebot::delivery
