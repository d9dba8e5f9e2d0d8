#include "base/text.h"
#include "net/dane.h"
#include "net/socket_address.h"
#include "net/stream_impl.h"
#include "net/tls.h"
#include "net/tls_error.h"

#include <algorithm>
#include <cerrno>
#include <limits>
#include <openssl/err.h>
#include <openssl/x509v3.h>

namespace paquebot::net {

namespace {

constexpr std::size_t kHostNameMost = 253;

std::unexpected<Error> tls_failure(const std::string& what) { return fail(Errc::io, what + ": " + take_tls_errors()); }

/// SNI carries host names only, without the final dot (RFC 6066 section 3).
Result<> name_server(SSL* ssl, std::string name) {
  if (name.ends_with('.')) name.pop_back();
  const bool verifies = (SSL_get_verify_mode(ssl) & SSL_VERIFY_PEER) != 0;
  if (name.size() > kHostNameMost || (name.empty() && verifies))
    return fail(Errc::invalid, "TLS needs the server's name, of at most 253 octets");
  const bool address = is_ip_address(name);
  if (!address && !name.empty() && SSL_set_tlsext_host_name(ssl, name.c_str()) != 1)
    return tls_failure("TLS could not be prepared");
  if (!verifies) return {};
  // RFC 6125 section 6.4.3: a wildcard stands for one whole label.
  SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  const int set =
      address ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name.c_str()) : SSL_set1_host(ssl, name.c_str());
  if (set != 1) return tls_failure("TLS could not be prepared");
  return {};
}

} // namespace

Result<> Stream::Impl::prepare_tls(TlsContext& context) {
  if (auto why = barred()) return std::unexpected(std::move(*why));
  if (ssl != nullptr) return fail(Errc::invalid, "TLS is already on");
  ERR_clear_error();
  buffer.give_back();
  drained = false; // TLS may hold input that the socket knows nothing of
  ssl = SSL_new(context.native());
  BIO* bio = ssl != nullptr ? make_socket_bio(socket) : nullptr;
  if (bio == nullptr) return tls_failure("TLS could not be prepared");
  SSL_set_bio(ssl, bio, bio);
  return {};
}

Task<Result<TlsInfo>> Stream::start_tls_server(TlsContext& context) {
  Impl& self = *impl_;
  if (auto ready = self.prepare_tls(context); !ready) co_return std::unexpected(std::move(ready.error()));
  self.server_side = true;
  SSL_set_accept_state(self.ssl);
  co_return co_await self.handshake();
}

Task<Result<TlsInfo>> Stream::start_tls_client(TlsContext& context, const std::string& server_name) {
  Impl& self = *impl_;
  if (auto ready = self.prepare_tls(context); !ready) co_return std::unexpected(std::move(ready.error()));
  if (auto named = name_server(self.ssl, server_name); !named) co_return std::unexpected(std::move(named.error()));
  SSL_set_connect_state(self.ssl);
  co_return co_await self.handshake();
}

Task<Result<TlsInfo>> Stream::start_tls_client(TlsContext& context, const Dane& dane) {
  Impl& self = *impl_;
  const std::vector<std::string> names = dane.names;
  if (auto ready = self.prepare_tls(context); !ready) co_return std::unexpected(std::move(ready.error()));
  if (auto set = expect_dane(self.ssl, dane); !set) co_return std::unexpected(std::move(set.error()));
  SSL_set_connect_state(self.ssl);
  auto info = co_await self.handshake();
  if (info) info->tlsa_names = names_borne(self.ssl, names);
  co_return info;
}

Task<Result<TlsInfo>> Stream::Impl::handshake() {
  for (;;) {
    if (auto why = barred()) co_return std::unexpected(std::move(*why));
    const Attempt tried = try_handshake();
    if (tried.kind == Attempt::Kind::done) break;
    if (!tried.must_wait()) co_return std::unexpected(*failure);
    if (auto ready = co_await wait(tried.kind); !ready) co_return std::unexpected(std::move(ready.error()));
  }
  encrypted = true;
  co_return tls_info();
}

Attempt Stream::Impl::try_handshake() {
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl);
  if (result == 1) return {Attempt::Kind::done};
  Attempt outcome = tls_outcome(result, "the TLS handshake failed");
  if (outcome.kind == Attempt::Kind::end) {
    failure = std::make_unique<Error>(Errc::closed, "the peer closed the connection during the TLS handshake");
    outcome.kind = Attempt::Kind::failed;
  }
  const long verified = SSL_get_verify_result(ssl);
  const bool asked = (SSL_get_verify_mode(ssl) & SSL_VERIFY_PEER) != 0;
  if (outcome.kind == Attempt::Kind::failed && asked && verified != X509_V_OK)
    failure->message += std::string(" (") + X509_verify_cert_error_string(verified) + ")";
  return outcome;
}

Attempt Stream::Impl::tls_outcome(int result, const char* doing) {
  const int system = errno;
  const int wanted = SSL_get_error(ssl, result);
  if (wanted == SSL_ERROR_WANT_READ) return {Attempt::Kind::want_read};
  if (wanted == SSL_ERROR_WANT_WRITE) return {Attempt::Kind::want_write};
  if (wanted == SSL_ERROR_ZERO_RETURN) {
    socket.at_end = true;
    return {Attempt::Kind::end};
  }
  tls_broken = true; // SSL_shutdown must not be called after a fatal error
  if (wanted == SSL_ERROR_SYSCALL && ERR_peek_error() == 0 && socket.at_end) return {Attempt::Kind::end};
  if (wanted == SSL_ERROR_SYSCALL && ERR_peek_error() == 0)
    failure = std::make_unique<Error>(errno_error(system, doing));
  else
    failure = std::make_unique<Error>(Errc::io, std::string(doing) + ": " + take_tls_errors());
  return {Attempt::Kind::failed};
}

Attempt Stream::Impl::try_read_tls(char* into) {
  Poller::clear(registration, Poller::readable);
  std::size_t total = 0;
  do {
    ERR_clear_error();
    std::size_t got = 0;
    const int result = SSL_read_ex(ssl, into + total, kReadBufferSize - total, &got);
    if (result == 1) {
      total += got;
      continue;
    }
    // Whatever ended a later round is met again by the next call.
    if (total > 0) break;
    return tls_outcome(result, "reading through TLS failed");
  } while (total < kReadBufferSize && SSL_has_pending(ssl) == 1);
  return {Attempt::Kind::done, total};
}

Attempt Stream::Impl::try_write_tls(std::string_view bytes) {
  ERR_clear_error();
  std::size_t sent = 0;
  const int result = SSL_write_ex(ssl, bytes.data(), bytes.size(), &sent);
  if (result == 1) return {Attempt::Kind::done, sent};
  Attempt outcome = tls_outcome(result, "writing through TLS failed");
  if (outcome.kind == Attempt::Kind::end) {
    failure = std::make_unique<Error>(Errc::closed, "the peer closed the connection");
    outcome.kind = Attempt::Kind::failed;
  }
  return outcome;
}

Flaw Stream::certificate_flaw() const { return impl_->certificate_flaw(); }

Flaw Stream::Impl::certificate_flaw() const {
  if (ssl == nullptr || server_side || (SSL_get_verify_mode(ssl) & SSL_VERIFY_PEER) == 0) return Flaw::none;
  switch (SSL_get_verify_result(ssl)) {
    case X509_V_OK: return Flaw::none;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH: return Flaw::name;
    case X509_V_ERR_CERT_NOT_YET_VALID:
    case X509_V_ERR_CERT_HAS_EXPIRED: return Flaw::expired;
    case X509_V_ERR_DANE_NO_MATCH: return Flaw::tlsa;
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_CERT_UNTRUSTED: return Flaw::untrusted;
    default: return Flaw::other;
  }
}

/// What the check of the server's certificate came to, where there was one.
void Stream::Impl::judge_server(TlsInfo& info) const {
  if ((SSL_get_verify_mode(ssl) & SSL_VERIFY_PEER) == 0) return;
  const long verified = SSL_get_verify_result(ssl);
  info.authentic = verified == X509_V_OK && SSL_get0_peer_certificate(ssl) != nullptr;
  if (verified != X509_V_OK) info.flaw = X509_verify_cert_error_string(verified);
  info.flaw_kind = certificate_flaw();
  info.tlsa = matched_tlsa(ssl);
}

TlsInfo Stream::Impl::tls_info() const {
  TlsInfo info;
  info.version = SSL_get_version(ssl);
  info.cipher = SSL_CIPHER_standard_name(SSL_get_current_cipher(ssl));
  info.resumed = SSL_session_reused(ssl) == 1;
  if (!server_side) judge_server(info);
  const char* name = server_side ? SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name) : nullptr;
  if (name != nullptr) info.server_name = to_lower(name);
  const unsigned char* protocol = nullptr;
  unsigned length = 0;
  SSL_get0_alpn_selected(ssl, &protocol, &length);
  if (protocol != nullptr) info.protocol.assign(reinterpret_cast<const char*>(protocol), length);
  return info;
}

} // namespace paquebot::net
