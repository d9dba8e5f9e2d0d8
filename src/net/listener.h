#pragma once

#include "net/stream.h"

#include <functional>

namespace paquebot::net {

/// A bound, listening socket: made early (as root, before the user is dropped), served later.
class Listener {
public:
  /// Binds and listens (backlog 4096, or what the system allows). `address` is "0.0.0.0:25", "[::]:25", "127.0.0.1:0"
  /// (any free port), or a path for a local socket (a stale one is replaced, `mode` set). Dual-stack only for "[::]";
  /// where the system has no IPv6, that is IPv4 alone, and the log says so.
  static Result<Listener> open(const std::string& address, int mode = 0600);
  /// Takes over a socket that somebody else has bound and that listens already, such as a service manager: the
  /// descriptor is ours from here on, also when this fails, since it is no listening stream socket. The path of a local
  /// one stays at the end.
  static Result<Listener> adopt(int descriptor);
  ~Listener();
  Listener(Listener&&) noexcept;
  Listener& operator=(Listener&&) noexcept;

  /// The endpoint really bound (the port when 0 was asked).
  Endpoint bound() const;
  /// Accepts on `executor` until stop(): calls `on_connection` with each new non-blocking, close-on-exec
  /// descriptor (TCP_NODELAY set) and the peer; the callee owns the descriptor. When descriptors run out it rests
  /// for a moment and goes on.
  Task<void> serve(boost::asio::any_io_executor executor,
                   std::function<void(int descriptor, Endpoint peer)> on_connection);
  /// Ends serve() and closes; removes the path of a local socket. From the executor of serve() only. Safe to call
  /// twice. The destructor does the same.
  void stop();
  /// Another handle of the same socket, to be served elsewhere: who connects meanwhile waits. This one stops without
  /// closing it, and leaves the path of a local one to the other. While serve() runs, from any thread.
  Result<Listener> hand_on();

private:
  struct Impl;
  explicit Listener(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_; ///< shared with serve() under way
};

} // namespace paquebot::net
