#pragma once

#include "base/clock.h"
#include "base/task.h"
#include "delivery/doors.h"
#include "delivery/proof.h"
#include "delivery/terms.h"
#include "mail/told.h"
#include "net/stream.h"
#include "net/tls.h"
#include "smtp/client_session.h"

#include <memory>
#include <set>
#include <string>
#include <utility>

namespace paquebot::delivery {

/// Whose connection it is.
struct PeerIdentity {
  std::string name;    ///< "mx.example.org [192.0.2.1]:25", for replies and trails
  std::string host;    ///< as the plan calls it
  std::string address; ///< "[192.0.2.1]:25", or of a local socket the path in brackets
  std::uint16_t port = 25;
  queue::Need need{}; ///< what was asked of it; a handshake that does not fulfil it fails
  Terms terms{};      ///< what it was made under
  std::string door{}; ///< of Doors

  /// Whose certificate is checked where one is; goes into SNI in any case.
  const std::string& server_name() const { return need.pkix() != nullptr ? need.pkix()->name : host; }
};

/// One open SMTP connection to another server: drives a smtp::ClientSession over a net::Stream.
class Peer {
public:
  enum class Event { ready, need_content, message_done, closed };

  /// `tls` is used for STARTTLS, and checks certificates if the identity's need is pkix.
  Peer(net::Stream stream, smtp::ClientOptions options, bool encrypted, PeerIdentity identity,
       std::shared_ptr<net::TlsContext> tls);

  /// Performs the session's actions until it has something to tell.
  Task<Event> run();

  /// Bounds the message that is sent next: its envelope and content are given by then, however the peer paces its replies and
  /// reads; the final reply has its own time (RFC 5321 section 4.5.3.2.6).
  void bound(std::chrono::steady_clock::time_point until) { until_ = until; }

  /// What it is waited for, it has had its time. Said again and again it must not put that end off: it counts once a wait.
  void hurry() {
    if (!std::exchange(hurried_, true)) stream_.set_deadline(system_clock().now());
  }

  /// It ended since the peer did not answer, or read, in time; and the time was not all that it has, since others waited. What it
  /// lacks was not found out then.
  bool timed_out() const { return timed_out_; }
  bool cut_short() const { return cut_short_; }

  smtp::ClientSession& session() { return session_; }
  const PeerIdentity& identity() const { return identity_; }
  /// A reply of its session, with whose it is (mail::Told::host): what was heard is the peer's.
  mail::Told told(mail::Reply reply) const;
  const net::TlsInfo& tls() const { return tls_info_; }
  void set_tls(net::TlsInfo info) { tls_info_ = std::move(info); }
  /// What it has shown so far.
  Proof proof() const;
  DoorHold door; ///< while it is used
  /// Messages sent so far, and the domains of their recipients as far as the peer limits them (RFC 9422).
  unsigned used = 0;
  unsigned carried = 0;       ///< of them those that the peer judged
  std::uint32_t rcpt_max = 0; ///< recipients of a transaction, as found out; 0: not known
  std::set<std::string> domains;

private:
  Task<void> write(std::string_view bytes);
  Task<void> read(smtp::ClientNeedInput need);
  Task<void> start_tls();
  void wait_at_most(std::chrono::milliseconds limit);
  void give_up();

  net::Stream stream_;
  smtp::ClientSession session_;
  PeerIdentity identity_;
  std::shared_ptr<net::TlsContext> tls_;
  net::TlsInfo tls_info_;
  bool told_of_login_ = false;
  bool hurried_ = false; ///< or must not be
  bool timed_out_ = false, cut_short_ = false;
  std::uint32_t window_ = ~0u;
  std::chrono::milliseconds write_limit_;
  std::chrono::steady_clock::time_point until_ = std::chrono::steady_clock::time_point::max();
};

/// Ends its session politely.
Task<void> say_goodbye(std::unique_ptr<Peer> peer);

} // namespace paquebot::delivery
