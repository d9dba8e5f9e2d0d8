#pragma once

#include "service/smtp_client.h"
#include "service/smtp_notes.h"
#include "service/smtp_transaction.h"

#include <memory>

namespace paquebot::service {

/// One SMTP or LMTP session over one connection: net::Pump performs what smtp::ServerSession wants of the connection;
/// what it asks is answered here and, of transactions, by SmtpTransaction.
class SmtpConnection : public LiveSession, private net::Session {
public:
  SmtpConnection(std::shared_ptr<const SmtpMeans> means, std::shared_ptr<const SmtpListenerOptions> options,
                 net::Stream stream, boost::asio::any_io_executor executor);
  /// The whole session. `self` keeps the object alive meanwhile.
  static Task<void> serve(std::shared_ptr<SmtpConnection> self);

  void shut_down() override;
  void end() override;
  void break_off() override;
  net::LiveFacts facts() const override;
  void watch(std::shared_ptr<net::Transcript> transcript) override;

private:
  net::Order next() override;
  Task<void> answer() override;
  void feed(std::string_view bytes) override;
  void eof() override { client_.session->eof(); }
  void out_of_time() override;
  Handshake handshake() override { return {*client_.options->tls}; }
  void tls_started(net::TlsInfo info) override;
  void tls_failed(const Error& why) override;

  void listen();
  void note_content();
  void note_sent(std::string_view replies);
  std::string state() const;
  Task<bool> begin();
  Task<void> leave();
  Task<void> ask(smtp::AskPeer ask);
  Task<void> ask(smtp::AskHelo ask);
  Task<void> ask(smtp::AskLogin ask);
  Task<void> ask(smtp::AskEtrn ask);
  Task<mail::Reply> admit();
  Task<bool> spoke_early();
  LoginDesk& login_desk();

  SmtpClient client_;
  SmtpNotes notes_{client_};
  SmtpTransaction transaction_{client_, notes_};
  boost::asio::any_io_executor executor_;
  Sessions::Token token_ = 0;
  std::unique_ptr<LoginDesk> desk_;             ///< null before the first AUTH
  smtp::Action action_;                         ///< the one under way
  std::shared_ptr<net::Transcript> transcript_; ///< null: nobody watches
  std::string last_reply_;                      ///< its codes
};

} // namespace paquebot::service
