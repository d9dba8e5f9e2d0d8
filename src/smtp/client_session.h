#pragma once

#include "mail/envelope.h"
#include "mail/status.h"
#include "sasl/channel.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace paquebot::smtp {

struct ClientOptions {
  std::string ehlo_name;
  bool lmtp = false;
  bool tls_wanted = true;    ///< STARTTLS when offered
  bool tls_required = false; ///< give up (no message is sent) when TLS can't be had
  std::string user;          ///< empty: no login
  std::string password;
  bool auth_in_clear = false;
  // RFC 5321 section 4.5.3.2, seconds
  std::chrono::seconds greeting_timeout{300}, helo_timeout{300}, mail_timeout{300}, rcpt_timeout{300},
      data_timeout{120}, block_timeout{180}, final_timeout{600}, quit_timeout{5};
  std::size_t chunk = 256u << 10;      ///< octets of a BDAT chunk; a larger message goes by BDAT where it is offered
  std::uint32_t max_reply_line = 2048; ///< octets; the rest of a longer one is dropped
  std::uint32_t max_reply_lines = 200; ///< of one reply; further ones are dropped
};

/// What the peer offered in its last EHLO reply.
struct PeerFeatures {
  bool esmtp = false, pipelining = false, eight_bit = false, smtputf8 = false, dsn = false, starttls = false,
       size = false;
  bool chunking = false, binary = false, enhanced = false;
  bool requiretls = false, deliver_by = false, priority = false, future_release = false;
  std::uint64_t max_size = 0;        ///< 0: none stated
  std::int64_t deliver_by_least = 0; ///< seconds, of BY= in mode R; 0: none stated
  std::int64_t hold_most = 0;        ///< seconds, of HOLDFOR=
  std::string hold_latest;           ///< the latest HOLDUNTIL=, as the peer wrote it
  /// LIMITS (RFC 9422), 1 to 999999 each; 0: none stated. Transactions in a session, recipients in a transaction,
  /// recipients' domains in a session. For whoever plans the session: the engine sends what it is given.
  std::uint32_t mail_max = 0, rcpt_max = 0, rcpt_domain_max = 0;
  std::vector<std::string> auth;
};

/// One message to send over the session: the envelope; content follows by content(). With body type binary it is sent
/// as it is, by BDAT, and only to a peer with CHUNKING and BINARYMIME (RFC 3030); otherwise it gets a 5.6.3 of our own.
/// Of the sender's wishes the peer is told those that it offers to take; what must not go to a peer that lacks them is
/// settled by a reply of our own: REQUIRETLS (550 5.7.30; not with an empty reverse-path: RFC 8689 section 5), BY in
/// mode R (554 5.3.3: RFC 2852 section 4.1.4.1), a hold (554 5.3.3).
struct OutgoingMessage {
  mail::Sender sender;
  std::vector<mail::Recipient> recipients;
  std::uint64_t size = 0; ///< octets of the content as it will be sent, before dot-stuffing, for SIZE; 0: unknown
  bool international_header = false; ///< the header block holds octets beyond ASCII (RFC 6532)
};

/// Does the message need a peer with SMTPUTF8 (RFC 6531 section 3.2): an international address or header? Look at
/// features() before send(). What is international and sent to a peer without it all the same gets a 5.6.7 of our own.
bool needs_smtputf8(const OutgoingMessage& message);

// ---- Actions ----
/// Write these bytes (content: within block_timeout, RFC 5321 section 4.5.3.2.5), then call next(). When the write
/// fails, feed() what can still be read (a refusal may be in it), then eof().
struct ClientSend {
  std::string_view bytes;
};
/// Read and feed(). `within` counts from the moment this action first came with this `window`.
struct ClientNeedInput {
  std::chrono::milliseconds within;
  std::uint32_t window;
};
/// Do the handshake as client; then tls_started(), or tls_failed() (the connection is then lost).
struct ClientStartTls {};
/// Greeting, EHLO, TLS and login are done: look at features() and call send() or quit().
struct Ready {};
/// At least one recipient was accepted: give the content by content() … end_content(). Asked again when more is
/// needed (back-pressure). If the content can't be had any more, call abandon(). Bytes that come from the peer
/// meanwhile may be fed at any time: a refusal before the end of the content settles the message and closes.
struct NeedContent {};
/// The message is settled: results() has a reply for each recipient. Then Ready comes again, or Closed.
struct MessageDone {};
/// The session could not be set up (greeting, EHLO, TLS, login refused or broken): `failure()` says why; no message
/// was begun. The session is over. Always the last action; the driver closes.
struct Closed {};

using ClientAction = std::variant<ClientSend, ClientNeedInput, ClientStartTls, Ready, NeedContent, MessageDone, Closed>;

/// How a session or message ended when it was not by a reply of the peer.
enum class Breakage : std::uint8_t { none, timeout, lost, malformed, tls_failed, tls_unavailable, auth_unavailable };

/// What a recipient's reply answers: how far the message came for it.
enum class Settled : std::uint8_t {
  unsent,  ///< nothing that was sent: a reply of our own, since this peer can't get the message
  mail,    ///< MAIL
  rcpt,    ///< its RCPT
  data,    ///< DATA
  content, ///< the content, or a part of it
  broken,  ///< the session: it ended, by 421 or otherwise, before anything was said of the message for this recipient
};

/// The client side of one SMTP or LMTP connection; pure. Several messages may be sent one after the other.
/// Pipelines MAIL, RCPT and DATA when offered (RFC 2920), otherwise waits for each reply.
class ClientSession {
public:
  /// `encrypted`: implicit TLS was already done by the driver.
  ClientSession(ClientOptions options, bool encrypted);
  ~ClientSession();

  /// Input bytes; used up before the next call of next() returns NeedInput.
  void feed(std::string_view bytes);
  /// After a handshake (implicit TLS: before the first next()): what the login can be bound to.
  void set_channel(sasl::Channel channel);
  void tls_started();
  void tls_failed(std::string cause);
  void timed_out();
  /// The peer closed or the connection broke.
  void eof();
  /// Begins a message. Only after Ready.
  void send(OutgoingMessage message);
  /// A piece of the content with CRLF line ends (dot-stuffed here; a CR or LF alone goes out as CRLF), or of any octets
  /// when the body type is binary; used up before returning. Then next().
  void content(std::string_view bytes);
  /// Another piece, or the end, may follow at once, without next() in between.
  bool wants_content() const;
  /// A message is under way, and its end was not given yet: the envelope, and then the content as far as end_content().
  bool sending() const;
  /// All content was given. The engine ends it with CRLF.CRLF or BDAT LAST (adding a CRLF when the last line has none).
  void end_content();
  /// The content broke off on our side: the connection must be dropped without ending the message.
  void abandon();
  /// Ends the session politely. Only after Ready.
  void quit();

  ClientAction next();

  const PeerFeatures& features() const;
  /// Mechanism and reply of a login that was refused before PLAIN was tried (sasl::make_fallback); empty: there was
  /// none.
  std::string_view refused_login() const;
  bool lmtp() const;
  /// A reply for each recipient of the last message in order: 250s for accepted; the reply to MAIL, RCPT, DATA or the
  /// end of data, as it applies. Breakage gives a 4xx of our own making (RFC 3463 4.4.2 and so on) with `cause` set.
  /// Reply::heard tells the peer's replies from ours, here and in failure().
  std::span<const mail::Reply> results() const;
  /// What each of them answers.
  std::span<const Settled> settled() const;
  /// True when the final reply to the whole content was awaited and never came: the message may have been delivered.
  bool in_doubt() const;
  Breakage breakage() const;
  /// Why the set-up failed: the peer's reply, or one of ours.
  const mail::Reply& failure() const;
  /// Everything the peer said in its final reply to the last message (its queue id is there).
  const mail::Reply& final_reply() const;
  /// The greeting's text, for the trail.
  std::string_view greeting() const;
  bool encrypted() const;

  struct Impl;

private:
  class Setup;
  class Message;
  class Content;

  std::unique_ptr<Impl> impl_;
};

} // namespace paquebot::smtp
