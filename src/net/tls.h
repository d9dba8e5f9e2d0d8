#pragma once

#include "base/clock.h"
#include "base/result.h"

#include <memory>
#include <string>

typedef struct ssl_ctx_st SSL_CTX;

namespace paquebot::net {

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
  /// Client side. `verify`: against the system's roots (or `ca_pem` when not empty) and the server's name.
  /// Opportunistic SMTP does not verify (RFC 7435).
  static Result<std::shared_ptr<TlsContext>> client(bool verify, const std::string& ca_pem = {});
  /// Client side: the certificate to show to a server that asks. Before the context is shared.
  Result<> use_certificate(const std::string& certificate_pem, const std::string& key_pem);
  ~TlsContext();
  SSL_CTX* native() const { return context_; }
  /// Server side: end of the certificate's validity, seconds since 1970.
  long long not_after() const;

private:
  explicit TlsContext(SSL_CTX* context);
  SSL_CTX* context_;
};

struct SelfSigned {
  std::string certificate_pem;
  std::string key_pem;
};
/// A new ECDSA P-256 key and a self-signed certificate for `hostname`, valid ten years.
Result<SelfSigned> make_self_signed(const std::string& hostname);

} // namespace paquebot::net
