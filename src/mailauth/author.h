#pragma once

#include "mail/head.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace paquebot::mailauth {

/// The Author Domains (RFC 9989 section 5.3.1): what a reader may see as the sender's domain. Where all that programs
/// can read in From (mail::readings_of) leads to one domain, it is that, however untidy the field; where readings
/// differ, or the field has addresses of several domains, each is to be judged (section 11.5). Several From fields,
/// which RFC 5322 section 3.6 forbids, are read likewise, each by itself and all as one list: programs show the first,
/// the last or all. Nothing can be judged of
/// - no From field, or one with no address of a domain (an empty group, an address literal): missing, malformed;
/// - more than kMostAuthors From fields, or as many domains: several, with no domains;
/// - a line that is none but that some programs would take for a From field (mail::Field::resembles): malformed.
/// A group with members (RFC 6854), and several addresses of one domain, give that domain.
struct Author {
  enum class State : std::uint8_t { one, missing, several, malformed };
  State state = State::missing;
  std::string domain;               ///< lower-case A-labels, when there is one
  std::vector<std::string> domains; ///< all that are to be judged; empty: such a message can't be
  std::string reason;               ///< in words, when there is not one; quotes the fields, printable and bounded

  static Author of(std::string domain);
};
/// More domains than this are not asked: each costs questions (section 11.5).
inline constexpr std::size_t kMostAuthors = 4;
Author author_of(const mail::Head& head);

} // namespace paquebot::mailauth
