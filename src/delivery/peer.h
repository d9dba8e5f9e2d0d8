#pragma once

#include "base/task.h"
#include "mail/told.h"
#include "net/stream.h"
#include "net/tls.h"
#include "smtp/client_session.h"

#include <memory>
#include <set>
#include <string>

namespace paquebot::delivery {

/// One open SMTP connection to another server: drives a smtp::ClientSession over a net::Stream.
class Peer {
public:
  enum class Event { ready, need_content, message_done, closed };

  /// `name` is "mx.example.org [192.0.2.1]:25", for replies and trails. `tls` is used for STARTTLS.
  Peer(net::Stream stream, smtp::ClientOptions options, bool encrypted, std::string name, std::string server_name,
       std::shared_ptr<net::TlsContext> tls);

  /// Performs the session's actions until it has something to tell.
  Task<Event> run();

  smtp::ClientSession& session() { return session_; }
  const std::string& name() const { return name_; }
  /// The host as the plan calls it.
  const std::string& host() const { return server_name_; }
  /// A reply of its session, with whose it is (mail::Told::host): what was heard is the peer's.
  mail::Told told(mail::Reply reply) const;
  const net::TlsInfo& tls() const { return tls_info_; }
  void set_tls(net::TlsInfo info) { tls_info_ = std::move(info); }
  /// Messages sent so far, and the domains of their recipients as far as the peer limits them (RFC 9422).
  unsigned used = 0;
  std::set<std::string> domains;

private:
  Task<void> write(std::string_view bytes);
  Task<void> read(smtp::ClientNeedInput need);
  Task<void> start_tls();

  net::Stream stream_;
  smtp::ClientSession session_;
  std::string name_;
  std::string server_name_;
  std::shared_ptr<net::TlsContext> tls_;
  net::TlsInfo tls_info_;
  std::uint32_t window_ = ~0u;
  std::chrono::milliseconds write_limit_;
};

} // namespace paquebot::delivery
