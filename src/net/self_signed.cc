#include "net/self_signed.h"

#include "base/text.h"
#include "net/endpoint.h"
#include "net/tls.h"
#include "net/tls_error.h"

#include <algorithm>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

namespace paquebot::net {

namespace {

constexpr long kDay = 24L * 60 * 60;
constexpr long kTenYears = 3652 * kDay;
/// RFC 5280 appendix A.1: ub-common-name.
constexpr std::size_t kCommonNameMost = 64;

struct FreeOpenssl {
  void operator()(X509* p) const { X509_free(p); }
  void operator()(EVP_PKEY* p) const { EVP_PKEY_free(p); }
  void operator()(BIO* p) const { BIO_free(p); }
  void operator()(BIGNUM* p) const { BN_free(p); }
  void operator()(X509_EXTENSION* p) const { X509_EXTENSION_free(p); }
};
template <class T>
using Freed = std::unique_ptr<T, FreeOpenssl>;

/// Letters that cannot break out of the small language of OpenSSL's extension values.
bool plain_name(const std::string& name) {
  if (name.empty() || name.size() > 253) return false;
  if (is_ip_address(name)) return true;
  return std::ranges::all_of(name.starts_with("*.") ? name.substr(2) : name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_';
  });
}

bool add_extension(X509* certificate, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  const Freed<X509_EXTENSION> extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

/// RFC 5280 section 4.1.2.2: positive, at most 20 octets; random, since nobody counts them.
bool set_serial(X509* certificate) {
  const Freed<BIGNUM> number(BN_new());
  return number && BN_rand(number.get(), 152, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
         BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr;
}

bool set_subject(X509* certificate, const std::string& hostname) {
  X509_NAME* name = X509_get_subject_name(certificate);
  const std::string common = hostname.size() <= kCommonNameMost ? hostname : "mail server";
  return X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(common.data()),
                                    static_cast<int>(common.size()), -1, 0) == 1;
}

/// What a certificate is to be.
struct Wanted {
  std::string subject;
  std::string names;      ///< of its subjectAltName, in OpenSSL's words; empty: none
  long lasts = kTenYears; ///< seconds from now on, may be below 0
  bool authority = false;
};

/// Signed by `issuer`, or by itself when there is none.
bool fill(X509* certificate, EVP_PKEY* key, const Wanted& wanted, X509* issuer, EVP_PKEY* issuer_key) {
  return X509_set_version(certificate, X509_VERSION_3) == 1 && set_serial(certificate) &&
         // A day in the past, for peers whose clocks are late.
         X509_gmtime_adj(X509_getm_notBefore(certificate), std::min(0L, wanted.lasts) - kDay) != nullptr &&
         X509_gmtime_adj(X509_getm_notAfter(certificate), wanted.lasts) != nullptr &&
         set_subject(certificate, wanted.subject) &&
         X509_set_issuer_name(certificate, X509_get_subject_name(issuer != nullptr ? issuer : certificate)) == 1 &&
         X509_set_pubkey(certificate, key) == 1 &&
         add_extension(certificate, NID_basic_constraints,
                       wanted.authority ? "critical,CA:TRUE" : "critical,CA:FALSE") &&
         (wanted.names.empty() || add_extension(certificate, NID_subject_alt_name, wanted.names)) &&
         (wanted.authority || add_extension(certificate, NID_ext_key_usage, "serverAuth")) &&
         X509_sign(certificate, issuer_key != nullptr ? issuer_key : key, EVP_sha256()) != 0;
}

std::string text_of(BIO* bio) {
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(bio, &bytes);
  return {bytes, static_cast<std::size_t>(size)};
}

struct Made {
  Freed<EVP_PKEY> key;
  Freed<X509> certificate;
  SelfSigned text;
};

Result<Made> make(const Wanted& wanted, const Made* issuer = nullptr) {
  ERR_clear_error();
  Made made{Freed<EVP_PKEY>(EVP_EC_gen("P-256")), Freed<X509>(X509_new()), {}};
  if (!made.key || !made.certificate ||
      !fill(made.certificate.get(), made.key.get(), wanted, issuer == nullptr ? nullptr : issuer->certificate.get(),
            issuer == nullptr ? nullptr : issuer->key.get()))
    return fail(Errc::io, "a certificate could not be made: " + take_tls_errors());
  const Freed<BIO> certificate_text(BIO_new(BIO_s_mem()));
  const Freed<BIO> key_text(BIO_new(BIO_s_mem()));
  if (PEM_write_bio_X509(certificate_text.get(), made.certificate.get()) != 1 ||
      PEM_write_bio_PrivateKey(key_text.get(), made.key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1)
    return fail(Errc::io, "a certificate could not be written: " + take_tls_errors());
  made.text = SelfSigned{text_of(certificate_text.get()), text_of(key_text.get())};
  return made;
}

} // namespace

Result<SelfSigned> make_self_signed(const std::string& hostname) {
  if (!plain_name(hostname))
    return fail(Errc::invalid, "a certificate cannot be made for the name \"" + printable(hostname, 128) + "\"");
  auto made = make({.subject = hostname, .names = (is_ip_address(hostname) ? "IP:" : "DNS:") + hostname});
  if (!made) return std::unexpected(made.error());
  return std::move(made->text);
}

Result<Makeshift> make_makeshift() {
  const std::string here = "DNS:localhost,DNS:*.localhost,IP:127.0.0.1,IP:::1";
  auto authority = make({.subject = "makeshift authority", .names = {}, .authority = true});
  if (!authority) return std::unexpected(authority.error());
  auto good = make({.subject = "localhost", .names = here}, &*authority);
  auto expired = make({.subject = "localhost", .names = here, .lasts = -kDay}, &*authority);
  auto other = make({.subject = "another.example", .names = "DNS:another.example"}, &*authority);
  auto stranger = make({.subject = "localhost", .names = here});
  for (const Error* wrong : {good ? nullptr : &good.error(), expired ? nullptr : &expired.error(),
                             other ? nullptr : &other.error(), stranger ? nullptr : &stranger.error()})
    if (wrong != nullptr) return std::unexpected(*wrong);
  return Makeshift{authority->text.certificate_pem, good->text, expired->text, other->text, stranger->text};
}

} // namespace paquebot::net
