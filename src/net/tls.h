#pragma once

#include "base/clock.h"
#include "base/result.h"

#include <memory>
#include <string>
#include <vector>

typedef struct ssl_ctx_st SSL_CTX;

namespace paquebot::net {

class Certificates;

/// What a listener's TLS is like, beside its certificates.
struct ServerTls {
  std::string client_ca_pem; ///< as of TlsContext::server()
  /// Protocols that clients may choose by ALPN (RFC 7301), the best first; who offers others only is refused. None: it
  /// is not looked at.
  std::vector<std::string> protocols;
  bool challenges = false; ///< answers "acme-tls/1" (RFC 8737) with the challenge certificates, to nobody else
};
/// TlsInfo::protocol of who only came for such an answer: there is nothing to be said to him.
inline constexpr const char* kAcmeProtocol = "acme-tls/1";

/// A TLS configuration, server or client side; immutable once made, shared by many streams, thread-safe.
/// Reload makes a new one; streams keep the one they started with.
class TlsContext {
public:
  /// Server side from PEM text (not paths: the files may be readable only before root is dropped).
  /// TLS 1.2 and up, the ciphers of RFC 9325, session tickets whose keys change by `clock` (ticket_keys.h).
  /// `client_ca_pem`: also ask clients for a certificate that one of these roots vouches for. Who has none comes in all
  /// the same; one that is not vouched for ends the handshake.
  static Result<std::shared_ptr<TlsContext>> server(const std::string& certificate_pem, const std::string& key_pem,
                                                    const std::string& client_ca_pem = {},
                                                    const Clock& clock = system_clock());
  /// Server side, with the certificate that suits the name asked for (SNI), at the time of each handshake.
  static Result<std::shared_ptr<TlsContext>> server(std::shared_ptr<const Certificates> certificates,
                                                    const ServerTls& how, const Clock& clock = system_clock());
  /// Client side. `verify`: against the system's roots (or `ca_pem` when not empty) and the server's name.
  /// Opportunistic SMTP does not verify (RFC 7435).
  static Result<std::shared_ptr<TlsContext>> client(bool verify, const std::string& ca_pem = {});
  /// Client side: certificates are checked as with `verify`, but nothing depends on it: TlsInfo tells.
  static Result<std::shared_ptr<TlsContext>> watching(const std::string& ca_pem = {});
  /// Client side, for servers that are known by TLSA records (dane.h); those of the system's roots don't count.
  static Result<std::shared_ptr<TlsContext>> for_dane();
  /// Client side: the certificate to show to a server that asks. Before the context is shared.
  Result<> use_certificate(const std::string& certificate_pem, const std::string& key_pem);
  /// Client side: the protocols to offer by ALPN (RFC 7301), each of 1 to 255 octets. Before the context is shared.
  Result<> offer_protocols(const std::vector<std::string>& protocols);
  ~TlsContext();
  SSL_CTX* native() const { return context_; }

private:
  explicit TlsContext(SSL_CTX* context);
  SSL_CTX* context_;
};

struct SelfSigned {
  std::string certificate_pem;
  std::string key_pem;
};
/// A new ECDSA P-256 key and a self-signed certificate for `hostname` ("*." may be in front), valid ten years.
Result<SelfSigned> make_self_signed(const std::string& hostname);

} // namespace paquebot::net
