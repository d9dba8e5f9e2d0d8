#pragma once

#include "acme/key.h"
#include "base/encoding.h"

#include <boost/json.hpp>
#include <cstdint>
#include <ctime>
#include <memory>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/hmac.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <optional>
#include <string>

namespace paquebot::acme {

/// What a test's authority does with OpenSSL: checks signatures, and gives certificates, also wrong ones.
struct TestIssuer {
  std::int64_t life = 90LL * 86400 * 1000;
  // How it lies.
  std::string other_name;           ///< certificates are for this one
  bool other_key = false;           ///< and for another key
  bool foreign_chain = false;       ///< with a chain that does not lead to it
  std::optional<std::int64_t> ends; ///< at this moment
  PrivateKey key = PrivateKey::make().value(), stranger = PrivateKey::make().value();

  /// The JWS signature (base64url) of `text` by the public key.
  static bool verify(const std::string& jwk, const std::string& text, const std::string& signature) {
    const auto object = boost::json::parse(jwk).as_object();
    const auto part = [&](const char* name) {
      return base64url_decode(std::string(object.at(name).as_string())).value_or("");
    };
    const std::string point = "\x04" + part("x") + part("y"), raw = base64url_decode(signature).value_or("");
    if (raw.size() != 64) return false;
    OSSL_PARAM_BLD* parts = OSSL_PARAM_BLD_new();
    OSSL_PARAM_BLD_push_utf8_string(parts, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0);
    OSSL_PARAM_BLD_push_octet_string(parts, OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size());
    OSSL_PARAM* params = OSSL_PARAM_BLD_to_param(parts);
    EVP_PKEY_CTX* making = EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr);
    EVP_PKEY* made = nullptr;
    EVP_PKEY_fromdata_init(making);
    EVP_PKEY_fromdata(making, &made, EVP_PKEY_PUBLIC_KEY, params);
    ECDSA_SIG* pair = ECDSA_SIG_new();
    const auto* octets = reinterpret_cast<const unsigned char*>(raw.data());
    ECDSA_SIG_set0(pair, BN_bin2bn(octets, 32, nullptr), BN_bin2bn(octets + 32, 32, nullptr));
    unsigned char* der = nullptr;
    const int size = i2d_ECDSA_SIG(pair, &der);
    EVP_MD_CTX* checking = EVP_MD_CTX_new();
    const bool good = EVP_DigestVerifyInit(checking, nullptr, EVP_sha256(), nullptr, made) == 1 &&
                      EVP_DigestVerify(checking, der, static_cast<std::size_t>(size),
                                       reinterpret_cast<const unsigned char*>(text.data()), text.size()) == 1;
    EVP_MD_CTX_free(checking);
    OPENSSL_free(der);
    ECDSA_SIG_free(pair);
    EVP_PKEY_free(made);
    EVP_PKEY_CTX_free(making);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(parts);
    ERR_clear_error();
    return good;
  }

  /// RFC 8555 section 7.3.4.
  static bool is_bound(const boost::json::object& jws, const ExternalAccount& outer, const std::string& jwk,
                       const std::string& url) {
    const auto text = [&](const char* name) { return std::string(jws.at(name).as_string()); };
    const std::string covered = text("protected") + "." + text("payload");
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    HMAC(EVP_sha256(), outer.key.data(), static_cast<int>(outer.key.size()),
         reinterpret_cast<const unsigned char*>(covered.data()), covered.size(), mac, &size);
    const auto head = boost::json::parse(base64url_decode(text("protected")).value()).as_object();
    return base64url({reinterpret_cast<const char*>(mac), size}) == text("signature") && head.at("alg") == "HS256" &&
           head.at("kid").as_string() == outer.id && head.at("url").as_string() == url && !head.contains("nonce") &&
           boost::json::parse(base64url_decode(text("payload")).value()) == boost::json::parse(jwk);
  }

  /// The chain for a request (DER), which must be for that name alone; empty otherwise. `now`: milliseconds.
  std::string issue(const std::string& request, const std::string& name, std::int64_t now) const {
    const auto* at = reinterpret_cast<const unsigned char*>(request.data());
    X509_REQ* wanted = d2i_X509_REQ(nullptr, &at, static_cast<long>(request.size()));
    if (wanted == nullptr) return {};
    EVP_PKEY* asked = X509_REQ_get0_pubkey(wanted);
    const bool good = X509_REQ_verify(wanted, asked) == 1 && names_of(wanted) == "DNS:" + name;
    std::string chain;
    if (good) {
      X509* root = make("Test Authority", key, key.native(), nullptr, now);
      X509* other = make("Test Authority", stranger, stranger.native(), nullptr, now);
      X509* ours = make(other_name.empty() ? name : other_name, key, other_key ? stranger.native() : asked, root, now);
      chain = pem(ours) + pem(foreign_chain ? other : root);
      for (X509* each : {root, other, ours}) X509_free(each);
    }
    X509_REQ_free(wanted);
    return chain;
  }

private:
  static std::string text_of(BIO* bio) {
    char* bytes = nullptr;
    const long size = BIO_get_mem_data(bio, &bytes);
    std::string text(bytes, static_cast<std::size_t>(size));
    BIO_free(bio);
    return text;
  }
  static std::string pem(X509* certificate) {
    BIO* bio = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(bio, certificate);
    return text_of(bio);
  }
  static std::string names_of(X509_REQ* request) {
    STACK_OF(X509_EXTENSION)* all = X509_REQ_get_extensions(request);
    const int index = X509v3_get_ext_by_NID(all, NID_subject_alt_name, -1);
    BIO* bio = BIO_new(BIO_s_mem());
    if (index >= 0) X509V3_EXT_print(bio, X509v3_get_ext(all, index), 0, 0);
    sk_X509_EXTENSION_pop_free(all, X509_EXTENSION_free);
    return text_of(bio);
  }
  static void extend(X509* certificate, X509* issuer, int nid, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
  }
  /// One of that name and public key, signed by `signer`; by itself without an issuer.
  X509* make(const std::string& name, const PrivateKey& signer, EVP_PKEY* subject, X509* issuer,
             std::int64_t now) const {
    X509* made = X509_new();
    X509_set_version(made, X509_VERSION_3);
    BIGNUM* serial = BN_new();
    BN_rand(serial, 150, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY);
    BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(made));
    BN_free(serial);
    const std::int64_t end = issuer != nullptr ? ends.value_or(now + life) : now + 10 * life;
    ASN1_TIME_set(X509_getm_notBefore(made), static_cast<std::time_t>((std::min(now, end) - 60'000) / 1000));
    ASN1_TIME_set(X509_getm_notAfter(made), static_cast<std::time_t>(end / 1000));
    X509_NAME_add_entry_by_txt(X509_get_subject_name(made), "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
    X509_set_issuer_name(made, X509_get_subject_name(issuer != nullptr ? issuer : made));
    X509_set_pubkey(made, subject);
    extend(made, made, NID_subject_key_identifier, "hash");
    extend(made, issuer != nullptr ? issuer : made, NID_authority_key_identifier, "keyid:always");
    extend(made, issuer, NID_basic_constraints, issuer != nullptr ? "critical,CA:FALSE" : "critical,CA:TRUE");
    if (issuer != nullptr) extend(made, issuer, NID_subject_alt_name, "DNS:" + name);
    if (issuer != nullptr) extend(made, issuer, NID_ext_key_usage, "serverAuth");
    X509_sign(made, signer.native(), EVP_sha256());
    return made;
  }
};

} // namespace paquebot::acme
