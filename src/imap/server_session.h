#pragma once

#include "base/clock.h"
#include "imap/requests.h"
#include "sasl/server.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace paquebot::imap {

struct ServerOptions {
  std::string hostname;
  const Clock* clock = nullptr; ///< for SEARCH by age; null: the system's. Outlives the session
  bool tls_available = false;   ///< offer STARTTLS
  bool login_in_clear = false;
  sasl::Offer login;                    ///< mechanisms; its channel comes with set_channel()
  std::uint32_t max_errors = 20;        ///< commands answered BAD in a session; then BYE
  std::uint32_t max_login_failures = 5; ///< wrong passwords a session; then BYE
  std::uint32_t max_line = 64u << 10;   ///< octets of a command with its literals
  /// The same before login, but for a response within AUTHENTICATE.
  std::uint32_t max_early_line = 8192;
  std::uint32_t max_auth_line = 12288 + 2;
  std::uint64_t max_message = 50u << 20;    ///< octets of one that is appended
  std::chrono::seconds idle_timeout{1800};  ///< RFC 9051 section 5.4: at least 30 minutes after login
  std::chrono::seconds login_timeout{120};  ///< the whole of a session before login
  std::chrono::seconds append_timeout{300}; ///< for every 4 KiB of a message that comes
};

// ---- Actions: small views, valid until the next input call ----

/// Write these bytes, then call next() again.
struct Send {
  std::string_view bytes;
};
/// Read and feed(). `within` counts from the moment `window` last changed.
struct NeedInput {
  std::chrono::milliseconds within;
  std::uint32_t window;
};
/// The reply is out: drop unread input, do the handshake, call tls_started() or eof().
struct StartTls {};
/// The reply is out: drop unread input, and call compression_started(). From then on all is compressed, both ways.
struct StartCompression {};
/// May who proves itself so log in? answer_login(), or answer_keys(). `mechanism` is "LOGIN" for the command.
struct AskLogin {
  std::uint32_t id;
  std::string_view mechanism;
  const sasl::Question* question;
};
/// answer() with the kind of Answer that the question says.
struct Ask {
  std::uint32_t id;
  const Question* question;
};
/// Everything is sent: close. Always last.
struct Close {};
using Action = std::variant<Send, NeedInput, StartTls, StartCompression, AskLogin, Ask, Close>;

enum class LoginVerdict : std::uint8_t {
  accepted,
  wrong,
  temporary_failure,
  disabled,
  slow_down,
  too_many_sessions, ///< the account has as many connections as it may
};

/// Whose a line is that somebody listens to.
enum class Said : std::uint8_t { client, server };

/// The server side of one IMAP connection; pure (RFC 9051, RFC 3501; docs/imap.md lists the extensions). It keeps what
/// it sees of the selected mailbox as runs of uids, and no list of messages. Each question has an id: an answer with
/// another id is late and ignored; next() repeats a question until it is answered. Replies coalesce until input is
/// needed or 16 KiB wait, and nothing more is asked for while more than that waits to be sent.
class ServerSession {
public:
  ServerSession(std::shared_ptr<const ServerOptions> options, bool encrypted);
  ~ServerSession();

  /// Input bytes; copied. Only after NeedInput.
  void feed(std::string_view bytes);
  /// Input fed since StartTls is dropped (RFC 9051 section 6.2.1).
  void tls_started();
  /// Likewise behind StartCompression: feed() gets what was unpacked, Send is to be packed.
  void compression_started();
  /// The deadline passed: BYE.
  void timed_out();
  /// The peer closed or the connection broke: nothing is sent any more.
  void eof();
  /// The server is going down: BYE at the next command boundary.
  void shut_down();
  /// The login does not hold any more: BYE, likewise.
  void log_out();
  /// Something changed in the selected mailbox: told at the next boundary where that is allowed. True: the client waits
  /// for it (IDLE), so next() is to be called.
  bool changed();

  void answer_login(std::uint32_t id, LoginVerdict verdict);
  void answer_keys(std::uint32_t id, sasl::ScramCredentials credentials);
  /// Whether SCRAM is offered, instead of what the options say: before the first next().
  void offer_scram(bool offered);
  /// A login that ended before AskLogin asked whether it may, since the last call: for the log. Ask behind each next().
  std::optional<sasl::Refusal> take_refusal();
  /// What logins can be bound to: after a handshake, before tls_started() or the first next().
  void set_channel(sasl::Channel channel);
  /// From now on what is said is told: commands, the first lines of their answers, the last one. What is secret is
  /// hidden, the content of messages is no line. An empty function ends it.
  void listen(std::function<void(Said who, std::string_view line)> told);
  void answer(std::uint32_t id, Answer answer);

  Action next();

  std::string_view user() const; ///< who logged in (authzid); empty before
  bool encrypted() const;
  bool closing() const;

private:
  struct Impl;
  class Login;
  class Folders;
  class Selected;
  class Fetcher;
  class Searcher;
  class Arranger;
  class Editor;
  class Appender;
  std::unique_ptr<Impl> impl_;
};

} // namespace paquebot::imap
