#pragma once

#include "net/pump.h"
#include "service/sessions.h"
#include "sink/means.h"
#include "smtp/server_session.h"

#include <memory>

namespace paquebot::sink {

/// One SMTP session of the sink: net::Pump performs what smtp::ServerSession wants of the connection, all that it asks
/// is taken, and at each stage the list of faults is asked first. Nothing is ever sent on.
class SmtpSession : public service::LiveSession, private net::Session {
public:
  SmtpSession(Means& means, net::Stream stream, boost::asio::any_io_executor executor);
  static Task<void> serve(std::shared_ptr<SmtpSession> self);

  void shut_down() override;
  void end() override { pump_.cut(); }

private:
  net::Order next() override;
  Task<void> answer() override;
  void feed(std::string_view bytes) override;
  void eof() override { session_.eof(); }
  void out_of_time() override { session_.timed_out(); }
  Handshake handshake() override;
  void tls_started(net::TlsInfo info) override;
  void tls_failed(const Error& why) override;

  Task<void> ask(smtp::AskPeer ask);
  Task<void> ask(smtp::AskHelo ask);
  Task<void> ask(smtp::AskLogin ask);
  Task<void> ask(smtp::AskMail ask);
  Task<void> ask(smtp::AskRecipient ask);
  Task<void> ask(smtp::AskEtrn ask);
  Task<void> ask(smtp::AskData ask);
  Task<void> ask(smtp::Chunk chunk);
  Task<void> ask(smtp::Discard);
  Task<void> ask(smtp::AskContent ask);

  bool begins_tls(std::string_view bytes);
  net::Order send(std::string_view bytes);
  Occasion occasion(Stage stage) const;
  Task<mail::Reply> meet(Occasion occasion);
  Task<mail::Reply> perform(Hit hit);
  Task<void> settle(std::uint32_t id, Stage stage, std::uint16_t code);
  Task<mail::Reply> keep();
  void give_up();

  Means& means_;
  net::Pump pump_;
  boost::asio::any_io_executor executor_;
  smtp::ServerSession session_;
  const std::string client_;
  service::Sessions::Token token_ = 0;
  smtp::Action action_; ///< the one under way
  std::string tls_;     ///< its version, once it is there
  std::string content_; ///< of the message that comes
  // What faults do:
  std::string own_words_, said_;     ///< instead of the engine's: to be sent, and on their way
  std::string_view unsent_;          ///< of a reply that drips
  std::chrono::milliseconds drip_{}; ///< the pause between its octets; 0: none
  bool paused_ = false;
  std::optional<Hit> waiting_; ///< is to happen before anything else
  std::string certificate_;    ///< of the next handshake
  bool line_begins_ = true;    ///< what comes next is a command's first octet
};

} // namespace paquebot::sink
