#pragma once

#include "directory/directory.h"
#include "net/pump.h"
#include "net/tls.h"
#include "pop3/server_session.h"
#include "service/login.h"
#include "service/login_delay.h"
#include "service/mailbox_holders.h"
#include "service/pop3_mailbox.h"
#include "service/sessions.h"
#include "store/store.h"

#include <chrono>
#include <memory>
#include <optional>

namespace paquebot::service {

struct Pop3ListenerOptions {
  std::shared_ptr<const pop3::ServerOptions> session;
  std::shared_ptr<net::TlsContext> tls; ///< null: none
  bool implicit_tls = false;
  bool scram_by_accounts = false;          ///< ScramSwitch says whether SCRAM is offered
  std::chrono::seconds takeover_after{10}; ///< who has been silent for longer gives way to a newer login
};

struct Pop3Means {
  store::Store& store;
  directory::Directory& directory;
  Sessions& sessions;
  LoginDelay& login_delay;
  MailboxHolders& holders;
  LoginMeans logins;
};

/// One POP3 session over one connection: net::Pump performs what pop3::ServerSession wants of the connection; what it
/// asks is answered here, out of the Pop3Mailbox that is locked from login to the end.
class Pop3Connection : public LiveSession, public MailboxHolder, private net::Session {
public:
  Pop3Connection(Pop3Means means, std::shared_ptr<const Pop3ListenerOptions> options, net::Stream stream,
                 boost::asio::any_io_executor executor);
  static Task<void> serve(std::shared_ptr<Pop3Connection> self);

  void shut_down() override;
  void end() override;
  void break_off() override;
  net::LiveFacts facts() const override;
  void watch(std::shared_ptr<net::Transcript> transcript) override;
  GivenUp give_way() override;

private:
  net::Order next() override;
  Task<void> answer() override;
  void feed(std::string_view bytes) override;
  void eof() override { session_->eof(); }
  void out_of_time() override { session_->timed_out(); }
  Handshake handshake() override { return {*options_->tls}; }
  void tls_started(net::TlsInfo info) override;
  void tls_failed(const Error& why) override;

  void refused_tls(policy::Attempt::What what, const std::string& why);
  void listen();
  void note_sent(std::string_view bytes);
  Task<bool> begin();
  Task<void> release_mailbox();
  Task<void> ask(pop3::Send send);
  Task<void> ask(pop3::AskLogin ask);
  Task<void> ask(pop3::AskOpen ask);
  Task<void> ask(pop3::AskList ask);
  Task<void> ask(pop3::AskMessage ask);
  Task<void> ask(pop3::AskCommit ask);
  void cannot_read(std::uint32_t id, std::uint32_t number, const Error& why);

  Pop3Means means_;
  std::shared_ptr<const Pop3ListenerOptions> options_;
  net::Pump pump_;
  boost::asio::any_io_executor executor_;
  std::weak_ptr<MailboxHolder> self_;
  const std::string peer_;
  std::unique_ptr<pop3::ServerSession> session_; ///< null before implicit TLS is there
  Sessions::Token token_ = 0;
  std::optional<LoginDesk> desk_;
  store::Account account_;
  Pop3Mailbox mailbox_;
  pop3::Action action_;                         ///< the one under way
  bool deferred_ = false;                       ///< it comes once more
  std::shared_ptr<net::Transcript> transcript_; ///< null: nobody watches
  /// With that: a command was heard since something was sent, so that what is sent next begins with the reply.
  std::shared_ptr<bool> heard_;
  std::string tls_; ///< version
};

} // namespace paquebot::service
