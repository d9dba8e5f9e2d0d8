#pragma once

#include "base/result.h"
#include "mail/head.h"
#include "mailauth/canonical.h"
#include "mailauth/tags.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace paquebot::mailauth {

/// The tags that DKIM-Signature (RFC 6376 section 3.5) and ARC-Message-Signature (RFC 8617 section 4.1.2) have in
/// common.
struct Signature {
  KeyKind algorithm = KeyKind::rsa; ///< of a=; always with SHA-256
  std::string signature;            ///< of b=, decoded
  std::string body_hash;            ///< of bh=, decoded: 32 octets
  Canonical head_form = Canonical::simple;
  Canonical body_form = Canonical::simple;
  std::string domain;                      ///< of d=, lower-case A-labels
  std::string selector;                    ///< of s=, lower-case A-labels
  std::vector<std::string> fields;         ///< of h=, lower-case, at most kMaxSignedFields
  std::optional<std::uint64_t> body_limit; ///< of l=
  std::optional<std::uint64_t> signed_at;  ///< of t=, seconds since 1970
  std::optional<std::uint64_t> expires;    ///< of x=
};

inline constexpr std::size_t kMaxSignedFields = 512;

/// Reads a=, b=, bh=, c=, d=, s=, h=, l=, t=, x=. Errc::unsupported for an algorithm that we don't take (RFC 8301
/// section 3.1: SHA-1 must not be used), Errc::invalid for what is missing or malformed; the error says which.
Result<Signature> read_signature(const TagList& tags);
/// The parts that ARC-Seal has too: a=, b=, d=, s=, t=.
Result<Signature> read_seal(const TagList& tags);

/// The canonical form of the fields that a signature covers, and of the signature's own field: what is hashed
/// (RFC 6376 section 3.7).
std::string signed_head(const mail::Head& head, const mail::Field& own, const Signature& signature);

struct CoveredHead {
  std::string text; ///< as of signed_head()
  /// A field that RFC 5322 allows once, that the signature covers, and that the head has more often than the
  /// signature covers: somebody put another one beside it (RFC 6376 section 8.15). Empty when there is none. Of From,
  /// Subject, To, Date and Content-Type each such one counts; of others those above the signature, which were added
  /// behind it.
  std::string beside;
};
/// The same for a signature to be verified, for the head of the index, of which `own` is a field.
CoveredHead covered_head(const FieldIndex& index, const mail::Field& own, const Signature& signature);

} // namespace paquebot::mailauth
