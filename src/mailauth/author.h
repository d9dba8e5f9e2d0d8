#pragma once

#include "mail/head.h"

#include <string>

namespace paquebot::mailauth {

/// The Author Domain (RFC 9989 section 5.3.1): what a reader sees as the sender's domain. Everything that programs may
/// read differently counts as no domain, so that it can't slip through:
/// - no From field, or one with no address (an empty group): missing;
/// - several From fields, or addresses of several domains: several;
/// - anything that is no address list of RFC 5322, an address literal, a control character, or a line that some
///   programs would take for a From field: malformed.
/// A group with members (RFC 6854), and several addresses of one domain, give that domain.
struct Author {
  enum class State : std::uint8_t { one, missing, several, malformed };
  State state = State::missing;
  std::string domain; ///< lower-case A-labels, when there is one
  std::string reason; ///< in words, when there is none
};
Author author_of(const mail::Head& head);

} // namespace paquebot::mailauth
