#pragma once

#include "net/stream.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace paquebot::net {

/// What a session wants of its connection next.
struct Order {
  enum class Kind : std::uint8_t {
    send,     ///< write `bytes`, which stay until the next order is asked for; so long it may take at most: `within`
    read,     ///< wait for input
    tls,      ///< drop unread input and do the handshake
    question, ///< nothing of the connection: answer() is called, and may wait for others
    rest,     ///< run() ends; it may be called again
  };
  using Instant = std::chrono::steady_clock::time_point;

  Kind kind = Kind::rest;
  std::string_view bytes{};
  /// Of a read: counts from the first one with this `window`, so that one absolute deadline bounds a whole command or
  /// block.
  std::chrono::milliseconds within{0};
  std::uint32_t window = 0;
  std::uint32_t total_window = 0;
  /// Likewise, from the first read with this `total_window`; zero: there is no such bound.
  std::chrono::milliseconds total{0};
  Instant by = Instant::max(); ///< nor does this one read or write wait any longer
};

/// What a pump moves octets for: an engine with whoever answers its questions. All is called on the connection's
/// executor, and only by run() or something that it waits for.
class Session {
public:
  /// One side of a handshake.
  struct Handshake {
    TlsContext& context;
    const std::string* server_name = nullptr; ///< the name to ask for, as the client; null: as the server
    const Dane* dane = nullptr;               ///< how the server is to be known, instead of its name alone
  };

  virtual ~Session() = default;
  virtual Order next() = 0;
  /// The question that the last order was.
  virtual Task<void> answer() = 0;
  /// Never empty. The octets stay until the next read; copy what is needed longer.
  virtual void feed(std::string_view bytes) = 0;
  /// The peer closed or the connection broke: nothing that is sent any more arrives.
  virtual void eof() = 0;
  /// A read's deadline passed; a client's write too.
  virtual void out_of_time() = 0;
  virtual Handshake handshake() = 0;
  virtual void tls_started(TlsInfo info) = 0;
  /// The connection is of no use any more.
  virtual void tls_failed(const Error& why) = 0;
};

/// The one way of octets between a connection and a session, of servers and clients alike: deadlines, handshakes, the
/// buffer that an idle connection gives back, and how somebody else brings it to its end. Belongs to one executor.
class Pump {
public:
  using Instant = Order::Instant;
  /// What differs: a client's write that fails lets the server's last words be heard, and starts the clock of its next
  /// read anew.
  enum class Side : std::uint8_t { server, client };
  static constexpr std::chrono::seconds kHandshake{60}; ///< of a session; before it, say

  Pump(Stream stream, Side side);

  /// Does what the session orders, until it wants to rest or the pump is cut off. One at a time.
  Task<void> run(Session& session);
  /// A server's handshake before its session begins. wake() makes it fail.
  Task<Result<TlsInfo>> accept_tls(TlsContext& context, std::chrono::seconds limit);

  // Somebody else, between two steps of run():

  /// The session has something to say to who waits: a read under way ends, and next() is asked. It does not count as
  /// timed out.
  void wake();
  /// The session has news for who waits, and goes on afterwards: a read under way ends, and next() is asked. It does
  /// not count as timed out, and the deadline of the read's window stays.
  void nudge();
  /// At once: run() ends with the step under way, whose wait fails.
  void cut();
  /// What is waited for has had its time. Counts once for each wait, so that saying it again does not put the end off;
  /// never for a handshake, which has its own bound: cut short, the peer would look as if it could not do TLS.
  void hurry();

  bool reading() const { return reading_; }
  bool writing() const { return writing_; }
  bool leaving() const { return draining_ || cut_; } ///< wake() or cut() was called
  bool is_cut() const { return cut_; }
  bool hurried() const { return hurried_; } ///< in the wait that ended last, or is under way
  /// Since the read under way, or the write that did not go out at once, began; or the last one.
  std::chrono::steady_clock::duration waited() const;

  Stream& stream() { return stream_; }
  const Stream& stream() const { return stream_; }

private:
  enum class Step : std::uint8_t { read, write, tls, question, rest };

  Step advance(Session& session);
  Task<void> start(Session& session, Step step);
  void begin_read(const Order& order);
  void end_read(Session& session, const Result<std::string_view>& input);
  void begin_write(const Order& order);
  Task<void> write(Session& session);
  Task<void> shake_hands(Session& session);

  Stream stream_;
  std::string_view unsent_;
  Instant deadline_{}, total_deadline_{}, began_{};
  std::uint32_t window_ = ~0u, total_window_ = ~0u;
  const Side side_;
  bool running_ = false; ///< or ran already
  bool reading_ = false, writing_ = false;
  bool woken_ = false;   ///< in the read under way
  bool hurried_ = false; ///< or must not be
  bool broken_ = false;  ///< nothing more can be written
  bool draining_ = false, cut_ = false;
};

} // namespace paquebot::net
