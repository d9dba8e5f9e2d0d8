#pragma once

#include "sasl/channel.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace paquebot::pop3 {

struct ClientOptions {
  bool tls_wanted = true;   ///< STLS when offered
  bool tls_required = true; ///< never send the password in clear
  std::string user;
  std::string password;             ///< wiped once it was sent
  std::chrono::seconds timeout{60}; ///< each reply, and every 4 KiB of a long one
  std::uint32_t max_line = 65536;   ///< octets of one line of a reply; longer lines of messages are passed in pieces
  std::uint32_t max_items = 10'000'000; ///< messages of a listing; more is a broken peer
};

/// What kind of thing went wrong; error() has the words.
enum class ClientFailure : std::uint8_t {
  none,
  greeting,        ///< the server turned us away at once
  tls_unavailable, ///< TLS is required and not offered
  tls_failed,      ///< the handshake failed
  login,           ///< user name or password refused
  command,         ///< -ERR to a command
  timeout,
  lost,      ///< the connection broke or the server closed it
  malformed, ///< the server broke the protocol
};

struct MailboxItem {
  std::uint32_t number;
  std::uint64_t size;
  std::string uidl; ///< empty when the server has no UIDL
};

// ---- Actions: small views, valid until the next input call ----
struct ClientSend {
  std::string_view bytes;
};
/// Read and feed(); `within` counts from the moment `window` last changed.
struct ClientNeedInput {
  std::chrono::milliseconds within;
  std::uint32_t window;
};
/// Drop unread input, do the handshake as client; then tls_started() or tls_failed().
struct ClientStartTls {};
/// Logged in: call list(), retrieve(), remove() or quit().
struct ClientReady {};
/// A piece of the message asked for, dot-unstuffed, CRLF line ends.
struct ClientChunk {
  std::string_view bytes;
};
/// The command is done; see error().
struct ClientDone {};
/// The session is over: see error(). Always last; the driver closes.
struct ClientClosed {};

using ClientAction =
    std::variant<ClientSend, ClientNeedInput, ClientStartTls, ClientReady, ClientChunk, ClientDone, ClientClosed>;

/// The client side of one POP3 connection; pure (RFC 1939, 2449, 2595, 5034, 6856: it says
/// UTF8 when that is offered). Drive next() until ClientReady. Then one
/// command at a time: call it, drive next() until ClientDone (ClientReady follows) or ClientClosed.
class ClientSession {
public:
  ClientSession(ClientOptions options, bool encrypted);
  ~ClientSession();
  /// Input bytes; copied. Only after ClientNeedInput.
  void feed(std::string_view bytes);
  /// After a handshake (implicit TLS: before the first next()): what the login can be bound to.
  void set_channel(sasl::Channel channel);
  void tls_started();
  void tls_failed(std::string cause);
  void timed_out();
  void eof();

  /// LIST and UIDL; then items().
  void list();
  /// RETR (or TOP with `lines` >= 0); pieces come as ClientChunk.
  void retrieve(std::uint32_t number, long lines = -1);
  /// The same for several messages, in this order; with ClientDone after each, whose error() counts until the next
  /// action is asked for. Commands are pipelined, at most 64 ahead, when the server takes that (RFC 2449 section 6.6).
  void retrieve_all(std::vector<std::uint32_t> numbers, long lines = -1);
  void remove(std::uint32_t number);
  /// QUIT: only its good end deletes what was removed. ClientDone, then ClientClosed.
  void quit();

  ClientAction next();

  const std::vector<MailboxItem>& items() const; ///< ascending numbers
  /// Why the last command or the set-up failed; nothing when it worked. The peer's own text, made printable.
  const std::string& error() const;
  bool ok() const;
  ClientFailure failure() const;
  bool encrypted() const;

private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

} // namespace paquebot::pop3
