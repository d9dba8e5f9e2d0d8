#pragma once

#include "net/pump.h"
#include "pop3/server_session.h"
#include "service/sessions.h"
#include "sink/means.h"

#include <memory>
#include <string>
#include <vector>

namespace paquebot::sink {

/// One POP3 session of the sink: the login name is the inbox, any password will do. What is in it at the login is what
/// the session sees, oldest first; several sessions may look at one inbox.
class Pop3Session : public service::LiveSession, private net::Session {
public:
  Pop3Session(Means& means, net::Stream stream, boost::asio::any_io_executor executor);
  static Task<void> serve(std::shared_ptr<Pop3Session> self);

  void shut_down() override;
  void end() override { pump_.cut(); }

private:
  net::Order next() override;
  Task<void> answer() override;
  void feed(std::string_view bytes) override { session_.feed(bytes); }
  void eof() override { session_.eof(); }
  void out_of_time() override { session_.timed_out(); }
  Handshake handshake() override { return {*means_.tls.at("")}; }
  void tls_started(net::TlsInfo info) override;
  void tls_failed(const Error&) override { session_.eof(); }

  void ask(const pop3::AskLogin& ask);
  void ask(const pop3::AskOpen& ask);
  void ask(const pop3::AskList& ask);
  void ask(const pop3::AskMessage& ask);
  void ask(const pop3::AskCommit& ask);

  Means& means_;
  net::Pump pump_;
  boost::asio::any_io_executor executor_;
  pop3::ServerSession session_;
  service::Sessions::Token token_ = 0;
  std::string inbox_;
  std::vector<MessagePtr> messages_; ///< number 1 first
  std::size_t given_ = 0;            ///< octets of the message under way
  pop3::Action action_;              ///< the one under way
};

} // namespace paquebot::sink
