#include "net/dane.h"

#include "net/tls_error.h"

#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

namespace paquebot::net {
namespace {

constexpr std::size_t kTlsaHead = 3;
constexpr unsigned kDaneTa = 2, kDaneEe = 3;

struct TlsaHead {
  unsigned usage, selector, matching;
};

TlsaHead head_of(std::string_view rdata) {
  return {static_cast<unsigned char>(rdata[0]), static_cast<unsigned char>(rdata[1]),
          static_cast<unsigned char>(rdata[2])};
}

/// All of the octets, and nothing behind them.
bool is_certificate(std::string_view der) {
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  const auto* end = at + der.size();
  X509* made = d2i_X509(nullptr, &at, static_cast<long>(der.size()));
  const bool good = made != nullptr && at == end && X509_get0_pubkey(made) != nullptr;
  X509_free(made);
  (void)take_tls_errors();
  return good;
}

bool is_public_key(std::string_view der) {
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  const auto* end = at + der.size();
  EVP_PKEY* made = d2i_PUBKEY(nullptr, &at, static_cast<long>(der.size()));
  const bool good = made != nullptr && at == end;
  EVP_PKEY_free(made);
  (void)take_tls_errors();
  return good;
}

} // namespace

bool tlsa_is_usable(std::string_view rdata) {
  if (rdata.size() <= kTlsaHead) return false;
  const TlsaHead head = head_of(rdata);
  const std::string_view data = rdata.substr(kTlsaHead);
  if ((head.usage != kDaneTa && head.usage != kDaneEe) || head.selector > 1) return false;
  switch (head.matching) {
    case 0: return head.selector == 0 ? is_certificate(data) : is_public_key(data);
    case 1: return data.size() == 32; // SHA-256
    case 2: return data.size() == 64; // SHA-512
    default: return false;
  }
}

Result<> expect_dane(SSL* ssl, const Dane& dane) {
  if (dane.names.empty() || SSL_dane_enable(ssl, dane.names.front().c_str()) <= 0)
    return fail(Errc::invalid, "TLSA records could not be prepared: " + take_tls_errors());
  for (std::size_t i = 1; i < dane.names.size(); ++i)
    if (SSL_add1_host(ssl, dane.names[i].c_str()) != 1)
      return fail(Errc::invalid, "TLSA records could not be prepared: " + take_tls_errors());
  SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  bool some = false;
  for (const std::string& record : dane.records) {
    if (record.size() <= kTlsaHead) continue;
    const TlsaHead head = head_of(record);
    if (head.usage != kDaneTa && head.usage != kDaneEe) continue; // OpenSSL would take the others too
    const auto* data = reinterpret_cast<const unsigned char*>(record.data()) + kTlsaHead;
    some = SSL_dane_tlsa_add(ssl, static_cast<std::uint8_t>(head.usage), static_cast<std::uint8_t>(head.selector),
                             static_cast<std::uint8_t>(head.matching), data, record.size() - kTlsaHead) > 0 ||
           some;
  }
  (void)take_tls_errors();
  if (!some) return fail(Errc::invalid, "none of the TLSA records can be used");
  return {};
}

std::string matched_tlsa(SSL* ssl) {
  std::uint8_t usage = 0, selector = 0, matching = 0;
  const unsigned char* data = nullptr;
  std::size_t size = 0;
  if (SSL_get0_dane_tlsa(ssl, &usage, &selector, &matching, &data, &size) < 0) return {};
  std::string record{static_cast<char>(usage), static_cast<char>(selector), static_cast<char>(matching)};
  record.append(reinterpret_cast<const char*>(data), size);
  return record;
}

std::vector<std::string> names_borne(SSL* ssl, const std::vector<std::string>& names) {
  std::vector<std::string> borne;
  X509* certificate = SSL_get0_peer_certificate(ssl);
  if (certificate == nullptr) return borne;
  for (const std::string& name : names)
    if (X509_check_host(certificate, name.data(), name.size(), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, nullptr) == 1)
      borne.push_back(name);
  return borne;
}

} // namespace paquebot::net
