#pragma once

#include "base/clock.h"
#include "base/task.h"
#include "dns/resolver.h"
#include "mail/head.h"
#include "mailauth/dkim_key.h"
#include "mailauth/signature.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace paquebot::mailauth {

/// Results of DKIM as RFC 8601 section 2.7.1 names them:
/// - pass: the signature is good, and covers the whole body and each field of its kind;
/// - fail: body or head were changed, or the signature has expired;
/// - policy: the signature is good, but we do not accept it: the key is too short, or text stands beside what it
///   covers (l=, a second From or Subject);
/// - neutral: malformed, or an algorithm that we don't take;
/// - permerror: no key, a revoked or malformed one;
/// - temperror: the DNS failed.
enum class DkimResult : std::uint8_t { none, pass, fail, policy, neutral, temperror, permerror };
std::string_view to_string(DkimResult result);

/// What became of one DKIM-Signature.
struct DkimVerdict {
  DkimResult result = DkimResult::neutral;
  std::string domain;    ///< d=; empty where it could not be read
  std::string selector;  ///< s=
  std::string identity;  ///< i=, "@domain" by default
  std::string algorithm; ///< "rsa-sha256" or "ed25519-sha256"
  std::string tag;       ///< the first eight characters of b=, as header.b (RFC 6008)
  unsigned bits = 0;     ///< of the key, when there was one
  bool testing = false;  ///< the domain says that it is trying out (t=y); the result is what it is
  bool weak = false;     ///< passed with an RSA key below kGoodRsaBits
  std::string reason;    ///< in words, printable
};

struct DkimOptions {
  /// Signatures looked at, from the top; those beyond are left out (RFC 6376 section 6.1 allows for a bound).
  std::size_t most = 8;
};

/// The body is hashed once for each canonicalization and each l= that occur, at most so often: signatures that would
/// need one more are neutral. Nobody but an attacker signs a message with several l=.
inline constexpr std::size_t kMaxBodyHashes = 4;

/// Verifies the signatures of one message, streaming: head first, then the body in chunks of any size, then finish().
/// A public-key operation is done only where the body is unchanged, so that forged signatures cost little.
class DkimVerifier {
public:
  /// Hashes what each signature covers of the head; the head is not needed afterwards.
  DkimVerifier(const mail::Head& head, WallTime now, DkimOptions options = {});
  ~DkimVerifier();
  DkimVerifier(DkimVerifier&&) noexcept;
  DkimVerifier& operator=(DkimVerifier&&) noexcept;

  /// How many signatures are looked at.
  std::size_t signatures() const;
  /// The names of the keys that finish() may ask for, each once: whoever asks the resolver for their TXT records while
  /// the body still comes has the answers at hand then.
  std::vector<std::string> key_names() const;
  void body(std::string_view chunk);
  /// The body is over: end_body(), verify() for each signature, verdicts().
  Task<std::vector<DkimVerdict>> finish(dns::Resolver& resolver, DkimKeyCache& cache);

  // The same in steps, for who verifies signatures side by side: a key that never comes must not keep the others.
  /// No body() after it.
  void end_body();
  /// Fetches the key of signature `n` (below signatures()) and decides. At most once for each; the object lives until
  /// it is done.
  Task<void> verify(std::size_t n, dns::Resolver& resolver, DkimKeyCache& cache);
  /// In the order of the fields. What is not decided by now is temperror: its key is being waited for.
  std::vector<DkimVerdict> verdicts() const;

private:
  struct Candidate;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

} // namespace paquebot::mailauth
