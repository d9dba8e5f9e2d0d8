#include "net/certificates.h"

#include "base/text.h"
#include "net/certificate.h"
#include "net/tls_error.h"

#include <algorithm>
#include <map>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

namespace paquebot::net {
namespace {

constexpr std::size_t kLongestPem = 1u << 20;

struct FreeKept {
  void operator()(SSL_CTX* p) const { SSL_CTX_free(p); }
  void operator()(X509* p) const { X509_free(p); }
  void operator()(EVP_PKEY* p) const { EVP_PKEY_free(p); }
  void operator()(BIO* p) const { BIO_free(p); }
  void operator()(STACK_OF(X509) * p) const { sk_X509_pop_free(p, X509_free); }
};
template <class T>
using Kept = std::unique_ptr<T, FreeKept>;

int never_a_password(char*, int, int, void*) { return 0; }

/// As names are compared: lower case, no last dot.
std::string plain_server_name(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  return to_lower(name);
}

std::string wildcard_of(std::string_view name) {
  const auto dot = name.find('.');
  return dot == std::string_view::npos || dot == 0 ? std::string() : "*" + std::string(name.substr(dot));
}

template <class List>
auto find_id(List& list, const std::string& id) {
  return std::ranges::find(list, id, [](const auto& one) -> const std::string& { return one.first; });
}

template <class List, class Entry>
void set_id(List& list, const std::string& id, Entry entry) {
  const auto found = find_id(list, id);
  if (found == list.end())
    list.emplace_back(id, std::move(entry));
  else
    found->second = std::move(entry);
}

template <class List>
bool drop_id(List& list, const std::string& id) {
  const auto found = find_id(list, id);
  if (found == list.end()) return false;
  list.erase(found);
  return true;
}

} // namespace

struct Certificates::Entry {
  std::string pem;
  Kept<X509> leaf;
  Kept<STACK_OF(X509)> chain;
  Kept<EVP_PKEY> key;
  std::vector<std::string> names;

  bool give_to(SSL* session) const { return SSL_use_cert_and_key(session, leaf.get(), key.get(), chain.get(), 1) == 1; }
};

struct Certificates::Table {
  std::map<std::string, Entries, std::less<>> by_name; ///< wildcards as "*.example.org"; the best first
  std::map<std::string, std::shared_ptr<const Entry>, std::less<>> challenges;
  Entries standard;

  const Entries& find(std::string_view name) const {
    const std::string plain = plain_server_name(name);
    if (const auto exact = by_name.find(plain); !plain.empty() && exact != by_name.end()) return exact->second;
    const auto wild = by_name.find(wildcard_of(plain));
    return wild != by_name.end() ? wild->second : standard;
  }
  /// One of each kind of key.
  Entries choose(std::string_view name) const {
    Entries chosen;
    for (const auto& one : find(name)) {
      const int kind = EVP_PKEY_get_base_id(one->key.get());
      const auto same = [&](const auto& other) { return EVP_PKEY_get_base_id(other->key.get()) == kind; };
      if (std::ranges::none_of(chosen, same)) chosen.push_back(one);
    }
    return chosen;
  }
};

Certificates::Certificates() : table_(std::make_shared<const Table>()) {}
Certificates::~Certificates() = default;

Result<std::shared_ptr<const Certificates::Entry>> Certificates::read(const CertificatePair& pair) {
  if (pair.certificate_pem.size() > kLongestPem || pair.key_pem.size() > kLongestPem)
    return fail(Errc::invalid, "a certificate or key is too large");
  ERR_clear_error();
  auto entry = std::make_shared<Entry>();
  const auto open = [](const std::string& text) {
    return Kept<BIO>(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  };
  const Kept<BIO> text = open(pair.certificate_pem), key = open(pair.key_pem);
  entry->leaf.reset(text ? PEM_read_bio_X509_AUX(text.get(), nullptr, never_a_password, nullptr) : nullptr);
  if (!entry->leaf) return fail(Errc::invalid, "no certificate in PEM form was found: " + take_tls_errors());
  entry->chain.reset(sk_X509_new_null());
  while (Kept<X509> next{PEM_read_bio_X509(text.get(), nullptr, never_a_password, nullptr)}) {
    if (!entry->chain || sk_X509_push(entry->chain.get(), next.get()) == 0)
      return fail(Errc::io, "a certificate of the chain cannot be used");
    static_cast<void>(next.release()); // the chain's
  }
  if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
    return fail(Errc::invalid, "a certificate of the chain is damaged: " + take_tls_errors());
  ERR_clear_error();
  entry->key.reset(key ? PEM_read_bio_PrivateKey(key.get(), nullptr, never_a_password, nullptr) : nullptr);
  if (!entry->key)
    return fail(Errc::invalid, "no private key in PEM form without a password was found: " + take_tls_errors());
  if (X509_check_private_key(entry->leaf.get(), entry->key.get()) != 1)
    return fail(Errc::invalid, "the private key does not belong to the certificate: " + take_tls_errors());
  const Kept<SSL_CTX> trial(SSL_CTX_new(TLS_server_method())); // too weak a key is told of now, not to a client
  if (!trial || SSL_CTX_use_cert_and_key(trial.get(), entry->leaf.get(), entry->key.get(), entry->chain.get(), 1) != 1)
    return fail(Errc::invalid, "the certificate cannot be used: " + take_tls_errors());
  const auto facts = read_certificate(pair.certificate_pem);
  if (!facts) return std::unexpected(facts.error());
  for (const std::string& name : facts->names) entry->names.push_back(plain_server_name(name));
  entry->pem = pair.certificate_pem;
  return entry;
}

/// Under mutex_.
void Certificates::rebuild() {
  auto made = std::make_shared<Table>();
  Entries all;
  if (!makeshift_) all = configured_;
  for (const auto& [id, entry] : put_) all.push_back(entry);
  if (makeshift_) all.insert(all.end(), configured_.begin(), configured_.end());
  for (const auto& entry : all)
    for (const std::string& name : entry->names) made->by_name[name].push_back(entry);
  const auto& first = configured_.empty() ? all : configured_;
  if (!first.empty()) made->standard.push_back(first.front());
  if (!first.empty() && !first.front()->names.empty()) {
    // With its like for other kinds of keys; what is makeshift gives way to a better one for its name.
    const Entries likes = made->find(first.front()->names.front());
    if (makeshift_) made->standard.clear();
    for (const auto& one : likes)
      if (std::ranges::find(made->standard, one) == made->standard.end()) made->standard.push_back(one);
  }
  for (const auto& [name, entry] : challenges_) made->challenges[name] = entry;
  table_ = std::move(made);
}

std::shared_ptr<const Certificates::Table> Certificates::table() const {
  const std::lock_guard lock(mutex_);
  return table_;
}

Result<> Certificates::configure(const std::vector<CertificatePair>& pairs, bool makeshift) {
  Entries fresh;
  for (const CertificatePair& pair : pairs) {
    auto entry = read(pair);
    if (!entry) return std::unexpected(entry.error());
    fresh.push_back(std::move(*entry));
  }
  const std::lock_guard lock(mutex_);
  configured_ = std::move(fresh);
  makeshift_ = makeshift;
  rebuild();
  return {};
}

Result<> Certificates::put(const std::string& id, const CertificatePair& pair) {
  auto entry = read(pair);
  if (!entry) return std::unexpected(entry.error());
  const std::lock_guard lock(mutex_);
  set_id(put_, id, std::move(*entry));
  rebuild();
  return {};
}

void Certificates::drop(const std::string& id) {
  const std::lock_guard lock(mutex_);
  if (drop_id(put_, id)) rebuild();
}

Result<> Certificates::put_challenge(const std::string& name, const CertificatePair& pair) {
  auto entry = read(pair);
  if (!entry) return std::unexpected(entry.error());
  const std::lock_guard lock(mutex_);
  set_id(challenges_, plain_server_name(name), std::move(*entry));
  rebuild();
  return {};
}

void Certificates::drop_challenge(const std::string& name) {
  const std::lock_guard lock(mutex_);
  if (drop_id(challenges_, plain_server_name(name))) rebuild();
}

std::vector<Certificates::Shown> Certificates::list() const {
  const std::lock_guard lock(mutex_);
  std::vector<Shown> all;
  for (const auto& entry : configured_) all.push_back({"", entry->pem});
  for (const auto& [id, entry] : put_) all.push_back({id, entry->pem});
  return all;
}

std::vector<std::string> Certificates::chosen_for(const std::string& name) const {
  std::vector<std::string> all;
  for (const auto& one : table()->choose(name)) all.push_back(one->pem);
  return all;
}

bool Certificates::serve(SSL* session, std::string_view name, bool challenge) const {
  const auto now = table();
  SSL_certs_clear(session);
  if (challenge) {
    const auto found = now->challenges.find(plain_server_name(name));
    return found != now->challenges.end() && found->second->give_to(session);
  }
  const Entries chosen = now->choose(name);
  return !chosen.empty() && std::ranges::all_of(chosen, [&](const auto& one) { return one->give_to(session); });
}

} // namespace paquebot::net
