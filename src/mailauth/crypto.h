#pragma once

#include "base/result.h"

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

struct evp_md_ctx_st;
struct evp_pkey_st;
struct evp_pkey_ctx_st;

namespace paquebot::mailauth {

using Digest = std::array<char, 32>;
inline std::string_view view(const Digest& digest) { return {digest.data(), digest.size()}; }

/// SHA-256 over what it is fed. The context is made once and used again after finish().
class Sha256 {
public:
  Sha256();
  void update(std::string_view octets);
  /// The digest; begins anew.
  Digest finish();

private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const;
  };
  void begin();
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

Digest sha256(std::string_view octets);

/// The key algorithms of RFC 6376 and RFC 8463.
enum class KeyKind : std::uint8_t { rsa, ed25519 };
/// "rsa", "ed25519": the k= tag.
std::string_view to_string(KeyKind kind);

/// Bounds on RSA keys in bits: RFC 8301 section 3.2 forbids shorter ones; longer ones need not be taken, and only cost
/// time.
inline constexpr unsigned kMinRsaBits = 1024;
inline constexpr unsigned kMaxRsaBits = 4096;
/// Bound on public exponents in bits: a check costs as many multiplications as the exponent has bits, and whoever
/// publishes a key chooses it. Those in use have 2 to 17.
inline constexpr unsigned kMaxExponentBits = 32;
/// Shorter ones verify, and are reported as weak.
inline constexpr unsigned kGoodRsaBits = 2048;

/// A public key, parsed once, shared between threads.
class PublicKey {
public:
  /// What p= of a key record holds, decoded: SubjectPublicKeyInfo or RSAPublicKey for RSA (RFC 6376 section 3.6.1),
  /// 32 octets for Ed25519 (RFC 8463 section 4). Errc::invalid when it is no key; its size is not judged, but for
  /// what is beyond kMaxRsaBits and kMaxExponentBits.
  static Result<PublicKey> parse(KeyKind kind, std::string_view octets);

  KeyKind kind() const { return kind_; }
  unsigned bits() const { return bits_; }
  /// Whether `signature` is one of this digest: RSASSA-PKCS1-v1_5 with SHA-256, or Ed25519 over the digest
  /// (RFC 8463 section 3).
  bool verify(const Digest& digest, std::string_view signature) const;

private:
  PublicKey(KeyKind kind, std::shared_ptr<evp_pkey_st> key);
  bool verify_rsa(const Digest& digest, std::string_view signature) const;
  /// An OpenSSL context that is ready for this RSA key, for whoever takes it first; others make one of their own.
  struct Spare;
  KeyKind kind_;
  unsigned bits_;
  std::shared_ptr<evp_pkey_st> key_;
  std::shared_ptr<Spare> spare_;
};

/// How many signatures were checked with a public key since the process began. Thread-safe.
std::uint64_t public_key_operations();

/// A private key, shared between threads.
class PrivateKey {
public:
  /// A new key: RSA with 2048 bits (about 100 ms of processor time), or Ed25519.
  static PrivateKey generate(KeyKind kind);
  /// Reads PEM without a password. Errc::invalid for anything but an RSA key of at least 1024 bits or an Ed25519 key.
  static Result<PrivateKey> from_pem(std::string_view pem);

  std::string to_pem() const; ///< PKCS 8, not encrypted: keep it secret
  KeyKind kind() const { return kind_; }
  unsigned bits() const;
  /// What p= of the key record holds, before base 64.
  std::string public_octets() const;
  /// As PublicKey::verify reads it. Errc::io when OpenSSL fails.
  Result<std::string> sign(const Digest& digest) const;

private:
  PrivateKey(KeyKind kind, std::shared_ptr<evp_pkey_st> key) : kind_(kind), key_(std::move(key)) {}
  KeyKind kind_;
  std::shared_ptr<evp_pkey_st> key_;
};

} // namespace paquebot::mailauth
