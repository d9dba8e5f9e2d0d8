#pragma once

#include "base/clock.h"
#include "base/task.h"
#include "delivery/doors.h"
#include "delivery/live_peers.h"
#include "delivery/proof.h"
#include "delivery/terms.h"
#include "mail/told.h"
#include "net/pump.h"
#include "net/tls.h"
#include "net/transcript.h"
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
  queue::Need need{};      ///< what was asked of it; a handshake that does not fulfil it fails
  Terms terms{};           ///< what it was made under
  std::string door{};      ///< of Doors
  std::string asked_by{};  ///< who asked for `need`, as in queue::Candidate
  std::string in_clear{};  ///< TLS was not tried: why
  bool configured = false; ///< no name of the DNS said where to
  bool sts_testing = false, sts_named = true, tlsa_unusable = false; ///< as in queue::Candidate

  /// Whose certificate is checked where one is; goes into SNI in any case.
  const std::string& server_name() const {
    if (need.dane() != nullptr) return need.dane()->names.front();
    return need.pkix() != nullptr ? need.pkix()->name : host;
  }
};

/// One open SMTP connection to another server: net::Pump performs what smtp::ClientSession wants of the connection.
class Peer : private net::Session {
public:
  enum class Event { ready, need_content, message_done, closed };

  /// `tls` is used for STARTTLS, and checks certificates if the identity's need is pkix or dane.
  Peer(net::Stream stream, smtp::ClientOptions options, bool encrypted, PeerIdentity identity,
       std::shared_ptr<net::TlsContext> tls);

  ~Peer() override;

  /// Is among those that are shown, from now on.
  void show_in(std::shared_ptr<LivePeers> live);
  net::LiveFacts facts() const;
  /// What is said from now on is written down there, as long as it is watched.
  void watch(std::shared_ptr<net::Transcript> transcript) { transcript_ = std::move(transcript); }
  /// At once: run() ends as if the connection were lost.
  void break_off();

  /// Performs the session's actions until it has something to tell.
  Task<Event> run();

  /// Bounds the message that is sent next: its envelope and content are given by then, however the peer paces its
  /// replies and reads; the final reply has its own time (RFC 5321 section 4.5.3.2.6).
  void bound(std::chrono::steady_clock::time_point until) { until_ = until; }

  /// What it is waited for, it has had its time. Said again and again it does not put that end off.
  void hurry() { pump_.hurry(); }

  /// It ended since the peer did not answer, or read, in time; and the time was not all that it has, since others
  /// waited. What it lacks was not found out then.
  bool timed_out() const { return timed_out_; }
  bool cut_short() const { return cut_short_; }

  smtp::ClientSession& session() { return session_; }
  const PeerIdentity& identity() const { return identity_; }
  /// A reply of its session, with whose it is (mail::Told::host): what was heard is the peer's.
  mail::Told told(mail::Reply reply) const;
  /// How it is protected, and why (protection.h).
  std::string protection_words() const;
  const net::TlsInfo& tls() const { return tls_info_; }
  void set_tls(net::TlsInfo info) { tls_info_ = std::move(info); }
  /// What was wrong with its certificate, also when that ended the handshake.
  net::Flaw flaw() const { return flaw_; }
  const std::string& local_address() const { return local_; }
  /// What it has shown so far.
  Proof proof() const;
  DoorHold door; ///< while it is used
  /// What is asked of its host by whom it is used for now: whom it was made for, or whom it serves since (Parked).
  struct Served {
    queue::Need need{};
    std::string asked_by{};
    bool sts_testing = false, sts_named = true, tlsa_unusable = false;
  };
  Served served;
  /// Messages sent so far, and the domains of their recipients as far as the peer limits them (RFC 9422).
  unsigned used = 0;
  unsigned carried = 0;       ///< of them those that the peer judged
  std::uint32_t rcpt_max = 0; ///< recipients of a transaction, as found out; 0: not known
  std::set<std::string> domains;

private:
  std::string words(bool whole) const;
  net::Order next() override;
  Task<void> answer() override;
  void feed(std::string_view bytes) override;
  void eof() override { session_.eof(); }
  void out_of_time() override;
  Handshake handshake() override { return {*tls_, &identity_.server_name(), identity_.need.dane()}; }
  void tls_started(net::TlsInfo info) override;
  void tls_failed(const Error& why) override;

  void note_sent(std::string_view bytes);

  net::Pump pump_;
  smtp::ClientSession session_;
  PeerIdentity identity_;
  std::shared_ptr<net::TlsContext> tls_;
  net::TlsInfo tls_info_;
  std::shared_ptr<LivePeers> live_;             ///< null: it is not shown
  std::uint64_t number_ = 0;                    ///< there
  std::shared_ptr<net::Transcript> transcript_; ///< null: nobody watches
  std::string last_reply_;
  bool in_content_ = false; ///< what is sent now is a message
  net::Flaw flaw_ = net::Flaw::none;
  std::string local_; ///< our end
  bool told_of_login_ = false;
  bool timed_out_ = false, cut_short_ = false;
  Event event_ = Event::closed; ///< what run() has to tell
  std::chrono::milliseconds write_limit_;
  std::chrono::steady_clock::time_point until_ = std::chrono::steady_clock::time_point::max();
};

/// Ends its session politely.
Task<void> say_goodbye(std::unique_ptr<Peer> peer);

} // namespace paquebot::delivery
