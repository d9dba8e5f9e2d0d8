#pragma once

#include "pop3/texts.h"
#include "sasl/server.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace paquebot::pop3 {

struct ServerOptions {
  std::string hostname;
  bool tls_available = false; ///< offer STLS (RFC 2595)
  bool login_in_clear = false;
  sasl::Offer login;                    ///< mechanisms of AUTH; its channel comes with set_channel()
  std::uint32_t max_errors = 20;        ///< refused commands a session; then -ERR and close
  std::uint32_t max_login_failures = 5; ///< wrong passwords a session; then close after the reply
  std::uint32_t max_line = 512;         ///< octets with CRLF; RFC 2449 section 4 says 255
  /// Octets with CRLF of a response within AUTH, also when it comes behind the command (RFC 5034 section 4: larger than
  /// commands).
  std::uint32_t max_auth_line = 12288 + 2;
  std::chrono::seconds idle_timeout{600};  ///< RFC 1939 section 3: at least ten minutes after login
  std::chrono::seconds login_timeout{120}; ///< the whole of a session before login
  std::chrono::seconds login_delay{0}; ///< announced (RFC 2449 section 6.5); who answers AskLogin enforces it; 0: none
  std::uint32_t expire_days = 0;       ///< announced: messages stay at least so long (section 6.7); 0: for ever
  Language language = Language::en;    ///< what LANG * stands for (RFC 6856 section 3.2)
};

/// One line of a listing.
struct ListItem {
  std::uint32_t number; ///< message number, from 1
  std::uint64_t size;   ///< octets before dot-stuffing; see AskList
  std::string uidl;     ///< 1 to 70 characters 0x21..0x7E
  bool gone = false; ///< deleted by somebody else since the login: it keeps its number, and nothing else is known of it
};

// ---- Actions: small views, valid until the next input call ----

/// Write these bytes, then call next() again.
struct Send {
  std::string_view bytes;
};
/// Read and feed(). `within` counts from the moment `window` last changed: one absolute deadline for the whole of a
/// session before login, for a whole command after it.
struct NeedInput {
  std::chrono::milliseconds within;
  std::uint32_t window;
};
/// The reply is out: drop unread input, do the handshake, call tls_started() or eof().
struct StartTls {};
/// May who proves itself so log in? answer_login(), or answer_keys() to a question of the kind scram_keys. `mechanism`
/// is "PASS" for USER and PASS.
struct AskLogin {
  std::uint32_t id;
  std::string_view mechanism;
  const sasl::Question* question;
};
/// Open (and lock) the mailbox of who logged in: answer_open().
struct AskOpen {
  std::uint32_t id;
};
/// Give listing rows from message `first` (at most the count) on, at most `most`: list_page(). Deleted ones are
/// filtered by the engine, those that are gone too. `as_sent`: with the sizes that RETR will send to this client, which
/// of a message that came as SMTPUTF8 gets the surrogate unless it said UTF8(); else as they are stored.
struct AskList {
  std::uint32_t id;
  std::uint32_t first;
  std::uint32_t most;
  bool as_sent;
};
/// Give the next piece of message `number`: message_bytes(). `first` is true for its first piece. For TOP the engine
/// stops asking once it has enough.
struct AskMessage {
  std::uint32_t id;
  std::uint32_t number;
  bool first;
};
/// QUIT: delete these (ascending message numbers) in one transaction: answer_commit(). Not asked when there are none.
struct AskCommit {
  std::uint32_t id;
  const std::vector<std::uint32_t>* deleted;
};
/// Everything is sent: close; the mailbox lock goes with it. Always last.
struct Close {};

using Action = std::variant<Send, NeedInput, StartTls, AskLogin, AskOpen, AskList, AskMessage, AskCommit, Close>;

enum class LoginVerdict : std::uint8_t { accepted, wrong, temporary_failure, disabled, slow_down };
enum class OpenVerdict : std::uint8_t { opened, in_use, temporary_failure };

/// The server side of one POP3 connection; pure (RFC 1939, 2449, 2595, 3206, 5034, 6856, 6858). Holds no listing:
/// message numbers are resolved by the driver; the session keeps counts and the set of deletions (a bitmap). Each Ask
/// has an id: an answer with another id is late and ignored; next() repeats an Ask until it is answered. Replies
/// coalesce until input is needed or 16 KiB wait, and a message's next piece is asked for only after the one before was
/// sent.
class ServerSession {
public:
  ServerSession(std::shared_ptr<const ServerOptions> options, bool encrypted);
  ~ServerSession();

  /// Input bytes; copied. Only after NeedInput, so that at most one read waits in memory.
  void feed(std::string_view bytes);
  /// Input fed since StartTls is dropped (RFC 2595 section 4), and so is what a client said before.
  void tls_started();
  /// The deadline passed: closes without a word and without deleting anything (RFC 1939 section 3).
  void timed_out();
  /// The peer closed or the connection broke: nothing is sent any more and nothing is deleted.
  void eof();
  /// The server is going down: -ERR [SYS/TEMP] and close at the next command boundary, nothing is deleted.
  void shut_down();
  /// Another session has the mailbox now: -ERR [SYS/TEMP], likewise.
  void take_away();
  /// The login does not hold any more (another password, disabled, deleted): -ERR [AUTH] (RFC 3206 section 5),
  /// likewise.
  void log_out();

  void answer_login(std::uint32_t id, LoginVerdict verdict);
  /// What is kept of the passwords that question `id` is about; see sasl::ScramCredentials.
  void answer_keys(std::uint32_t id, sasl::ScramCredentials credentials);
  /// Whether SCRAM is offered, instead of what the options say: before the first next().
  void offer_scram(bool offered);
  /// A login that ended before AskLogin asked whether it may, since the last call: for the log. Ask behind each next().
  std::optional<sasl::Refusal> take_refusal();
  /// What logins can be bound to: after a handshake, before tls_started() or the first next().
  void set_channel(sasl::Channel channel);
  /// `count` messages, `octets` in total.
  void answer_open(std::uint32_t id, OpenVerdict verdict, std::uint32_t count, std::uint64_t octets);
  /// Rows in ascending order; fewer than asked only at the end. Empty with `failed` when the store failed.
  void list_page(std::uint32_t id, std::vector<ListItem> rows, bool failed = false);
  /// A piece (CRLF line ends; used up before returning) and whether it was the last; `failed`: the message can't be
  /// read (gone, store error): before the first piece that is an -ERR, later the connection is closed (the client sees
  /// a broken message, never a silently short one). A message whose last octets aren't CRLF gets one: the sizes told
  /// for it must count it. `international`, with the first piece: it came as SMTPUTF8, so that a client without UTF8
  /// gets its surrogate (RFC 6856 section 2.1). All others are given as they are, octets beyond ASCII too: whoever sent
  /// them asked nobody whether they may.
  void message_bytes(std::uint32_t id, std::string_view bytes, bool last, bool failed = false,
                     bool international = false);
  void answer_commit(std::uint32_t id, bool done);

  /// `told` is called with each line that the client sends, without what may be a secret, before it is looked at; an
  /// empty function ends that.
  void listen(std::function<void(std::string_view line)> told);

  Action next();

  bool utf8() const;             ///< the client said UTF8
  std::string_view user() const; ///< who logged in (authzid), from AskOpen on; empty before
  bool encrypted() const;
  /// Only last words are left to be sent: the mailbox isn't needed any more.
  bool closing() const;
  /// More than the command at hand has come: the client does not wait for one reply before it sends the next command.
  bool has_input() const;

private:
  struct Impl;
  class Login;
  class Maildrop;
  std::unique_ptr<Impl> impl_;
};

} // namespace paquebot::pop3
