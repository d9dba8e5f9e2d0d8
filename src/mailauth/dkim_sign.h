#pragma once

#include "base/clock.h"
#include "mail/head.h"
#include "mailauth/canonical.h"
#include "mailauth/crypto.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace paquebot::mailauth {

/// A key under the name that the DNS has it.
struct SigningKey {
  std::string domain;   ///< A-labels
  std::string selector; ///< A-labels
  PrivateKey key;
};

/// What is signed: the body, hashed while it streams, relaxed.
class DkimSigner {
public:
  void body(std::string_view chunk) { hash_.feed(chunk); }
  /// The body is over: one DKIM-Signature field for each key, each ending in CRLF, to put in front of `head` as they
  /// are. Costs one private-key operation a key (RSA about 1 ms): on the processor pool. Call once. Errc::io when
  /// OpenSSL fails.
  Result<std::string> finish(const mail::Head& head, const std::vector<std::shared_ptr<const SigningKey>>& keys,
                             WallTime now);

private:
  BodyHash hash_{Canonical::relaxed};
};

/// The names for h= (RFC 6376 section 5.4): each signed field as often as it occurs, and those that RFC 5322 allows
/// once a time more, so that none can be added.
std::vector<std::string> fields_to_sign(const mail::Head& head);

/// Composes "Name: " and tags separated by "; ", folded before 78 columns; a value that is longer is broken at colons
/// (h=) or anywhere (b=, bh=). The last one is b=, empty: its value is added with append_signature.
std::string compose_tags(std::string_view field_name, const std::vector<std::pair<std::string, std::string>>& tags);
/// Completes a field of compose_tags with base 64, folded, and CRLF.
void append_signature(std::string& field, std::string_view octets);

} // namespace paquebot::mailauth
