#pragma once

#include "net/bio.h"
#include "net/buffer_pool.h"
#include "net/poller.h"
#include "net/stream.h"
#include "net/wheel.h"

#include <openssl/ssl.h>
#include <optional>

namespace paquebot::net {

/// What one attempt at a non-blocking operation came to.
struct Attempt {
  enum class Kind { done, end, want_read, want_write, failed };
  Kind kind;
  std::size_t size = 0; ///< octets moved, when done

  bool must_wait() const { return kind == Kind::want_read || kind == Kind::want_write; }
};

/// The inside of a Stream: the descriptor, its TLS and its place in the wheel. stream.cc waits and loops,
/// plain_io.cc and tls_io.cc make the attempts.
struct Stream::Impl final : Wheel::Entry {
  Impl(const boost::asio::any_io_executor& executor, int fd, Wheel& in);
  ~Impl() override { shut(); }

  void on_expired() override;
  void shut();

  /// Waits until the descriptor is ready for what the attempt wants; fails by deadline or close().
  Task<Result<>> wait(Attempt::Kind kind);
  static Poller::Wanted wanted(Attempt::Kind kind) {
    return kind == Attempt::Kind::want_write ? Poller::writable : Poller::readable;
  }
  /// Lets other connections run after many operations that never had to wait.
  Task<void> pause();
  bool pause_due() { return ++immediate > kImmediateMost; }
  /// Why no operation may go on, if so.
  std::optional<Error> barred() const;
  /// Repeats SSL_do_handshake until it is through.
  Task<Result<TlsInfo>> handshake();

  Attempt try_read();
  Attempt try_write(std::string_view bytes);
  Attempt try_read_plain(char* into, std::size_t most = kReadBufferSize);
  Attempt try_read_tls(char* into);
  Attempt try_write_tls(std::string_view bytes);
  Attempt try_handshake();
  /// Sorts out what an SSL_ function that returned `result` wants, and keeps the error if it failed.
  Attempt tls_outcome(int result, const char* doing);
  Result<> prepare_tls(TlsContext& context);
  static bool is_tcp(int descriptor);
  TlsInfo tls_info() const;
  void judge_server(TlsInfo& info) const;
  Flaw certificate_flaw() const;

  /// Octets that one busy connection may move before others get their turn are bounded by this many operations.
  static constexpr int kImmediateMost = 16;

  Poller& poller;
  Poller::Registration registration;
  Socket socket; ///< what the BIO of `ssl` works on
  Wheel* wheel;
  SSL* ssl = nullptr;
  PooledBuffer buffer;            ///< kept by close(): whoever was given a view of it may be waiting for something else
  std::unique_ptr<Error> failure; ///< of the last attempt that failed
  struct Ends {
    Endpoint local, remote;
  };
  std::unique_ptr<Ends> ends; ///< told by a proxy
  int immediate = 0;
  const bool short_means_empty; ///< a read that is not full has taken all there was
  bool drained = false; ///< the last read took all there was: the next one waits first and need not find that out
  bool expired = false;
  bool closed = false;
  bool encrypted = false;  ///< handshake done
  bool tls_broken = false; ///< no further word to the peer through TLS
  bool server_side = false;
};

/// The door to what Stream keeps private, for this folder.
struct StreamAccess {
  static Stream::Impl& impl(Stream& stream) { return *stream.impl_; }
  static const Stream::Impl& impl(const Stream& stream) { return *stream.impl_; }
};

} // namespace paquebot::net
