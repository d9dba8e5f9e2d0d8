#pragma once

#include "base/result.h"

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

typedef struct ssl_st SSL;

namespace paquebot::net {

/// A certificate with its chain, and its key, as PEM.
struct CertificatePair {
  std::string certificate_pem;
  std::string key_pem; ///< without a password
};

/// The certificates that all listeners show, chosen for each handshake by the name that the client asks for (SNI,
/// RFC 6066 section 3): one for that very name, else a wildcard for it (one label), else the default. Of several for a
/// name, those of the configuration come before those put in while the server runs, each in their order; one of each
/// kind of key is offered, so that old clients get RSA and others ECDSA. What changes counts for handshakes from then
/// on; connections stay. Thread-safe.
class Certificates {
public:
  Certificates();
  ~Certificates();
  Certificates(const Certificates&) = delete;
  Certificates& operator=(const Certificates&) = delete;

  /// Those of the configuration, instead of what was there from it; the first is the default. `makeshift`: it is one of
  /// ours that nobody vouches for, and gives way to any other for its names. `invalid` when one of them can't be used,
  /// or a key is another one's: nothing is changed then.
  Result<> configure(const std::vector<CertificatePair>& pairs, bool makeshift = false);
  /// One more, by an id of the caller's; another one with that id goes. Errors as above.
  Result<> put(const std::string& id, const CertificatePair& pair);
  void drop(const std::string& id);

  /// The answer to an authority that asks over TLS whether this name leads here (RFC 8737): shown only to who offers
  /// "acme-tls/1" and nothing else counts for him.
  Result<> put_challenge(const std::string& name, const CertificatePair& pair);
  void drop_challenge(const std::string& name);

  struct Shown {
    std::string id; ///< empty: of the configuration
    std::string certificate_pem;
  };
  /// All but the challenges, in their order.
  std::vector<Shown> list() const;
  /// The certificates (PEM) that a client gets which asks for this name; an empty one: which asks for none.
  std::vector<std::string> chosen_for(const std::string& name) const;

  /// For a handshake under way: gives `session` its certificates. False: there is none, it has to end.
  bool serve(SSL* session, std::string_view name, bool challenge) const;

private:
  struct Entry;
  struct Table;
  using Entries = std::vector<std::shared_ptr<const Entry>>;

  static Result<std::shared_ptr<const Entry>> read(const CertificatePair& pair);
  void rebuild();
  std::shared_ptr<const Table> table() const;

  mutable std::mutex mutex_;
  Entries configured_;
  bool makeshift_ = false;
  std::vector<std::pair<std::string, std::shared_ptr<const Entry>>> put_;
  std::vector<std::pair<std::string, std::shared_ptr<const Entry>>> challenges_; ///< by name
  std::shared_ptr<const Table> table_;                                           ///< made of the above; never changed
};

} // namespace paquebot::net
