#pragma once

#include "base/result.h"

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

typedef struct evp_pkey_st EVP_PKEY;

/// Tokens that an issuer has signed: JSON Web Tokens (RFC 7519, 7515), and its keys (RFC 7517, 7518).
namespace paquebot::directory {

/// The public keys of an issuer, by which its tokens are checked. Only RS256 (2048 bits at least), ES256 and EdDSA with
/// Ed25519; symmetric keys are passed over, so that a public key can never be taken for a secret. Immutable, shared.
class KeySet {
public:
  /// From {"keys": [...]}. `invalid` when it is no such text, is larger than 256 KiB, or none of its keys can be used.
  static Result<KeySet> parse(std::string_view text);

  /// Is `signature` one over `text`, by a key of that id (any when empty) that is for that algorithm?
  bool verify(std::string_view algorithm, std::string_view key_id, std::string_view text,
              std::string_view signature) const;

private:
  struct Key {
    std::string id;
    std::string algorithm;
    std::shared_ptr<EVP_PKEY> key;
  };
  std::vector<Key> keys_;
};

/// What a token must say to be one for us.
struct TokenRules {
  std::string issuer;
  std::string audience;
  std::string claim = "email"; ///< where the address stands
};

/// Whose token it is: the value of the claim. `refused` with the reason (for the log) when it is malformed, not signed
/// by one of the keys, expired, not valid yet (a minute of grace for both), of another issuer or for another audience.
Result<std::string> check_token(std::string_view token, const KeySet& keys, const TokenRules& rules,
                                std::chrono::sys_seconds now);

/// Who may log in with tokens: an immutable snapshot.
struct TokenIssuer {
  KeySet keys;
  TokenRules rules;
};

} // namespace paquebot::directory
