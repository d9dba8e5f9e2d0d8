#pragma once

#include "base/result.h"
#include "sasl/channel.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace paquebot::cli {

enum class TlsMode : std::uint8_t {
  automatic, ///< from the first octet on ports that end in 465, 993 or 995, else STARTTLS; see TlsPlan
  starttls,  ///< STARTTLS, or nothing is sent
  implicit,  ///< TLS from the first octet
  none,
};

/// Where a client program connects and as whom.
struct Target {
  std::string server; ///< "host", "host:port", "192.0.2.1", "[2001:db8::1]:25"
  TlsMode tls = TlsMode::automatic;
  std::optional<bool> tls_first = {}; ///< whether its port expects TLS at once, where that is known; for `automatic`
  bool verify = true;                 ///< the server's certificate and name
  std::string ca_pem;                 ///< certificates to trust instead of the system's, PEM; may be empty
  std::string user;                   ///< empty: no login
  std::string password;
  std::chrono::seconds connect_timeout{30};          ///< each address
  std::chrono::milliseconds greeting_timeout{60000}; ///< for the server's first octet
};

struct HostPort {
  std::string host;
  std::uint16_t port = 0; ///< 0: not given
};
/// Reads "host[:port]", brackets around an IPv6 address optional when there is no port.
Result<HostPort> parse_server(std::string_view text);

/// What TLS is to be used on a connection.
struct TlsPlan {
  bool implicit = false;
  bool wanted = false;   ///< STARTTLS when offered
  bool required = false; ///< no password and no mail without TLS
  bool verify = false;
};
/// With TlsMode::automatic a password is sent only under verified TLS; without a login, TLS is used when it is there
/// and not verified (RFC 7435), and on loopback it is not verified unless `ca_pem` is given.
TlsPlan plan_tls(const Target& target, std::uint16_t port, bool loopback);

/// One blocking connection of a client program, on a context of its own. Errors are in plain words for the user.
class ClientDriver {
public:
  /// Resolves the name, tries its addresses in turn, does the handshake when TLS is implicit.
  static Result<ClientDriver> connect(const Target& target, const HostPort& where);
  ~ClientDriver();
  ClientDriver(ClientDriver&&) noexcept;
  ClientDriver& operator=(ClientDriver&&) noexcept;

  /// What there is, at most 64 KiB, valid until the next call; empty when the peer closed. `within` counts from the
  /// moment `window` last changed. Errc::timeout when it passed.
  Result<std::string_view> read(std::chrono::milliseconds within, std::uint32_t window);
  /// Writes all; five minutes at most without an end.
  Result<> write(std::string_view bytes);
  /// The handshake after STARTTLS.
  Result<> start_tls();
  bool encrypted() const;
  /// What the login can be bound to.
  sasl::Channel channel() const;
  const TlsPlan& tls() const;
  /// What to try when the server has said nothing at all, with a blank in front; else empty.
  std::string silence_advice() const;
  /// "mail.example.org:587", for messages.
  const std::string& where() const;
  /// Our own address as an EHLO argument: "[192.0.2.7]" or "[IPv6:2001:db8::7]".
  std::string ehlo_literal() const;

private:
  struct Impl;
  explicit ClientDriver(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

} // namespace paquebot::cli
