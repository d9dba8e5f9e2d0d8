#include "net/certificate_trust.h"

#include "base/encoding.h"
#include "net/tls_error.h"

#include <memory>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <vector>

namespace paquebot::net {
namespace {

constexpr std::size_t kMostChain = 12;

struct FreeTrust {
  void operator()(X509* p) const { X509_free(p); }
  void operator()(BIO* p) const { BIO_free(p); }
  void operator()(X509_STORE* p) const { X509_STORE_free(p); }
  void operator()(X509_STORE_CTX* p) const { X509_STORE_CTX_free(p); }
  void operator()(STACK_OF(X509) * p) const { sk_X509_free(p); } // the certificates are others'
};
template <class T>
using Trust = std::unique_ptr<T, FreeTrust>;

std::vector<Trust<X509>> chain_of(const std::string& pem) {
  std::vector<Trust<X509>> chain;
  const Trust<BIO> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  while (bio && chain.size() < kMostChain) {
    Trust<X509> one(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
    if (!one) break;
    chain.push_back(std::move(one));
  }
  (void)take_tls_errors(); // the end of the text is one
  return chain;
}

/// What a selector means: the whole certificate, or its key (RFC 6698 section 2.1.2).
std::string selected(X509* certificate, unsigned selector) {
  unsigned char* der = nullptr;
  const int size =
      selector == 0 ? i2d_X509(certificate, &der) : i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
  if (size <= 0) return {};
  std::string octets(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
  OPENSSL_free(der);
  return octets;
}

std::string digest(const std::string& octets, const EVP_MD* kind) {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (EVP_Digest(octets.data(), octets.size(), out, &size, kind, nullptr) != 1) return {};
  return {reinterpret_cast<const char*>(out), size};
}

std::string matching(X509* certificate, unsigned selector, unsigned type) {
  std::string octets = selected(certificate, selector);
  if (type == 1) return digest(octets, EVP_sha256());
  if (type == 2) return digest(octets, EVP_sha512());
  return octets;
}

} // namespace

Result<> certificate_is_trusted(const std::string& pem, std::int64_t now, const std::string& ca_pem) {
  const auto chain = chain_of(pem);
  if (chain.empty()) return fail(Errc::invalid, "there is no certificate in it (PEM)");
  const Trust<X509_STORE> roots(X509_STORE_new());
  const Trust<X509_STORE_CTX> context(X509_STORE_CTX_new());
  const Trust<STACK_OF(X509)> others(sk_X509_new_null());
  if (!roots || !context || !others) return fail(Errc::io, "out of memory");
  if (ca_pem.empty()) X509_STORE_set_default_paths(roots.get());
  for (const auto& one : chain_of(ca_pem)) X509_STORE_add_cert(roots.get(), one.get());
  for (std::size_t i = 1; i < chain.size(); ++i) sk_X509_push(others.get(), chain[i].get());
  if (X509_STORE_CTX_init(context.get(), roots.get(), chain.front().get(), others.get()) != 1)
    return fail(Errc::io, "the certificate can't be checked: " + take_tls_errors());
  X509_STORE_CTX_set_purpose(context.get(), X509_PURPOSE_SSL_SERVER);
  X509_VERIFY_PARAM_set_time(X509_STORE_CTX_get0_param(context.get()), static_cast<std::time_t>(now / 1000));
  const bool trusted = X509_verify_cert(context.get()) == 1;
  (void)take_tls_errors();
  if (trusted) return {};
  return fail(Errc::refused, X509_verify_cert_error_string(X509_STORE_CTX_get_error(context.get())));
}

std::string tlsa_data_of(const std::string& pem) {
  const auto chain = chain_of(pem);
  return chain.empty() ? std::string() : hex_encode(matching(chain.front().get(), 1, 1));
}

bool tlsa_fits(std::string_view rdata, const std::string& pem) {
  if (rdata.size() < 4) return false;
  const auto usage = static_cast<unsigned char>(rdata[0]), selector = static_cast<unsigned char>(rdata[1]),
             type = static_cast<unsigned char>(rdata[2]);
  if (usage < 2 || usage > 3 || selector > 1 || type > 2) return false;
  const auto chain = chain_of(pem);
  for (std::size_t i = 0; i < chain.size(); ++i) {
    const bool counts = usage == 3 ? i == 0 : i > 0;
    if (counts && matching(chain[i].get(), selector, type) == rdata.substr(3)) return true;
  }
  return false;
}

} // namespace paquebot::net
