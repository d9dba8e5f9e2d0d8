#pragma once

#include "base/clock.h"
#include "base/task.h"
#include "dns/resolver.h"
#include "mail/head.h"
#include "mailauth/dkim_key.h"
#include "mailauth/dkim_sign.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace paquebot::mailauth {

/// Chain validation status (RFC 8617 section 4.4). A DNS that fails counts as fail too (section 5.2.1 knows no
/// temporary failure), with `temporary` in the outcome.
enum class ArcResult : std::uint8_t { none, pass, fail };
std::string_view to_string(ArcResult result);

/// RFC 8617 section 4.2.1: instances are 1 to 50.
inline constexpr unsigned kMaxArcSets = 50;

struct ArcOutcome {
  ArcResult result = ArcResult::none;
  bool temporary = false; ///< the DNS failed: another time it may be a pass
  unsigned sets = 0;      ///< the highest instance, 0 for none
  unsigned oldest_pass =
      0; ///< section 5.2: from which instance on the message is unchanged; 0: from the first, or no pass
  std::vector<std::string> sealers; ///< d= of the seals, instance 1 first; only for a pass
  /// The ARC-Authentication-Results of instance 1 and on, as written, behind "i=n;"; only for a pass.
  std::vector<std::string> results;
  std::string claimed; ///< d= of the newest seal, not proved by anything; empty where it can't be read
  std::string reason;  ///< in words, printable
};

/// Validates the chain of one message, streaming as DkimVerifier does.
class ArcVerifier {
public:
  explicit ArcVerifier(const mail::Head& head);
  ~ArcVerifier();
  ArcVerifier(ArcVerifier&&) noexcept;
  ArcVerifier& operator=(ArcVerifier&&) noexcept;

  /// Whether there is a chain whose validity depends on the body.
  bool wants_body() const;
  /// The names of the keys of the newest set, as DkimVerifier::key_names().
  std::vector<std::string> key_names() const;
  /// ArcOutcome::claimed, known from the beginning.
  const std::string& claimed_sealer() const;
  void body(std::string_view chunk);
  /// The body is over. Looks at the newest message signature, then at all seals, newest first; older message
  /// signatures are looked at only to find `oldest_pass`. Call once.
  Task<ArcOutcome> finish(dns::Resolver& resolver, DkimKeyCache& cache);

private:
  struct Set;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Seals what we hand on (section 5.1), streaming: feed the body as it leaves, then finish().
class ArcSealer {
public:
  void body(std::string_view chunk) { hash_.feed(chunk); }
  /// One new set to put in front of `head`: ARC-Seal, ARC-Message-Signature, ARC-Authentication-Results, each ending in
  /// CRLF. `validated` is what ArcVerifier said of the message when it came; `results` our Authentication-Results as
  /// its value (authserv-id and results). Nothing, an empty string, where no set may be added: the chain is full, or
  /// was sealed as failed before. Costs two private-key operations. Errc::io when OpenSSL fails.
  Result<std::string> finish(const mail::Head& head, const ArcOutcome& validated, const SigningKey& key,
                             std::string_view results, WallTime now);

private:
  BodyHash hash_{Canonical::relaxed};
};

} // namespace paquebot::mailauth
