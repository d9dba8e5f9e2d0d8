#pragma once

#include "http/server_session.h"
#include "http/site.h"
#include "net/network.h"
#include "net/pump.h"
#include "net/tls.h"
#include "service/sessions.h"
#include "store/byte_budget.h"

#include <memory>
#include <string>

namespace paquebot::service {

struct HttpListenerOptions {
  std::shared_ptr<const http::ServerOptions> session;
  std::shared_ptr<net::TlsContext> tls; ///< from the first octet; null: none
  net::Networks forwarded_from;         ///< proxies whose word on who visits counts (forwarded.h)
  bool redirect = false;                ///< without TLS: answers challenges, and sends everybody else to https
};

struct HttpParts {
  http::Site& site; ///< outlives the connection
  Sessions& sessions;
  store::ByteBudget* memory; ///< for content that comes in; null: only the site bounds it
};

/// One HTTP connection: net::Pump performs what http::ServerSession wants of the connection, a site answers. Content is
/// kept until it is whole, in the budget beyond its first octets.
class HttpConnection : public LiveSession, private net::Session {
public:
  HttpConnection(HttpParts parts, std::shared_ptr<const HttpListenerOptions> options, net::Stream stream,
                 boost::asio::any_io_executor executor);
  static Task<void> serve(std::shared_ptr<HttpConnection> self);

  void shut_down() override;
  void end() override;
  net::LiveFacts facts() const override;
  void watch(std::shared_ptr<net::Transcript> transcript) override;

private:
  net::Order next() override;
  Task<void> answer() override;
  void feed(std::string_view bytes) override { session_.feed(bytes); }
  void eof() override { session_.eof(); }
  void out_of_time() override { session_.timed_out(); }
  Handshake handshake() override { return {*options_->tls}; }
  void tls_started(net::TlsInfo) override {}
  void tls_failed(const Error&) override { session_.eof(); }

  Task<bool> begin();
  void begin_request(const http::AskRequest& ask);
  bool keep(const http::Content& piece);
  void forget();
  Task<void> ask(http::AskRequest ask);
  Task<void> ask(http::Content piece);
  Task<void> ask(http::AskResponse ask);
  Task<void> ask(http::AskContent ask);
  Task<void> respond(std::uint32_t id);
  Task<http::Answer> have_answered(http::Exchange exchange);
  void note(const http::Request& request, unsigned status) const;

  HttpParts parts_;
  std::shared_ptr<const HttpListenerOptions> options_;
  net::Pump pump_;
  boost::asio::any_io_executor executor_;
  http::ServerSession session_;
  http::Visitor peer_; ///< at the other end of the connection
  Sessions::Token token_ = 0;
  http::Action action_;                    ///< the one under way
  const http::Request* request_ = nullptr; ///< in hand, until it is answered
  std::string content_;                    ///< of it, so far
  store::BudgetShare share_;               ///< for it
  std::unique_ptr<http::ContentSource> source_;
};

/// How the control socket is served; who is heard there is for the site to say.
std::shared_ptr<const HttpListenerOptions> control_socket_options();

} // namespace paquebot::service
