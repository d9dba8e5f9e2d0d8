#include "net/channel.h"

#include "net/stream_impl.h"

#include <algorithm>
#include <array>
#include <openssl/err.h>
#include <openssl/x509v3.h>

namespace paquebot::net {
namespace {

constexpr std::size_t kMostNames = 16;

/// RFC 9266 section 2: 32 octets, the label below, an empty context.
std::string exported(SSL* ssl) {
  constexpr std::string_view kLabel = "EXPORTER-Channel-Binding";
  std::array<unsigned char, 32> out{};
  const unsigned char none = 0;
  if (SSL_export_keying_material(ssl, out.data(), out.size(), kLabel.data(), kLabel.size(), &none, 0, 1) != 1) {
    ERR_clear_error();
    return {};
  }
  return {out.begin(), out.end()};
}

/// RFC 5929 section 3.1: the first Finished message of the last handshake, which is the server's when the session was
/// resumed.
std::string unique(SSL* ssl, bool server_side) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
  const bool servers = SSL_session_reused(ssl) == 1;
  const std::size_t size = servers == server_side ? SSL_get_finished(ssl, out.data(), out.size())
                                                  : SSL_get_peer_finished(ssl, out.data(), out.size());
  return {out.begin(), out.begin() + static_cast<std::ptrdiff_t>(std::min(size, out.size()))};
}

std::vector<std::string> mail_names(const X509* certificate) {
  std::vector<std::string> names;
  auto* found = static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; found != nullptr && i < sk_GENERAL_NAME_num(found) && names.size() < kMostNames; ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(found, i);
    if (name->type != GEN_EMAIL) continue;
    const auto* octets = reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.rfc822Name));
    std::string text(octets, static_cast<std::size_t>(ASN1_STRING_length(name->d.rfc822Name)));
    // A NUL in it is an old trick to show one name to the authority and another to us.
    const bool plain = std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7F; });
    if (plain && !text.empty() && text.size() <= 254) names.push_back(std::move(text));
  }
  GENERAL_NAMES_free(found);
  return names;
}

} // namespace

sasl::Channel channel_of(const Stream& stream) {
  sasl::Channel channel;
  const auto& impl = StreamAccess::impl(stream);
  if (!impl.encrypted || impl.ssl == nullptr) return channel;
  SSL* ssl = impl.ssl;
  const bool modern = SSL_version(ssl) >= TLS1_3_VERSION;
  if (modern || SSL_get_extms_support(ssl) == 1) {
    std::string data = modern ? exported(ssl) : unique(ssl, impl.server_side);
    if (!data.empty()) channel.bindings.push_back({modern ? "tls-exporter" : "tls-unique", std::move(data)});
  }
  channel.verified =
      !impl.server_side && (SSL_get_verify_mode(ssl) & SSL_VERIFY_PEER) != 0 && SSL_get_verify_result(ssl) == X509_V_OK;
  const X509* certificate = impl.server_side ? SSL_get0_peer_certificate(ssl) : nullptr;
  const bool asked = (SSL_get_verify_mode(ssl) & SSL_VERIFY_PEER) != 0;
  if (certificate != nullptr && asked && SSL_get_verify_result(ssl) == X509_V_OK)
    channel.certificate_names = mail_names(certificate);
  return channel;
}

} // namespace paquebot::net
