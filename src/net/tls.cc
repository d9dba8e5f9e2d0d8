#include "net/tls.h"

#include "net/certificates.h"
#include "net/ticket_keys.h"
#include "net/tls_choice.h"
#include "net/tls_error.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

namespace paquebot::net {

std::string take_tls_errors() {
  std::string text;
  for (int i = 0; i < 3; ++i) {
    const unsigned long code = ERR_get_error();
    if (code == 0) break;
    char number[256];
    ERR_error_string_n(code, number, sizeof number);
    const char* reason = ERR_reason_error_string(code);
    if (!text.empty()) text += "; ";
    text += reason != nullptr ? reason : number;
  }
  ERR_clear_error();
  return text.empty() ? "no reason given" : text;
}

namespace {

/// RFC 9325 section 4.2: forward secrecy and authenticated encryption only. TLS 1.3 has no others.
constexpr const char* kCiphers = "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:DHE+CHACHA20";
/// Elliptic curves only: a finite field of TLS 1.3 would be slower and, at 2048 bits, weaker than any of them.
constexpr const char* kGroups = "X25519:P-256:X448:P-384:P-521";
/// Towards servers that are not verified a weak cipher is still better than clear text (RFC 7435 section 3).
constexpr const char* kOpportunisticCiphers =
    "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:DHE+CHACHA20:HIGH:!aNULL:!eNULL:!3DES:!PSK:!SRP:@SECLEVEL=1";

struct Free {
  void operator()(SSL_CTX* p) const { SSL_CTX_free(p); }
  void operator()(BIO* p) const { BIO_free(p); }
  void operator()(X509* p) const { X509_free(p); }
  void operator()(EVP_PKEY* p) const { EVP_PKEY_free(p); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

std::unexpected<Error> tls_error(Errc code, const std::string& what) {
  return fail(code, what + ": " + take_tls_errors());
}

Owned<BIO> text_bio(const std::string& pem) {
  return Owned<BIO>(BIO_new_mem_buf(pem.data(), static_cast<int>(std::min<std::size_t>(pem.size(), 1 << 24))));
}

/// A key behind a password would ask on the terminal: refuse instead.
int no_password(char*, int, int, void*) { return 0; }

Owned<SSL_CTX> new_context(const SSL_METHOD* method, const char* ciphers) {
  ERR_clear_error();
  Owned<SSL_CTX> context(SSL_CTX_new(method));
  if (!context) return context;
  // RFC 9325 section 3: nothing before TLS 1.2, no compression, no renegotiation.
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  // Mail protocols mark their own ends: a missing close_notify, which is common, loses nothing.
  SSL_CTX_set_options(context.get(), SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_SINGLE_DH_USE |
                                         SSL_OP_SINGLE_ECDH_USE | SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_mode(context.get(),
                   SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_read_ahead(context.get(), 1);
  // Tickets carry the state of a session; a cache beside them would only take memory.
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  if (SSL_CTX_set1_groups_list(context.get(), kGroups) != 1 || SSL_CTX_set_cipher_list(context.get(), ciphers) != 1)
    context.reset();
  return context;
}

Result<> use_chain(SSL_CTX* context, const std::string& pem) {
  const auto bio = text_bio(pem);
  const Owned<X509> leaf(PEM_read_bio_X509_AUX(bio.get(), nullptr, no_password, nullptr));
  if (!leaf) return tls_error(Errc::invalid, "no certificate in PEM form was found");
  if (SSL_CTX_use_certificate(context, leaf.get()) != 1)
    return tls_error(Errc::invalid, "the certificate cannot be used");
  for (;;) {
    Owned<X509> next(PEM_read_bio_X509(bio.get(), nullptr, no_password, nullptr));
    if (!next) break;
    if (SSL_CTX_add0_chain_cert(context, next.get()) != 1)
      return tls_error(Errc::invalid, "a certificate of the chain cannot be used");
    static_cast<void>(next.release()); // the context owns it now
  }
  const unsigned long last = ERR_peek_last_error();
  if (ERR_GET_REASON(last) != PEM_R_NO_START_LINE)
    return tls_error(Errc::invalid, "a certificate of the chain is damaged");
  ERR_clear_error();
  return {};
}

Result<> use_key(SSL_CTX* context, const std::string& pem) {
  const auto bio = text_bio(pem);
  const Owned<EVP_PKEY> key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_password, nullptr));
  if (!key) return tls_error(Errc::invalid, "no private key in PEM form without a password was found");
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1 || SSL_CTX_check_private_key(context) != 1)
    return tls_error(Errc::invalid, "the private key does not belong to the certificate");
  return {};
}

Result<> trust(SSL_CTX* context, const std::string& ca_pem) {
  if (ca_pem.empty()) {
    if (SSL_CTX_set_default_verify_paths(context) != 1) return tls_error(Errc::io, "the system's roots cannot be read");
    return {};
  }
  const auto bio = text_bio(ca_pem);
  int found = 0;
  for (;;) {
    const Owned<X509> root(PEM_read_bio_X509(bio.get(), nullptr, no_password, nullptr));
    if (!root) break;
    if (X509_STORE_add_cert(SSL_CTX_get_cert_store(context), root.get()) == 1) ++found;
  }
  ERR_clear_error();
  if (found == 0) return fail(Errc::invalid, "no root certificate in PEM form was found");
  return {};
}

/// Client certificates are wanted, not needed. A resumed session would have to remember who the client was: there is
/// none.
Result<> ask_clients(SSL_CTX* context, const std::string& ca_pem) {
  if (auto done = trust(context, ca_pem); !done) return done;
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_purpose(context, X509_PURPOSE_SSL_CLIENT);
  SSL_CTX_set_num_tickets(context, 0);
  SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
  const STACK_OF(X509_OBJECT)* roots = X509_STORE_get0_objects(SSL_CTX_get_cert_store(context));
  for (int i = 0; i < sk_X509_OBJECT_num(roots); ++i)
    if (X509* root = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(roots, i))) SSL_CTX_add_client_CA(context, root);
  return {};
}

/// Checks a certificate, and goes on whatever comes of it: SSL_get_verify_result() tells.
int only_look(X509_STORE_CTX* chain, void*) {
  if (X509_verify_cert(chain) != 1 && X509_STORE_CTX_get_error(chain) == X509_V_OK)
    X509_STORE_CTX_set_error(chain, X509_V_ERR_UNSPECIFIED);
  ERR_clear_error();
  return 1;
}

} // namespace

TlsContext::TlsContext(SSL_CTX* context) : context_(context) {}
TlsContext::~TlsContext() { SSL_CTX_free(context_); }

Result<std::shared_ptr<TlsContext>> TlsContext::server(const std::string& certificate_pem, const std::string& key_pem,
                                                       const std::string& client_ca_pem, const Clock& clock) {
  auto certificates = std::make_shared<Certificates>();
  if (auto done = certificates->configure({{certificate_pem, key_pem}}); !done) return std::unexpected(done.error());
  return server(std::move(certificates), {.client_ca_pem = client_ca_pem, .protocols = {}}, clock);
}

Result<std::shared_ptr<TlsContext>> TlsContext::server(std::shared_ptr<const Certificates> certificates,
                                                       const ServerTls& how, const Clock& clock) {
  auto context = new_context(TLS_server_method(), kCiphers);
  if (!context) return tls_error(Errc::io, "TLS could not be set up");
  SSL_CTX_set_options(context.get(), SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  SSL_CTX_set_dh_auto(context.get(), 1);
  SSL_CTX_set_num_tickets(context.get(), 1);
  if (!TicketKeys::install(context.get(), clock)) return tls_error(Errc::io, "keys for tickets could not be set up");
  if (!install_choice(context.get(), std::move(certificates), how))
    return tls_error(Errc::io, "TLS could not be set up");
  if (!how.client_ca_pem.empty())
    if (auto done = ask_clients(context.get(), how.client_ca_pem); !done) return std::unexpected(done.error());
  return std::shared_ptr<TlsContext>(new TlsContext(context.release()));
}

Result<std::shared_ptr<TlsContext>> TlsContext::client(bool verify, const std::string& ca_pem) {
  auto context = new_context(TLS_client_method(), verify ? kCiphers : kOpportunisticCiphers);
  if (!context) return tls_error(Errc::io, "TLS could not be set up");
  SSL_CTX_set_verify(context.get(), verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  if (verify)
    if (auto done = trust(context.get(), ca_pem); !done) return std::unexpected(done.error());
  return std::shared_ptr<TlsContext>(new TlsContext(context.release()));
}

Result<std::shared_ptr<TlsContext>> TlsContext::watching(const std::string& ca_pem) {
  auto context = new_context(TLS_client_method(), kOpportunisticCiphers);
  if (!context) return tls_error(Errc::io, "TLS could not be set up");
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_cert_verify_callback(context.get(), only_look, nullptr);
  if (auto done = trust(context.get(), ca_pem); !done) return std::unexpected(done.error());
  return std::shared_ptr<TlsContext>(new TlsContext(context.release()));
}

Result<std::shared_ptr<TlsContext>> TlsContext::for_dane() {
  auto context = new_context(TLS_client_method(), kCiphers);
  if (!context || SSL_CTX_dane_enable(context.get()) != 1) return tls_error(Errc::io, "TLS could not be set up");
  SSL_CTX_dane_set_flags(context.get(), DANE_FLAG_NO_DANE_EE_NAMECHECKS);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  return std::shared_ptr<TlsContext>(new TlsContext(context.release()));
}

Result<> TlsContext::use_certificate(const std::string& certificate_pem, const std::string& key_pem) {
  if (auto done = use_chain(context_, certificate_pem); !done) return done;
  return use_key(context_, key_pem);
}

Result<> TlsContext::offer_protocols(const std::vector<std::string>& protocols) {
  const std::string list = protocol_list(protocols);
  const auto* bytes = reinterpret_cast<const unsigned char*>(list.data());
  if (list.empty() || SSL_CTX_set_alpn_protos(context_, bytes, static_cast<unsigned>(list.size())) != 0) // 0: done
    return fail(Errc::invalid, "such protocols cannot be offered");
  return {};
}

} // namespace paquebot::net
