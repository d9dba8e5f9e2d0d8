#include "mailauth/crypto.h"

#include <atomic>
#include <new>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdexcept>

namespace paquebot::mailauth {
namespace {

struct FreeContext {
  void operator()(EVP_PKEY_CTX* c) const { EVP_PKEY_CTX_free(c); }
  void operator()(BIO* b) const { BIO_free_all(b); }
};
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, FreeContext>;
using Bio = std::unique_ptr<BIO, FreeContext>;

constexpr std::size_t kMaxKeyOctets = 2048;

/// Fetched once: an implicit fetch for each digest costs more than hashing a short header.
const EVP_MD* sha256_method() {
  static const EVP_MD* const method = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return method;
}

const unsigned char* octets(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }
unsigned char* octets(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

std::shared_ptr<EVP_PKEY> owned(EVP_PKEY* key) { return {key, EVP_PKEY_free}; }

std::shared_ptr<EVP_PKEY> read_rsa(std::string_view der) {
  const unsigned char* at = octets(der);
  const auto size = static_cast<long>(der.size());
  EVP_PKEY* key = d2i_PUBKEY(nullptr, &at, size);
  if (!key) {
    at = octets(der);
    key = d2i_PublicKey(EVP_PKEY_RSA, nullptr, &at, size);
  }
  ERR_clear_error();
  return owned(key);
}

/// Section 3 of RFC 8017: an odd number from 3 on; ours is the bound on its size.
bool good_exponent(EVP_PKEY* key) {
  BIGNUM* exponent = nullptr;
  if (EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &exponent) != 1) return false;
  const bool good =
      BN_is_odd(exponent) && !BN_is_one(exponent) && static_cast<unsigned>(BN_num_bits(exponent)) <= kMaxExponentBits;
  BN_free(exponent);
  return good;
}

std::atomic<std::uint64_t> checks = 0;

/// A context for RSASSA-PKCS1-v1_5 with SHA-256; null when OpenSSL fails.
KeyContext rsa_context(EVP_PKEY* key, int (*begin)(EVP_PKEY_CTX*)) {
  KeyContext context(EVP_PKEY_CTX_new(key, nullptr));
  if (!context || begin(context.get()) != 1 || EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_PADDING) != 1 ||
      EVP_PKEY_CTX_set_signature_md(context.get(), sha256_method()) != 1)
    return nullptr;
  return context;
}

struct FreeDigest {
  void operator()(EVP_MD_CTX* c) const { EVP_MD_CTX_free(c); }
};
using DigestContext = std::unique_ptr<EVP_MD_CTX, FreeDigest>;

} // namespace

void Sha256::Free::operator()(evp_md_ctx_st* context) const { EVP_MD_CTX_free(context); }

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
  if (!context_ || !sha256_method()) throw std::bad_alloc();
  begin();
}

void Sha256::begin() {
  if (EVP_DigestInit_ex2(context_.get(), sha256_method(), nullptr) != 1) throw std::bad_alloc();
}

void Sha256::update(std::string_view text) { EVP_DigestUpdate(context_.get(), text.data(), text.size()); }

Digest Sha256::finish() {
  Digest digest{};
  EVP_DigestFinal_ex(context_.get(), reinterpret_cast<unsigned char*>(digest.data()), nullptr);
  begin();
  return digest;
}

Digest sha256(std::string_view text) {
  thread_local Sha256 hash;
  hash.update(text);
  return hash.finish();
}

std::string_view to_string(KeyKind kind) { return kind == KeyKind::rsa ? "rsa" : "ed25519"; }

/// Making a context costs a fifth of checking a signature with a short exponent.
struct PublicKey::Spare {
  std::atomic<EVP_PKEY_CTX*> context = nullptr;
  Spare() = default;
  Spare(const Spare&) = delete;
  Spare& operator=(const Spare&) = delete;
  ~Spare() { EVP_PKEY_CTX_free(context); }
};

PublicKey::PublicKey(KeyKind kind, std::shared_ptr<evp_pkey_st> key)
    : kind_(kind), bits_(static_cast<unsigned>(EVP_PKEY_get_bits(key.get()))), key_(std::move(key)),
      spare_(std::make_shared<Spare>()) {}

Result<PublicKey> PublicKey::parse(KeyKind kind, std::string_view text) {
  if (text.size() > kMaxKeyOctets) return fail(Errc::invalid, "the key is too long");
  if (kind == KeyKind::ed25519) {
    if (text.size() != 32) return fail(Errc::invalid, "an Ed25519 key has 32 octets");
    auto key = owned(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, octets(text), text.size()));
    if (!key) return fail(Errc::invalid, "not an Ed25519 key");
    return PublicKey(kind, std::move(key));
  }
  auto key = read_rsa(text);
  if (!key || EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_RSA) return fail(Errc::invalid, "not an RSA key");
  PublicKey parsed(kind, std::move(key));
  if (parsed.bits_ > kMaxRsaBits) return fail(Errc::invalid, "the RSA key is too long");
  if (!good_exponent(parsed.key_.get())) return fail(Errc::invalid, "the RSA key has an exponent that is not taken");
  return parsed;
}

bool PublicKey::verify_rsa(const Digest& digest, std::string_view signature) const {
  KeyContext context(spare_->context.exchange(nullptr));
  if (!context) context = rsa_context(key_.get(), EVP_PKEY_verify_init);
  if (!context) return false;
  const std::string_view data = view(digest);
  const int good = EVP_PKEY_verify(context.get(), octets(signature), signature.size(), octets(data), data.size());
  context.reset(spare_->context.exchange(context.release()));
  return good == 1;
}

std::uint64_t public_key_operations() { return checks.load(std::memory_order_relaxed); }

bool PublicKey::verify(const Digest& digest, std::string_view signature) const {
  checks.fetch_add(1, std::memory_order_relaxed);
  bool good = false;
  if (kind_ == KeyKind::rsa) {
    good = verify_rsa(digest, signature);
  } else {
    const std::string_view data = view(digest);
    const DigestContext context(EVP_MD_CTX_new());
    good = context && EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key_.get()) == 1 &&
           EVP_DigestVerify(context.get(), octets(signature), signature.size(), octets(data), data.size()) == 1;
  }
  if (!good) ERR_clear_error();
  return good;
}

PrivateKey PrivateKey::generate(KeyKind kind) {
  EVP_PKEY* key = kind == KeyKind::rsa ? EVP_RSA_gen(kGoodRsaBits) : EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
  if (!key) throw std::runtime_error("OpenSSL could not generate a key");
  return {kind, owned(key)};
}

Result<PrivateKey> PrivateKey::from_pem(std::string_view pem) {
  const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  // Without a callback OpenSSL would ask at the terminal for the password of an encrypted key.
  const auto no_password = [](char*, int, int, void*) { return -1; };
  auto key = owned(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_password, nullptr));
  ERR_clear_error();
  if (!key) return fail(Errc::invalid, "not a private key in PEM without a password");
  const int id = EVP_PKEY_get_base_id(key.get());
  if (id == EVP_PKEY_ED25519) return PrivateKey(KeyKind::ed25519, std::move(key));
  const auto bits = static_cast<unsigned>(EVP_PKEY_get_bits(key.get()));
  if (id != EVP_PKEY_RSA || bits < kMinRsaBits || bits > kMaxRsaBits)
    return fail(Errc::invalid, "a key for DKIM is RSA of 1024 to 4096 bits or Ed25519");
  return PrivateKey(KeyKind::rsa, std::move(key));
}

std::string PrivateKey::to_pem() const {
  const Bio bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_PKCS8PrivateKey(bio.get(), key_.get(), nullptr, nullptr, 0, nullptr, nullptr);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

unsigned PrivateKey::bits() const { return static_cast<unsigned>(EVP_PKEY_get_bits(key_.get())); }

std::string PrivateKey::public_octets() const {
  std::string out;
  if (kind_ == KeyKind::ed25519) {
    std::size_t size = 32;
    out.resize(size);
    EVP_PKEY_get_raw_public_key(key_.get(), octets(out), &size);
    return out;
  }
  out.resize(static_cast<std::size_t>(i2d_PUBKEY(key_.get(), nullptr)));
  unsigned char* at = octets(out);
  i2d_PUBKEY(key_.get(), &at);
  return out;
}

Result<std::string> PrivateKey::sign(const Digest& digest) const {
  const std::string_view data = view(digest);
  std::string signature(static_cast<std::size_t>(EVP_PKEY_get_size(key_.get())), '\0');
  std::size_t size = signature.size();
  int good = 0;
  if (kind_ == KeyKind::rsa) {
    const KeyContext context = rsa_context(key_.get(), EVP_PKEY_sign_init);
    if (context) good = EVP_PKEY_sign(context.get(), octets(signature), &size, octets(data), data.size());
  } else {
    const DigestContext context(EVP_MD_CTX_new());
    if (context && EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key_.get()) == 1)
      good = EVP_DigestSign(context.get(), octets(signature), &size, octets(data), data.size());
  }
  ERR_clear_error();
  if (good != 1) return fail(Errc::io, "OpenSSL could not sign");
  signature.resize(size);
  return signature;
}

} // namespace paquebot::mailauth
