#pragma once

#include "imap/server_session.h"
#include "net/pump.h"
#include "net/tls.h"
#include "pop3/server_session.h"
#include "service/login.h"
#include "service/sessions.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace paquebot::service {

/// What a listener for readers has, whatever they speak.
struct ReaderListener {
  std::shared_ptr<net::TlsContext> tls; ///< null: none
  bool implicit_tls = false;
  bool scram_by_accounts = false; ///< ScramSwitch says whether SCRAM is offered
};

/// The connection of one who reads mail, as POP3 and IMAP have it alike: TLS, the desk for logins, how others end it or
/// watch it. net::Pump performs what `Engine` (pop3::ServerSession, imap::ServerSession) wants of the connection; who
/// derives from it answers what that asks.
template <class Engine>
class ReaderConnection : public LiveSession, protected net::Session {
public:
  void shut_down() override;
  void end() override;
  void break_off() override;
  void watch(std::shared_ptr<net::Transcript> transcript) override;

protected:
  /// `protocol`: "pop3" or "imap", of static storage.
  ReaderConnection(const LoginMeans& logins, std::shared_ptr<const ReaderListener> listener, net::Stream stream,
                   boost::asio::any_io_executor executor, std::string_view protocol);

  /// From the first octet to the last; `self` is this. Errors that are thrown come back when leave() is through.
  Task<void> live(std::shared_ptr<LiveSession> self);

  /// A session of its own for this connection, once implicit TLS is there.
  virtual std::unique_ptr<Engine> make_engine() const = 0;
  /// What was taken is given back.
  virtual Task<void> leave() = 0;
  /// The engine tells `transcript_` its lines.
  virtual void listen() = 0;
  /// Whether anybody still watches; if not, nothing is written down any more.
  bool is_watched(std::int64_t now);

  void eof() override { session_->eof(); }
  void out_of_time() override { session_->timed_out(); }
  Handshake handshake() override { return {*listener_->tls}; }
  void tls_started(net::TlsInfo info) override;
  void tls_failed(const Error& why) override;
  /// Of a client that begins with TLS where there is none yet, a note for its user.
  void look_for_tls(std::string_view bytes);
  /// The facts of every such session; `account` and `state` are the caller's.
  net::LiveFacts seen(std::string account, std::string state) const;
  /// What the desk says to a login that the engine asks about.
  Task<LoginAnswer> ask_desk(sasl::Question question, std::string mechanism);

  std::shared_ptr<const ReaderListener> listener_;
  net::Pump pump_;
  boost::asio::any_io_executor executor_;
  const std::string peer_;
  std::unique_ptr<Engine> session_; ///< null before implicit TLS is there
  std::optional<LoginDesk> desk_;
  std::shared_ptr<net::Transcript> transcript_; ///< null: nobody watches

private:
  Task<bool> begin();
  void refused_tls(policy::Attempt::What what, const std::string& why);

  LoginMeans logins_;
  std::string_view protocol_;
  Sessions::Token token_ = 0;
  std::string tls_; ///< version
};

extern template class ReaderConnection<pop3::ServerSession>;
extern template class ReaderConnection<imap::ServerSession>;

} // namespace paquebot::service
