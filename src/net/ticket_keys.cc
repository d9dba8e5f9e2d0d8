#include "net/ticket_keys.h"

#include <algorithm>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>

namespace paquebot::net {

namespace {

enum Verdict : int {
  kFailed = -1,
  kUnknown = 0,
  kGood = 1,
  kGoodAndRenew = 2
}; // of SSL_CTX_set_tlsext_ticket_key_evp_cb(3)

/// Where a context has its keys.
int slot() {
  static const int number =
      SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, [](void*, void* keys, CRYPTO_EX_DATA*, int, long, void*) {
        delete static_cast<TicketKeys*>(keys);
      });
  return number;
}

template <std::size_t N>
bool fill(std::array<unsigned char, N>& key) {
  return RAND_bytes(key.data(), static_cast<int>(N)) == 1;
}

} // namespace

bool TicketKeys::install(SSL_CTX* context, const Clock& clock) {
  std::unique_ptr<TicketKeys> keys(new TicketKeys(clock));
  if (SSL_CTX_set_ex_data(context, slot(), keys.get()) != 1) return false;
  static_cast<void>(keys.release()); // the context's
  return SSL_CTX_set_tlsext_ticket_key_evp_cb(context, &TicketKeys::use) == 1;
}

/// Under mutex_.
void TicketKeys::renew() {
  const Instant now = clock_.now();
  if (before_ && now - before_->made >= 2 * kNewEvery) before_.reset();
  if (current_ && now - current_->made < kNewEvery) return;
  if (current_ && now - current_->made < 2 * kNewEvery) before_ = current_;
  Key fresh{.made = now};
  current_.reset();
  if (fill(fresh.name) && fill(fresh.cipher) && fill(fresh.mac)) current_ = fresh;
}

TicketKeys::Key TicketKeys::current() {
  const std::lock_guard lock(mutex_);
  renew();
  return current_.value_or(Key{});
}

std::optional<TicketKeys::Key> TicketKeys::named(const unsigned char* name, bool& old) {
  const std::lock_guard lock(mutex_);
  renew();
  const auto is = [&](const std::optional<Key>& key) {
    return key && std::equal(key->name.begin(), key->name.end(), name);
  };
  old = is(before_);
  if (old) return before_;
  return is(current_) ? current_ : std::nullopt;
}

int TicketKeys::use(SSL* session, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac,
                    int sealing) {
  auto* keys = static_cast<TicketKeys*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(session), slot()));
  if (keys == nullptr) return kFailed;
  const EVP_CIPHER* kind = EVP_aes_256_cbc();
  Key key;
  bool old = false;
  if (sealing != 0) {
    key = keys->current();
    if (key.made == Instant{} || RAND_bytes(iv, EVP_CIPHER_get_iv_length(kind)) != 1) return kFailed;
    std::ranges::copy(key.name, name);
  } else {
    const auto found = keys->named(name, old);
    if (!found) return kUnknown; // a full handshake follows
    key = *found;
  }
  char digest[] = "SHA256";
  const OSSL_PARAM how[] = {OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key.mac.data(), key.mac.size()),
                            OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                            OSSL_PARAM_construct_end()};
  const auto begin = sealing != 0 ? EVP_EncryptInit_ex : EVP_DecryptInit_ex;
  const bool ready = EVP_MAC_CTX_set_params(mac, how) == 1 && begin(cipher, kind, nullptr, key.cipher.data(), iv) == 1;
  OPENSSL_cleanse(key.cipher.data(), key.cipher.size());
  OPENSSL_cleanse(key.mac.data(), key.mac.size());
  if (!ready) return kFailed;
  return old ? kGoodAndRenew : kGood;
}

} // namespace paquebot::net
