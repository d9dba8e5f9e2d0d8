#pragma once

#include "pop3/server_session.h"
#include "service/login_delay.h"
#include "service/mailbox_holders.h"
#include "service/pop3_mailbox.h"
#include "service/reader_connection.h"
#include "store/store.h"

#include <chrono>
#include <memory>

namespace paquebot::service {

struct Pop3ListenerOptions : ReaderListener {
  std::shared_ptr<const pop3::ServerOptions> session;
  std::chrono::seconds takeover_after{10}; ///< who has been silent for longer gives way to a newer login
};

struct Pop3Means {
  store::Store& store;
  LoginDelay& login_delay;
  MailboxHolders& holders;
  LoginMeans logins;
};

/// One POP3 session over one connection: net::Pump performs what pop3::ServerSession wants of the connection; what it
/// asks is answered here, out of the Pop3Mailbox that is locked from login to the end.
class Pop3Connection : public ReaderConnection<pop3::ServerSession>, public MailboxHolder {
public:
  Pop3Connection(Pop3Means means, std::shared_ptr<const Pop3ListenerOptions> options, net::Stream stream,
                 boost::asio::any_io_executor executor);
  static Task<void> serve(std::shared_ptr<Pop3Connection> self);

  net::LiveFacts facts() const override;
  GivenUp give_way() override;

private:
  net::Order next() override;
  Task<void> answer() override;
  void feed(std::string_view bytes) override;
  std::unique_ptr<pop3::ServerSession> make_engine() const override;
  Task<void> leave() override;
  void listen() override;
  void note_sent(std::string_view bytes);
  Task<void> ask(pop3::Send send);
  Task<void> ask(pop3::AskLogin ask);
  Task<void> ask(pop3::AskOpen ask);
  Task<void> ask(pop3::AskList ask);
  Task<void> ask(pop3::AskMessage ask);
  Task<void> ask(pop3::AskCommit ask);
  void cannot_read(std::uint32_t id, std::uint32_t number, const Error& why);

  std::shared_ptr<const Pop3ListenerOptions> options_;
  LoginDelay& login_delay_;
  std::weak_ptr<MailboxHolder> self_;
  store::Account account_;
  Pop3Mailbox mailbox_;
  pop3::Action action_;   ///< the one under way
  bool deferred_ = false; ///< it comes once more
  /// With that: a command was heard since something was sent, so that what is sent next begins with the reply.
  std::shared_ptr<bool> heard_;
};

} // namespace paquebot::service
