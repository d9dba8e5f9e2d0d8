#include "acme/certificate.h"

#include "base/text.h"

#include <algorithm>
#include <ctime>
#include <fmt/format.h>
#include <memory>
#include <openssl/asn1.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

namespace paquebot::acme {
namespace {

constexpr std::size_t kMostPem = 256u << 10;
constexpr std::size_t kMostCertificates = 10;
constexpr int kMostNames = 100;
constexpr std::int64_t kHour = 3600LL * 1000;
/// id-pe-acmeIdentifier (RFC 8737 section 3).
constexpr const char* kAcmeIdentifier = "1.3.6.1.5.5.7.1.31";

struct FreeX509 {
  void operator()(X509* p) const { X509_free(p); }
  void operator()(X509_REQ* p) const { X509_REQ_free(p); }
  void operator()(X509_EXTENSION* p) const { X509_EXTENSION_free(p); }
  void operator()(STACK_OF(X509_EXTENSION) * p) const { sk_X509_EXTENSION_pop_free(p, X509_EXTENSION_free); }
  void operator()(GENERAL_NAMES* p) const { GENERAL_NAMES_free(p); }
  void operator()(AUTHORITY_KEYID* p) const { AUTHORITY_KEYID_free(p); }
  void operator()(ASN1_OBJECT* p) const { ASN1_OBJECT_free(p); }
  void operator()(ASN1_OCTET_STRING* p) const { ASN1_OCTET_STRING_free(p); }
  void operator()(BIGNUM* p) const { BN_free(p); }
  void operator()(BIO* p) const { BIO_free(p); }
};
template <class T>
using OwnedX509 = std::unique_ptr<T, FreeX509>;

std::unexpected<Error> failed(const char* what) {
  return fail(Errc::io, std::string(what) + ": " + take_openssl_errors());
}

/// Letters that can't break out of the small language of OpenSSL's extension values.
bool is_plain_name(const std::string& name) {
  if (name.empty() || name.size() > 253) return false;
  return std::ranges::all_of(name, [](char c) { return is_alnum(c) || c == '-' || c == '.' || c == '_'; });
}

OwnedX509<X509_EXTENSION> names_extension(const std::vector<std::string>& names) {
  std::string value;
  for (const std::string& name : names) {
    if (!is_plain_name(name)) return {};
    value += (value.empty() ? "DNS:" : ",DNS:") + name;
  }
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, nullptr, nullptr, nullptr, nullptr, 0);
  return OwnedX509<X509_EXTENSION>(X509V3_EXT_conf_nid(nullptr, &context, NID_subject_alt_name, value.c_str()));
}

/// The digest of the authorization, as an OCTET STRING within the extension's one.
OwnedX509<X509_EXTENSION> proof_extension(std::string_view authorization) {
  const std::string value = std::string("\x04\x20", 2) + sha256(authorization);
  const OwnedX509<ASN1_OBJECT> kind(OBJ_txt2obj(kAcmeIdentifier, 1));
  const OwnedX509<ASN1_OCTET_STRING> data(ASN1_OCTET_STRING_new());
  if (!kind || !data ||
      ASN1_OCTET_STRING_set(data.get(), reinterpret_cast<const unsigned char*>(value.data()),
                            static_cast<int>(value.size())) != 1)
    return {};
  return OwnedX509<X509_EXTENSION>(X509_EXTENSION_create_by_OBJ(nullptr, kind.get(), 1, data.get()));
}

bool set_random_serial(X509* certificate) {
  const OwnedX509<BIGNUM> number(BN_new());
  return number && BN_rand(number.get(), 152, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
         BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr;
}

std::string bio_text(BIO* bio) {
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(bio, &bytes);
  return {bytes, static_cast<std::size_t>(size)};
}

std::int64_t millis_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1) return 0;
  return static_cast<std::int64_t>(::timegm(&parts)) * 1000;
}

std::string asn_octets(const ASN1_STRING* text) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
          static_cast<std::size_t>(ASN1_STRING_length(text))};
}

/// What DER has as the content of the serial number: no superfluous octet, the first bit its sign.
std::string serial_of(const X509* certificate) {
  unsigned char* der = nullptr;
  const int size = i2d_ASN1_INTEGER(X509_get0_serialNumber(certificate), &der);
  std::string out(reinterpret_cast<char*>(der), size > 0 ? static_cast<std::size_t>(size) : 0);
  OPENSSL_free(der);
  return out.size() > 2 && static_cast<unsigned char>(out[1]) < 0x80 ? out.substr(2) : std::string();
}

std::string id_of(X509* certificate) {
  const OwnedX509<AUTHORITY_KEYID> authority(
      static_cast<AUTHORITY_KEYID*>(X509_get_ext_d2i(certificate, NID_authority_key_identifier, nullptr, nullptr)));
  if (!authority || authority->keyid == nullptr) return {};
  return base64url(asn_octets(authority->keyid)) + "." + base64url(serial_of(certificate));
}

/// Every name of the certificate, lower-case; a name of another kind as "?".
std::vector<std::string> names_of(X509* certificate) {
  std::vector<std::string> names;
  const OwnedX509<GENERAL_NAMES> all(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  const int count = all ? sk_GENERAL_NAME_num(all.get()) : 0;
  for (int i = 0; i < std::min(count, kMostNames); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(all.get(), i);
    names.push_back(name->type == GEN_DNS ? to_lower(asn_octets(name->d.dNSName)) : "?");
  }
  std::ranges::sort(names);
  return names;
}

std::unexpected<Error> not_taken(std::string why) {
  return fail(Errc::refused, "the certificate that came is not taken: " + std::move(why));
}

Result<std::vector<OwnedX509<X509>>> read_chain(const std::string& pem) {
  if (pem.size() > kMostPem) return not_taken("it is too large");
  ERR_clear_error();
  const OwnedX509<BIO> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  std::vector<OwnedX509<X509>> chain;
  while (bio) {
    OwnedX509<X509> next(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
    if (!next) break;
    if (chain.size() == kMostCertificates) return not_taken("its chain is too long");
    chain.push_back(std::move(next));
  }
  const bool damaged = ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE;
  ERR_clear_error();
  if (chain.empty() || damaged) return not_taken("it can't be read (PEM)");
  return chain;
}

Result<> check_chain(const std::vector<OwnedX509<X509>>& chain) {
  for (std::size_t i = 0; i + 1 < chain.size(); ++i) {
    EVP_PKEY* signer = X509_get0_pubkey(chain[i + 1].get());
    const bool leads = X509_check_issued(chain[i + 1].get(), chain[i].get()) == X509_V_OK && signer != nullptr &&
                       X509_verify(chain[i].get(), signer) == 1;
    ERR_clear_error();
    if (!leads) return not_taken(fmt::format("certificate {} of its chain did not sign the one before", i + 2));
  }
  return {};
}

Result<> check_names(X509* certificate, std::vector<std::string> names) {
  std::ranges::sort(names);
  const std::vector<std::string> found = names_of(certificate);
  if (found == names) return {};
  std::string told;
  for (const std::string& name : found) told += (told.empty() ? "" : ", ") + printable(name, 100);
  return not_taken("it is for " + (told.empty() ? std::string("no name") : printable(told, 300)));
}

Issued facts_of(X509* certificate) {
  return {.not_before = millis_of(X509_get0_notBefore(certificate)),
          .not_after = millis_of(X509_get0_notAfter(certificate)),
          .id = id_of(certificate)};
}

} // namespace

Result<std::string> make_request(const PrivateKey& key, const std::vector<std::string>& names) {
  const OwnedX509<X509_REQ> request(X509_REQ_new());
  OwnedX509<X509_EXTENSION> extension = names_extension(names);
  const OwnedX509<STACK_OF(X509_EXTENSION)> extensions(sk_X509_EXTENSION_new_null());
  if (!request || !extension || !extensions) return failed("a certificate request can't be made for these names");
  if (sk_X509_EXTENSION_push(extensions.get(), extension.get()) > 0) static_cast<void>(extension.release());
  if (X509_REQ_set_version(request.get(), X509_REQ_VERSION_1) != 1 ||
      X509_REQ_set_pubkey(request.get(), key.native()) != 1 ||
      X509_REQ_add_extensions(request.get(), extensions.get()) != 1 ||
      X509_REQ_sign(request.get(), key.native(), EVP_sha256()) == 0)
    return failed("a certificate request could not be made");
  unsigned char* der = nullptr;
  const int size = i2d_X509_REQ(request.get(), &der);
  if (size <= 0) return failed("a certificate request could not be written");
  std::string out(reinterpret_cast<char*>(der), static_cast<std::size_t>(size));
  OPENSSL_free(der);
  return out;
}

Result<std::string> make_challenge_certificate(const PrivateKey& key, const std::string& name,
                                               std::string_view authorization) {
  const OwnedX509<X509> made(X509_new());
  const OwnedX509<X509_EXTENSION> names = names_extension({name}), proof = proof_extension(authorization);
  if (!made || !names || !proof) return failed("a certificate for the challenge can't be made");
  X509_NAME* subject = X509_get_subject_name(made.get());
  static constexpr std::string_view kSubject = "ACME challenge";
  if (X509_set_version(made.get(), X509_VERSION_3) != 1 || !set_random_serial(made.get()) ||
      X509_gmtime_adj(X509_getm_notBefore(made.get()), -24L * 3600) == nullptr ||
      X509_gmtime_adj(X509_getm_notAfter(made.get()), 7L * 24 * 3600) == nullptr ||
      X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(kSubject.data()),
                                 static_cast<int>(kSubject.size()), -1, 0) != 1 ||
      X509_set_issuer_name(made.get(), subject) != 1 || X509_set_pubkey(made.get(), key.native()) != 1 ||
      X509_add_ext(made.get(), names.get(), -1) != 1 || X509_add_ext(made.get(), proof.get(), -1) != 1 ||
      X509_sign(made.get(), key.native(), EVP_sha256()) == 0)
    return failed("a certificate for the challenge could not be made");
  const OwnedX509<BIO> bio(BIO_new(BIO_s_mem()));
  if (!bio || PEM_write_bio_X509(bio.get(), made.get()) != 1) return failed("a certificate could not be written");
  return bio_text(bio.get());
}

Result<Issued> check_issued(const std::string& chain_pem, const PrivateKey& key, const std::vector<std::string>& names,
                            std::int64_t now) {
  const auto chain = read_chain(chain_pem);
  if (!chain) return std::unexpected(chain.error());
  X509* ours = chain->front().get();
  if (X509_check_private_key(ours, key.native()) != 1) {
    ERR_clear_error();
    return not_taken("it is for another key");
  }
  if (auto named = check_names(ours, names); !named) return std::unexpected(named.error());
  const Issued facts = facts_of(ours);
  if (facts.not_after < now + kHour) return not_taken("it has ended, or does within an hour; or this clock is wrong");
  if (facts.not_before > now + kHour) return not_taken("it is not in force yet; or this clock is wrong");
  if (X509_check_purpose(ours, X509_PURPOSE_SSL_SERVER, 0) != 1) return not_taken("it is not for servers");
  if (auto leads = check_chain(*chain); !leads) return std::unexpected(leads.error());
  return facts;
}

Result<Issued> read_issued(const std::string& chain_pem) {
  const auto chain = read_chain(chain_pem);
  if (!chain) return std::unexpected(chain.error());
  return facts_of(chain->front().get());
}

} // namespace paquebot::acme
