#pragma once

#include "directory/directory.h"
#include "imap/server_session.h"
#include "net/pump.h"
#include "net/tls.h"
#include "service/compression.h"
#include "service/imap_mailbox.h"
#include "service/login.h"
#include "service/mailbox_news.h"
#include "service/sessions.h"
#include "store/store.h"

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>

namespace paquebot::service {

struct ImapListenerOptions {
  std::shared_ptr<const imap::ServerOptions> session;
  std::shared_ptr<net::TlsContext> tls; ///< null: none
  bool implicit_tls = false;
  bool scram_by_accounts = false;         ///< ScramSwitch says whether SCRAM is offered
  std::size_t max_per_account = 20;       ///< sessions that are logged in to one account
  std::chrono::seconds write_within{300}; ///< a client that does not read what it asked for
};

struct ImapMeans {
  store::Store& store;
  Sessions& sessions;
  MailboxNews& news;
  AccountSeats& seats;
  UlidSource& ids;
  LoginMeans logins;
};

/// One IMAP session over one connection: net::Pump performs what imap::ServerSession wants of the connection; what it
/// asks is answered by ImapMailbox.
class ImapConnection : public LiveSession, public MailboxWatcher, private net::Session {
public:
  ImapConnection(ImapMeans means, std::shared_ptr<const ImapListenerOptions> options, net::Stream stream,
                 boost::asio::any_io_executor executor);
  static Task<void> serve(std::shared_ptr<ImapConnection> self);

  void shut_down() override;
  void end() override;
  void break_off() override;
  net::LiveFacts facts() const override;
  void watch(std::shared_ptr<net::Transcript> transcript) override;
  void mailbox_changed() override;

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
  void note_sent(std::size_t octets);
  Task<bool> begin();
  Task<void> ask(imap::AskLogin ask);
  Task<void> ask(imap::Ask ask);
  Task<imap::Answer> may_compress();
  bool begin_compression();
  bool unpack_some();
  Task<void> let_others();
  imap::LoginVerdict seat(store::Account account);

  ImapMeans means_;
  std::shared_ptr<const ImapListenerOptions> options_;
  net::Pump pump_;
  boost::asio::any_io_executor executor_;
  std::weak_ptr<MailboxWatcher> self_;
  const std::string peer_;
  std::unique_ptr<imap::ServerSession> session_; ///< null before implicit TLS is there
  Sessions::Token token_ = 0;
  std::optional<LoginDesk> desk_;
  ImapMailbox mailbox_;
  store::Id seated_ = 0;                        ///< whose seat it has
  imap::Action action_;                         ///< the one under way
  std::unique_ptr<Compression> compression_;    ///< null: there is none
  std::size_t unpacked_ = 0;                    ///< octets, since others had their turn
  std::string tls_;                             ///< version
  std::shared_ptr<net::Transcript> transcript_; ///< null: nobody watches
  std::shared_ptr<std::size_t> told_;           ///< octets that were written down as lines, and not sent yet
};

} // namespace paquebot::service
