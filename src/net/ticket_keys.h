#pragma once

#include "base/clock.h"

#include <array>
#include <memory>
#include <mutex>
#include <optional>

typedef struct ssl_ctx_st SSL_CTX;
typedef struct ssl_st SSL;
typedef struct evp_cipher_ctx_st EVP_CIPHER_CTX;
typedef struct evp_mac_ctx_st EVP_MAC_CTX;

namespace paquebot::net {

/// The keys that TLS session tickets of one server configuration are sealed with. Who gets hold of one can read what
/// was said in all sessions of its time (RFC 5077 section 5.5 with section 5.6), so none lives long: a new one every
/// four hours, and tickets of the one before are taken for as long. They are never written anywhere. Thread-safe.
class TicketKeys {
public:
  static constexpr std::chrono::hours kNewEvery{4};

  /// Makes the context use keys of its own, which live as long as the context. False when that failed. `clock` must
  /// outlive the context.
  static bool install(SSL_CTX* context, const Clock& clock);

private:
  struct Key {
    std::array<unsigned char, 16> name{};
    std::array<unsigned char, 32> cipher{}, mac{};
    Instant made{};
  };
  explicit TicketKeys(const Clock& clock) : clock_(clock) {}

  /// What OpenSSL calls, for each ticket that it makes or reads.
  static int use(SSL* session, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac,
                 int sealing);
  Key current();
  std::optional<Key> named(const unsigned char* name, bool& old);
  void renew();

  const Clock& clock_;
  std::mutex mutex_;
  std::optional<Key> current_, before_;
};

} // namespace paquebot::net
