#pragma once

#include "base/result.h"
#include "base/task.h"
#include "net/endpoint.h"

#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace paquebot::net {

class TlsContext;
class Wheel;
struct Dane;

/// What is wrong with a server's certificate.
enum class Flaw : std::uint8_t {
  none,
  name,      ///< it is for another name
  expired,   ///< or not valid yet
  untrusted, ///< nobody who is believed vouches for it
  tlsa,      ///< no TLSA record fits
  other,
};

/// What TLS agreed on; empty version means plain text.
struct TlsInfo {
  std::string version;     ///< "TLSv1.3"
  std::string cipher;      ///< "TLS_AES_256_GCM_SHA384": the registered name, not OpenSSL's own
  std::string server_name; ///< SNI the client sent, server side only
  std::string protocol;    ///< agreed on by ALPN; empty: none
  bool resumed = false;
  // Client side, what the server's certificate is worth:
  bool authentic = false; ///< its check was passed: by TLSA records, or by roots and name
  std::string flaw{};     ///< looked at, found wanting, and no condition of the handshake (TlsContext::watching()): why
  Flaw flaw_kind = Flaw::none;
  std::string tlsa{};                    ///< the TLSA record that fitted
  std::vector<std::string> tlsa_names{}; ///< of those asked for with it, those that the certificate bears
};

/// Writing to a connection that is gone must not end the process. Streams do not raise SIGPIPE; call this once
/// early for everything else (pipes, libraries).
void ignore_sigpipe();

/// One connection, plain or TLS, TCP or local: the drivers' only way to the network. One concrete type;
/// TLS is OpenSSL on the non-blocking descriptor. Belongs to one executor; one reader and one writer at a time.
/// Every wait ends by the absolute deadline set last (timeout), or by close().
class Stream {
public:
  /// Takes over a connected, non-blocking descriptor. `wheel` must outlive the stream.
  Stream(boost::asio::any_io_executor executor, int descriptor, Wheel& wheel);
  ~Stream();
  Stream(Stream&&) noexcept;
  Stream& operator=(Stream&&) noexcept;

  /// From now on every operation fails with `timeout` once this instant has passed. Coarse: up to a second late.
  void set_deadline(std::chrono::steady_clock::time_point when);
  bool timed_out() const;
  /// What waits for this stream ends now as if its deadline had passed; what has not begun to wait yet, too.
  void interrupt();

  /// Waits until there is input, then reads what there is (at most 64 KiB). The view lives in a buffer taken
  /// from a pool and stays valid until the next read or release_buffer(), also when the stream is closed meanwhile, as
  /// somebody else may do while its reader waits for the disk. Empty at the end of the stream.
  Task<Result<std::string_view>> read();
  /// The same, but at most `most` octets, and only while there is no TLS: for what comes in front of a session.
  Task<Result<std::string_view>> read_at_most(std::size_t most);
  /// Gives the read buffer back to the pool: call when all of it was used and the connection may idle.
  void release_buffer();
  /// Whether the peer has sent something that was not read yet. Plain connections only; does not wait.
  bool has_input() const;
  /// Writes all of it.
  Task<Result<>> write(std::string_view bytes);
  /// Writes what goes out at once, without a coroutine; gives how many octets did. What is left, 0 for all of it after
  /// an error, is for write(), which waits or tells.
  std::size_t write_now(std::string_view bytes);

  /// TLS handshake as the server. Whatever was read before and not used must have been dropped by the caller.
  Task<Result<TlsInfo>> start_tls_server(TlsContext& context);
  /// TLS handshake as the client; `server_name` goes into SNI and, if the context verifies, is checked.
  Task<Result<TlsInfo>> start_tls_client(TlsContext& context, const std::string& server_name);
  /// The same with a server that is known by TLSA records; the context is TlsContext::for_dane().
  Task<Result<TlsInfo>> start_tls_client(TlsContext& context, const Dane& dane);
  bool encrypted() const;
  /// As the client, also after a handshake that failed: what was found wrong with the server's certificate.
  Flaw certificate_flaw() const;

  /// Closes our direction (close_notify if TLS is on, without waiting, then the socket's): what was written last
  /// arrives, and what the peer still sends can be read. Nothing may be written afterwards.
  void end_output();
  /// Sends close_notify if TLS is on (without waiting) and closes; operations under way end with `closed`.
  /// Input that came and was not read is dropped first, so that the last words sent still reach the peer (a socket
  /// closed with unread input answers with a reset). The read buffer stays until release_buffer() or the destructor.
  /// Safe to call twice.
  void close();
  Endpoint local() const;
  Endpoint remote() const;
  /// A trusted proxy told whose connection this really is: from now on local() and remote() give these ends.
  void set_ends(Endpoint local, Endpoint remote);
  /// The other process's user id on a local socket, or -1.
  long peer_uid() const;

private:
  struct Impl; // stream_impl.h
  friend struct StreamAccess;
  std::unique_ptr<Impl> impl_;
};

/// Opens a TCP connection, optionally from a given local address ("" for any), by the deadline.
Task<Result<Stream>> connect_tcp(boost::asio::any_io_executor executor, Wheel& wheel, Endpoint to, std::string from,
                                 std::chrono::steady_clock::time_point deadline);
/// Opens a connection to a local (unix) socket.
Task<Result<Stream>> connect_local(boost::asio::any_io_executor executor, Wheel& wheel, std::string path,
                                   std::chrono::steady_clock::time_point deadline);

} // namespace paquebot::net
