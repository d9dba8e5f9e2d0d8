#pragma once

#include "base/result.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>

typedef struct evp_pkey_st EVP_PKEY;

namespace paquebot::acme {

/// base64url without padding (RFC 7515 section 2).
std::string base64url(std::string_view bytes);
/// Strict: its alphabet, no padding, nothing else.
std::optional<std::string> base64url_decode(std::string_view text);
/// 32 octets.
std::string sha256(std::string_view bytes);
/// Why OpenSSL's last call failed.
std::string take_openssl_errors();

/// A private key on P-256: of an account with an authority, or of a certificate. Immutable; copies share it.
class PrivateKey {
public:
  static Result<PrivateKey> make();
  /// `invalid` for what is no key without a password, or of another kind.
  static Result<PrivateKey> from_pem(const std::string& pem);

  /// Not encrypted.
  std::string to_pem() const;
  /// The public half as JSON, its members in the order of RFC 7638 section 3.2.
  std::string jwk() const;
  /// RFC 7638 section 3, as RFC 8555 section 8.1 wants it.
  std::string thumbprint() const;
  /// ES256 (RFC 7518 section 3.4): r and s side by side, 64 octets. Empty when OpenSSL fails.
  std::string sign(std::string_view bytes) const;
  /// SHA-256 of the SubjectPublicKeyInfo, lower-case hex: the data of a TLSA record 3 1 1 (RFC 6698 section 2.1).
  std::string public_digest() const;
  EVP_PKEY* native() const { return key_.get(); }

private:
  explicit PrivateKey(std::shared_ptr<EVP_PKEY> key) : key_(std::move(key)) {}
  std::shared_ptr<EVP_PKEY> key_;
};

/// How an account is bound to one that the operator has with the authority otherwise (RFC 8555 section 7.3.4).
struct ExternalAccount {
  std::string id;  ///< "kid"
  std::string key; ///< octets of HMAC-SHA-256
};

/// What a request is signed with (RFC 8555 section 6.2).
struct Signing {
  std::string url;
  std::string nonce;
  std::string account; ///< its URL; empty: the key itself is named
};

/// A request's content: the flattened JWS of `payload` (empty: POST-as-GET, section 6.3). `io` when OpenSSL fails.
Result<std::string> sign_request(const PrivateKey& key, const Signing& how, std::string_view payload);
/// The member "externalAccountBinding" for the account of `key`, as JSON.
Result<std::string> bind_account(const PrivateKey& key, const ExternalAccount& outer, const std::string& url);

} // namespace paquebot::acme
