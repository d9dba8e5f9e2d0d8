#pragma once

#include "mail/status.h"

#include <string>

namespace paquebot::mail {

/// What came of an attempt for one recipient, in two voices of which neither ever speaks for the other: what the other
/// server said, octet by octet, and what we say ourselves. Kept as fields wherever it goes; to_string() is for people
/// and is never read back.
struct Told {
  std::string host;  ///< whose `peer` is, as a report names it: "mx.example.org", "[192.0.2.1]", "[IPv6:2001:db8::1]";
                     ///< empty: nobody's
  std::string place; ///< what was reached, as operators want to see it: "mx.example.org [192.0.2.1]:25 (TLSv1.3)"
  Reply peer;        ///< the last that it said; code 0: nothing that counts
  Reply own;         ///< code 0: what the peer said is all there is to say

  /// A reply that was heard is the peer's, another one ours.
  static Told by(Reply reply, std::string host = {}, std::string place = {});

  /// What decides: our word where there is one.
  const Reply& verdict() const { return own.code != 0 ? own : peer; }
  bool empty() const { return own.code == 0 && peer.code == 0; }
  bool positive() const { return verdict().positive(); }
  bool transient() const { return verdict().transient(); }
  bool permanent() const { return verdict().permanent(); }
  /// "mx.example.org [192.0.2.1]:25 said: 550 5.1.1 no such user", "451 4.4.2 the connection was lost (mx.example.org
  /// …)".
  std::string to_string() const;
};

} // namespace paquebot::mail
