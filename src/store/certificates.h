#pragma once

#include "base/result.h"
#include "base/task.h"
#include "store/types.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace paquebot::store {

/// An account with an authority that gives certificates (RFC 8555 section 7.1.2). Times are wall milliseconds.
struct AcmeAccount {
  std::string directory;   ///< the authority's; one account for each
  std::string private_key; ///< PEM, not encrypted; its form is not the store's business
  std::string url;         ///< empty: the authority was not asked yet
  std::int64_t created = 0;
};

/// A key that a certificate is for. It is kept apart from certificates: they come and go, what others pin (RFC 6698)
/// stays. A name has at most one that is active and one that is next.
struct TlsKey {
  enum class State : std::uint8_t { next = 1, active }; ///< numbers are stored
  Id id = 0;
  std::string name;
  State state = State::active;
  std::int64_t created = 0;
  std::string private_key; ///< PEM, not encrypted
};

/// Certificate::last_error from the beginning of an attempt until it is known how it went: what a crash leaves.
inline constexpr const char* kAttemptUnderWay = "an attempt is under way, or was broken off";

/// What is kept of the certificate for a name, and of how it is got.
struct Certificate {
  std::string name; ///< lower-case, one of a kind
  // What is in force, and is changed by install_certificate() alone:
  Id key = 0;              ///< the TlsKey that it is for; 0: there is none yet
  std::string chain;       ///< PEM
  std::string authority;   ///< the directory it is of
  std::int64_t issued = 0; ///< when it came
  // What an operator wants, and is changed by wish() and install_certificate() alone; 0: nothing:
  std::int64_t wants_renewal = 0;
  std::int64_t wants_rotation = 0;
  // How it goes, changed by note_progress() alone:
  std::int64_t renew_at = 0; ///< the moment chosen; 0: none yet
  std::int64_t ask_at = 0;   ///< when the authority is asked again for a better one
  std::string order;         ///< the URL of the one under way; empty: none
  Id order_key = 0;          ///< the TlsKey that it is for
  std::int64_t order_since = 0;
  std::uint32_t failures = 0;  ///< in a row; an attempt that is under way counts until it succeeds
  std::int64_t wait_until = 0; ///< no new attempt before
  std::string last_error;      ///< of the last attempt; empty: it did not fail
  std::int64_t seen_since = 0; ///< both keys' TLSA records have been in the DNS since then; 0: they are not
  std::uint32_t seen_ttl = 0;  ///< seconds that others may remember those of before
};

/// What an authority must find here to believe that a name leads here: any node can answer.
struct ChallengeAnswer {
  enum class Kind : std::uint8_t { tls_alpn = 1, http }; ///< numbers are stored
  Kind kind = Kind::http;
  std::string name;
  std::string token;
  std::string answer;       ///< the key authorization (RFC 8555 section 8.1)
  std::int64_t expires = 0; ///< forgotten then
};

/// Certificates, their keys, and what it takes to get them. Private keys are in backups, in nothing else that is shown
/// or written. Changes are told as Change::Kind::certificate with the name.
class Certificates {
public:
  virtual ~Certificates() = default;

  virtual Task<Result<std::optional<AcmeAccount>>> acme_account(std::string directory) = 0;
  /// Adds it, or changes the URL of the one that is there; its key and age stay. conflict when that has another key.
  virtual Task<Result<>> save_acme_account(AcmeAccount account) = 0;

  /// All of a name, or (for an empty one) of all: by name, the active one first.
  virtual Task<Result<std::vector<TlsKey>>> list_tls_keys(std::string name) = 0;
  /// A new key, with the time of now and in the given state; the name is kept from then on. conflict when there is one
  /// in that state; `invalid` for one that is next without an active one.
  virtual Task<Result<>> add_tls_key(TlsKey key) = 0;

  /// By name.
  virtual Task<Result<std::vector<Certificate>>> list_certificates() = 0;
  /// Keeps how it goes. not_found when the name is not kept.
  virtual Task<Result<>> note_progress(Certificate certificate) = 0;
  /// The certificate is there: in force for `key` from now on, `issued` now; order, failures, wishes and moments are
  /// over, at once. The key that was next becomes active, the one before is deleted. not_found when the name has no
  /// such key.
  virtual Task<Result<>> install_certificate(std::string name, Id key, std::string chain, std::string authority) = 0;
  enum class Wish : std::uint8_t { renewal, rotation };
  /// An operator wants it from now on, or (false) no more. A wish for renewal ends what attempts wait for. not_found as
  /// above; conflict for a rotation without a next key.
  virtual Task<Result<>> wish(std::string name, Wish what, bool wanted) = 0;
  /// Forgets a name with its keys and its certificate. not_found as above.
  virtual Task<Result<>> remove_certificate(std::string name) = 0;

  /// One of the kind, name and token is replaced. no_space when there are 200 that have not expired.
  virtual Task<Result<>> publish_challenge(ChallengeAnswer answer) = 0;
  /// Also when there is none.
  virtual Task<Result<>> withdraw_challenge(ChallengeAnswer answer) = 0;
  /// Those that have not expired.
  virtual Task<Result<std::vector<ChallengeAnswer>>> list_challenges() = 0;
};

} // namespace paquebot::store
