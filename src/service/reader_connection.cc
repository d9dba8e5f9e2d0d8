#include "service/reader_connection.h"

#include "base/clock.h"
#include "base/log.h"
#include "net/channel.h"
#include "service/attempt_note.h"

#include <utility>

namespace paquebot::service {
namespace {

/// For implicit TLS: nothing was said yet.
constexpr std::chrono::seconds kReadersFirstHandshake{30};

} // namespace

template <class Engine>
ReaderConnection<Engine>::ReaderConnection(const LoginMeans& logins, std::shared_ptr<const ReaderListener> listener,
                                           net::Stream stream, boost::asio::any_io_executor executor,
                                           std::string_view protocol)
    : listener_(std::move(listener)), pump_(std::move(stream), net::Pump::Side::server), executor_(std::move(executor)),
      peer_(pump_.stream().remote().address), logins_(logins), protocol_(protocol) {}

template <class Engine>
Task<void> ReaderConnection<Engine>::live(std::shared_ptr<LiveSession> self) {
  std::weak_ptr<LiveSession> seen_by_others = self;
  token_ = logins_.sessions.enter(executor_, std::move(seen_by_others));
  std::exception_ptr broke; // what was taken is given back all the same
  try {
    bool begun = co_await begin();
    if (begun) co_await pump_.run(*this);
  } catch (...) {
    broke = std::current_exception();
  }
  co_await leave();
  logins_.sessions.leave(token_);
  pump_.stream().close();
  if (broke) std::rethrow_exception(broke);
}

template <class Engine>
Task<bool> ReaderConnection<Engine>::begin() {
  if (listener_->implicit_tls) {
    net::TlsContext& context = *listener_->tls;
    auto info = co_await pump_.accept_tls(context, kReadersFirstHandshake);
    if (!info) {
      refused_tls(policy::Attempt::What::tls_failed, info.error().message);
      co_return false;
    }
    tls_ = info->version;
  }
  session_ = make_engine();
  if (listener_->implicit_tls) session_->set_channel(net::channel_of(pump_.stream()));
  desk_.emplace(logins_, peer_, std::string(protocol_), token_, pump_.stream().local().port);
  if (listener_->scram_by_accounts && logins_.scram != nullptr) {
    ScramSwitch& scram = *logins_.scram;
    const bool offered = co_await scram.offered();
    session_->offer_scram(offered);
  }
  if (transcript_) listen();
  log::debug("connected", {{"client", peer_}, {"role", protocol_}});
  co_return true;
}

// ---- What others want of it ----

template <class Engine>
void ReaderConnection<Engine>::shut_down() {
  if (desk_) desk_->stop();
  if (session_) session_->shut_down();
  pump_.wake();
}

template <class Engine>
void ReaderConnection<Engine>::end() {
  if (pump_.reading()) { // it waits for a command: it is told why
    session_->log_out();
    pump_.wake();
    return;
  }
  break_off();
}

template <class Engine>
void ReaderConnection<Engine>::break_off() {
  if (desk_) desk_->stop();
  pump_.cut();
}

template <class Engine>
net::LiveFacts ReaderConnection<Engine>::seen(std::string account, std::string state) const {
  return {.protocol = std::string(protocol_),
          .role = std::string(protocol_),
          .peer = pump_.stream().remote().to_string(),
          .account = std::move(account),
          .state = session_ ? std::move(state) : "begins TLS",
          .tls = tls_};
}

template <class Engine>
void ReaderConnection<Engine>::watch(std::shared_ptr<net::Transcript> transcript) {
  transcript_ = std::move(transcript);
  if (session_) listen();
}

template <class Engine>
bool ReaderConnection<Engine>::is_watched(std::int64_t now) {
  if (!transcript_) return false;
  if (transcript_->watched(now)) return true;
  transcript_.reset();
  session_->listen({});
  return false;
}

// ---- What the pump tells ----

template <class Engine>
void ReaderConnection<Engine>::tls_started(net::TlsInfo info) {
  tls_ = std::move(info.version);
  session_->set_channel(net::channel_of(pump_.stream()));
  session_->tls_started();
}

template <class Engine>
void ReaderConnection<Engine>::tls_failed(const Error& why) {
  refused_tls(policy::Attempt::What::tls_failed, why.message);
  session_->eof();
}

/// For the log, and for its user.
template <class Engine>
void ReaderConnection<Engine>::refused_tls(policy::Attempt::What what, const std::string& why) {
  if (what == policy::Attempt::What::tls_failed) log::info("tls-failed", {{"client", peer_}, {"why", why}});
  note_attempt(logins_, pump_.stream(), peer_, protocol_, what, why);
}

template <class Engine>
void ReaderConnection<Engine>::look_for_tls(std::string_view bytes) {
  if (begins_tls(bytes) && !pump_.stream().encrypted()) refused_tls(policy::Attempt::What::tls_at_once, {});
}

template <class Engine>
Task<LoginAnswer> ReaderConnection<Engine>::ask_desk(sasl::Question question, std::string mechanism) {
  sasl::Channel channel = net::channel_of(pump_.stream());
  LoginDesk& desk = *desk_;
  co_return co_await desk.ask(std::move(question), std::move(channel), std::move(mechanism));
}

template class ReaderConnection<pop3::ServerSession>;
template class ReaderConnection<imap::ServerSession>;

} // namespace paquebot::service
