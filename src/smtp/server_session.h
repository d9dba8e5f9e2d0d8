#pragma once

#include "mail/envelope.h"
#include "mail/status.h"
#include "sasl/server.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace paquebot::smtp {

struct ToldPeer; // smtp/xclient.h

enum class Role : std::uint8_t { mx, submission, lmtp };

/// What a listener's sessions are: an immutable snapshot, shared.
struct ServerOptions {
  Role role = Role::mx;
  std::string hostname;        ///< in the greeting and EHLO
  bool tls_available = false;  ///< offer STARTTLS (when the connection isn't encrypted yet)
  bool tls_required = false;   ///< 530 5.7.0 before TLS for MAIL and AUTH
  bool auth_available = false; ///< offer AUTH (only under TLS unless auth_in_clear)
  bool auth_required = false;  ///< 530 5.7.0 before login for MAIL
  bool auth_in_clear = false;  ///< for tests and loopback developers
  bool mend_bare_lf = false;   ///< LF alone in a text becomes CRLF instead of a refusal: for programs of own users
  /// For own users: addresses without angle brackets and host names that are none are taken, and remarked.
  bool lenient = false;
  sasl::Offer login;                          ///< mechanisms; its channel comes with set_channel()
  std::uint64_t max_message_size = 50u << 20; ///< octets, SIZE (RFC 1870); 0: no limit
  std::uint32_t max_recipients = 1000; ///< a message; at least 100 (RFC 5321 section 4.5.3.1.8), 452 4.5.3 beyond
  std::uint32_t max_errors = 20;       ///< a session; then 421 4.7.0 and close
  std::uint32_t max_commands = 10000;  ///< a session without an accepted message between; then 421
  std::uint32_t max_messages = 100000; ///< a session; then 421 at the next MAIL
  /// A command line but AUTH, octets with CRLF. RFC 5321 section 4.5.3.1.4 has 512, and what the extensions add to MAIL
  /// comes to 745: SIZE 26, BODY 17, SMTPUTF8 10, RET and ENVID 115, AUTH 500, REQUIRETLS 11, BY 17, HOLDUNTIL 34,
  /// MT-PRIORITY 15.
  std::uint32_t max_line = 2048;
  /// Offer DELIVERBY, MT-PRIORITY, under TLS REQUIRETLS, and ETRN where it may be used; FUTURERELEASE has hold_most.
  bool wishes = true;
  std::int64_t hold_most = 0;         ///< seconds, offered as FUTURERELEASE on submission; 0: not offered (RFC 4865)
  std::int64_t deliver_by_least = 60; ///< seconds, offered with DELIVERBY (RFC 2852)
  std::string priority_policy;        ///< named with MT-PRIORITY when not empty (RFC 6710 section 9.2)
  std::chrono::seconds command_timeout{300};  ///< RFC 5321 section 4.5.3.2.7: waiting for a command, whole
  std::chrono::seconds data_timeout{180};     ///< each data block must show progress within this (4.5.3.2.5)
  std::chrono::seconds message_timeout{3600}; ///< a whole message's data
};

/// Facts of the connection that the engine needs.
struct ConnectionInfo {
  std::string peer_address;  ///< text form, no brackets
  bool encrypted = false;    ///< implicit TLS
  bool xclient = false;      ///< it may say whose session this really is (XCLIENT)
  std::int64_t wall = 0;     ///< milliseconds since 1970 UTC when it was opened: FUTURERELEASE counts from it
  bool etrn = false;         ///< a host that may start queues without a login (RFC 1985)
  bool mend_bare_lf = false; ///< as ServerOptions::mend_bare_lf, for this peer
};

/// What the session settled by itself, for the log.
struct Remark {
  enum class Kind : std::uint8_t { command_refused, content_refused, tolerated };
  Kind kind;
  std::string command; ///< the beginning of what was said; nothing of what may be a secret
  std::string reply;   ///< ours, or what was tolerated
};

// ---- Actions: small views, valid until the next input call ----

/// Write these bytes, then call next() again.
struct Send {
  std::string_view bytes;
};
/// Read and feed(). `within` counts from the moment this action first came with this `window`: one absolute deadline
/// for a whole command or for a block of data. `total` likewise from `total_window`, over a whole message's data;
/// zero when there is no second deadline. When either passes, call timed_out().
struct NeedInput {
  std::chrono::milliseconds within;
  std::uint32_t window;
  std::chrono::milliseconds total{0};
  std::uint32_t total_window = 0;
};
/// All replies are out: drop unread input, do the handshake, call tls_started() or eof().
struct StartTls {};
/// May this peer speak with us at all? Asked before the greeting, and again after XCLIENT: see told().
struct AskPeer {
  std::uint32_t id;
};
/// HELO or EHLO said this name. A positive answer goes on.
struct AskHelo {
  std::uint32_t id;
  std::string_view name;
  bool extended;
};
/// May who proves itself so log in? Answer with a positive reply to log in, or with answer_keys() to a question of the
/// kind scram_keys.
struct AskLogin {
  std::uint32_t id;
  std::string_view mechanism;
  const sasl::Question* question;
};
/// May this sender send? On a positive answer the reply's own text is sent when it has one.
struct AskMail {
  std::uint32_t id;
  const mail::Sender* sender;
};
/// Do we take mail for this recipient?
struct AskRecipient {
  std::uint32_t id;
  const mail::Recipient* recipient;
};
/// ETRN: start the queue of a place now (RFC 1985 section 5). `option` is 0 for the node itself, '@' for it and all its
/// sub-domains, '#' for a queue by its name. `node`: an A-label domain in lower case, or 1 to 64 of A-Z a-z 0-9 . - _.
/// The answer is said as it is (250 to 253, 458, 459).
struct AskEtrn {
  std::uint32_t id;
  char option;
  std::string_view node;
};
/// DATA is about to be allowed, or the first BDAT of a message has come: the last chance to refuse (452) before content
/// flows.
struct AskData {
  std::uint32_t id;
};
/// A piece of the message: decoded, never empty. Use it up before next(). The content as a whole is lines that end with
/// CRLF, the last one too; with BODY=BINARYMIME (RFC 3030) it may be any octets.
struct Chunk {
  std::string_view bytes;
};
/// The message is whole: take responsibility, answer with one reply, or with one for each accepted recipient (LMTP).
struct AskContent {
  std::uint32_t id;
};
/// The transaction is over without a commit (broken or refused content, lost connection): drop what was staged. After
/// each AskData comes exactly one of: a positive verdict on the content, or Discard. No Chunk or AskContent follows
/// for that message.
struct Discard {};
/// Everything is sent: close. Always the last action.
struct Close {};

using Action = std::variant<Send, NeedInput, StartTls, AskPeer, AskHelo, AskLogin, AskMail, AskRecipient, AskData,
                            Chunk, AskContent, Discard, AskEtrn, Close>;

/// The server side of one SMTP or LMTP connection: a state machine over bytes and answers, no I/O, no clock.
/// The driver loops: perform next(), feed what was read, answer what was asked (RFC 5321, and the extensions in
/// docs/standards.md). Late answers (an id that is no longer asked) are ignored.
class ServerSession {
public:
  ServerSession(std::shared_ptr<const ServerOptions> options, ConnectionInfo connection);
  ~ServerSession();

  /// Input bytes. The view must stay valid until next() gives NeedInput, StartTls or Close: content is handed on
  /// without a copy; a remaining part of a line is kept by the session.
  void feed(std::string_view bytes);
  /// The outside's verdict on question `id`: positive() accepts; otherwise this reply is sent. An empty text takes the
  /// engine's standard one. Code 421 ends the session after it.
  void answer(std::uint32_t id, mail::Reply verdict);
  /// What is kept of the passwords that question `id` is about. Not of the names that nobody has: those get a salt of
  /// their own that stays, and a key that nothing fits.
  void answer_keys(std::uint32_t id, sasl::ScramCredentials credentials);
  /// Whether SCRAM is offered, instead of what the options say: before the first next().
  void offer_scram(bool offered);
  /// A login that ended before AskLogin asked whether it may, since the last call. For the log.
  std::optional<sasl::Refusal> take_refusal();
  /// What logins can be bound to: after a handshake, before tls_started() or the first next().
  void set_channel(sasl::Channel channel);
  /// Verdicts on content, one for each accepted recipient in order (LMTP); for SMTP the first counts.
  void answer(std::uint32_t id, std::vector<mail::Reply> verdicts);
  void tls_started(std::string_view version, std::string_view cipher);
  /// Content can't be taken any more (no room, head too large): the rest of it is read and dropped, then this reply is
  /// sent, and no AskContent comes. Only between the answer to AskData and AskContent; otherwise without effect.
  void refuse_content(mail::Reply verdict);
  /// A deadline of NeedInput passed: 421 4.4.2 and close. Without effect while AskContent is open.
  void timed_out();
  /// The same for content that comes in drips.
  void too_slow();
  /// The peer closed or the connection broke: nothing can be sent any more. While AskContent is open its verdict is
  /// still awaited (the message may be committed at that moment); any other question is forgotten.
  void eof();
  /// The server is going down: 421 4.3.2 at the next command boundary (never inside a transaction's data). Call
  /// next() then, also when the last action was NeedInput.
  void shut_down();
  /// The login does not hold any more (another password, disabled, deleted): 421 4.7.0, likewise.
  void log_out();

  /// `told` is called with each line that is a command or belongs to a login, without what may be a secret, before it
  /// is looked at; an empty function ends that.
  void listen(std::function<void(std::string_view line)> told);

  Action next();
  /// Whether some of what was fed was not looked at yet; else the octets are needed no more.
  bool has_input() const;

  // Facts for the driver (trace fields, policy, logs).
  std::string_view helo() const; ///< empty before HELO, unless it was told
  bool extended() const;         ///< EHLO or LHLO was used, or so it was told
  const ToldPeer* told() const;  ///< by XCLIENT, of the real client; null before. All else was forgotten then
  bool encrypted() const;
  std::string_view login() const;                      ///< authorisation identity (sasl::Success), empty before
  bool in_transaction() const;                         ///< MAIL was accepted, and it is not over yet
  const mail::Sender& sender() const;                  ///< of the current transaction
  std::span<const mail::Recipient> recipients() const; ///< accepted so far
  std::uint32_t messages() const;                      ///< accepted in this session
  std::uint32_t errors() const;                        ///< of the peer's since the last accepted message
  /// Refusals that nobody outside knows of, and what was tolerated, since the last call; at most a few are kept.
  std::vector<Remark> take_remarks();

  struct Impl;

private:
  class Replies;
  class Greeting;
  class Login;
  class Transaction;
  class Content;
  class Data;
  class Chunks;

  std::unique_ptr<Impl> impl_;
};

} // namespace paquebot::smtp
