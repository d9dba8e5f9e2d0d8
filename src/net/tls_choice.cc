#include "net/tls_choice.h"

#include "net/certificates.h"

#include <exception>
#include <string_view>

namespace paquebot::net {
namespace {

/// What a context chooses from.
struct Choice {
  std::shared_ptr<const Certificates> certificates;
  std::string protocols; ///< as on the wire
};

int choice_slot() {
  static const int number =
      SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, [](void*, void* kept, CRYPTO_EX_DATA*, int, long, void*) {
        delete static_cast<Choice*>(kept);
      });
  return number;
}

/// Set on a session whose client offers "acme-tls/1".
int challenge_slot() {
  static const int number = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return number;
}

const Choice& choice_of(SSL* session) {
  return *static_cast<const Choice*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(session), choice_slot()));
}

bool is_challenge(SSL* session) { return SSL_get_ex_data(session, challenge_slot()) != nullptr; }

/// Whether a list of ALPN (RFC 7301 section 3.1) holds that protocol; what is malformed is for OpenSSL to refuse.
bool offers(std::string_view list, std::string_view protocol) {
  while (!list.empty()) {
    const auto length = static_cast<unsigned char>(list.front());
    if (list.substr(1, length) == protocol) return true;
    list.remove_prefix(std::min<std::size_t>(list.size(), 1u + length));
  }
  return false;
}

int on_client_hello(SSL* session, int*, void*) {
  const unsigned char* bytes = nullptr;
  std::size_t size = 0;
  constexpr unsigned kAlpn = TLSEXT_TYPE_application_layer_protocol_negotiation;
  if (SSL_client_hello_get0_ext(session, kAlpn, &bytes, &size) != 1 || size < 2) return SSL_CLIENT_HELLO_SUCCESS;
  static const char mark = 0;
  if (offers({reinterpret_cast<const char*>(bytes) + 2, size - 2}, kAcmeProtocol))
    SSL_set_ex_data(session, challenge_slot(), const_cast<char*>(&mark));
  return SSL_CLIENT_HELLO_SUCCESS;
}

int on_certificate(SSL* session, void*) {
  try {
    const char* name = SSL_get_servername(session, TLSEXT_NAMETYPE_host_name);
    const bool served =
        choice_of(session).certificates->serve(session, name != nullptr ? name : "", is_challenge(session));
    return served ? 1 : 0;
  } catch (const std::exception&) { // no memory
    return 0;
  }
}

int on_protocols(SSL* session, const unsigned char** out, unsigned char* size, const unsigned char* in,
                 unsigned in_size, void*) {
  const auto* own = reinterpret_cast<const unsigned char*>(choice_of(session).protocols.data());
  auto own_size = static_cast<unsigned>(choice_of(session).protocols.size());
  static constexpr unsigned char kChallenge[] = "\x0a"
                                                "acme-tls/1";
  if (is_challenge(session)) {
    own = kChallenge;
    own_size = sizeof kChallenge - 1;
  }
  if (own_size == 0) return SSL_TLSEXT_ERR_NOACK;
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, size, own, own_size, in, in_size) != OPENSSL_NPN_NEGOTIATED)
    return SSL_TLSEXT_ERR_ALERT_FATAL; // RFC 7301 section 3.2
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

} // namespace

std::string protocol_list(const std::vector<std::string>& protocols) {
  std::string list;
  for (const std::string& one : protocols) {
    if (one.empty() || one.size() > 255) return {};
    list += static_cast<char>(one.size());
    list += one;
  }
  return list;
}

bool install_choice(SSL_CTX* context, std::shared_ptr<const Certificates> certificates, const ServerTls& how) {
  if (challenge_slot() < 0) return false;
  auto choice = std::make_unique<Choice>(Choice{std::move(certificates), protocol_list(how.protocols)});
  if (choice->protocols.empty() != how.protocols.empty()) return false;
  if (SSL_CTX_set_ex_data(context, choice_slot(), choice.get()) != 1) return false;
  static_cast<void>(choice.release()); // the context's
  SSL_CTX_set_cert_cb(context, on_certificate, nullptr);
  if (how.challenges) SSL_CTX_set_client_hello_cb(context, on_client_hello, nullptr);
  if (how.challenges || !how.protocols.empty()) SSL_CTX_set_alpn_select_cb(context, on_protocols, nullptr);
  return true;
}

} // namespace paquebot::net
