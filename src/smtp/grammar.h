#pragma once

#include "mail/envelope.h"

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace paquebot::smtp {

/// A refusal of ours, without CRLF: "501 5.5.4 …". Always a string literal.
using Refused = std::string_view;
template <class T>
using Parsed = std::expected<T, Refused>;

/// What the session offered, which decides what MAIL and RCPT may say.
struct Offers {
  bool extended = false;             ///< parameters only after EHLO or LHLO
  bool auth = false;                 ///< AUTH= of MAIL
  bool smtputf8 = false;             ///< this transaction said SMTPUTF8 (for RCPT)
  std::uint64_t max_size = 0;        ///< octets; 0: no limit
  bool wishes = false;               ///< BY and MT-PRIORITY of MAIL (RFC 2852, RFC 6710)
  bool requiretls = false;           ///< REQUIRETLS of MAIL: only under TLS (RFC 8689 section 2)
  std::int64_t deliver_by_least = 0; ///< seconds, the least that BY= may say in mode R (RFC 2852 section 3)
  std::int64_t hold_most = 0;        ///< seconds, the most of HOLDFOR=; 0: FUTURERELEASE is not offered (RFC 4865)
  std::int64_t hold_from = 0; ///< milliseconds since 1970 UTC: HOLDUNTIL= lies behind it and at most hold_most further
  bool lenient = false;       ///< addresses may come without angle brackets
};

/// What follows "MAIL ": "FROM:<path> parameters" (RFC 5321 section 4.1.1.2; SIZE of RFC 1870, BODY of RFCs 6152 and
/// 3030, SMTPUTF8 of RFC 6531, RET and ENVID of RFC 3461, AUTH of RFC 4954, and those of grammar_extensions.h).
Parsed<mail::Sender> parse_mail(std::string_view arguments, const Offers& offers);

/// What follows "RCPT ": "TO:<path> parameters" (section 4.1.1.3; NOTIFY and ORCPT of RFC 3461).
Parsed<mail::Recipient> parse_rcpt(std::string_view arguments, const Offers& offers);

/// Whether the address in what follows "MAIL " or "RCPT " stands in angle brackets.
bool has_brackets(std::string_view arguments);

/// The name in HELO, EHLO or LHLO. RFC 5321 wants a domain or literal; what clients send is anything printable, and
/// section 4.1.4 forbids to refuse mail for it: one token of 1 to 255 printable ASCII characters.
Parsed<std::string_view> parse_helo_name(std::string_view arguments);

/// A name that parse_helo_name takes, for one that it does not: with "?" for what may not be in it, or the address
/// literal of `peer` where nothing was said.
std::string replace_helo_name(std::string_view arguments, std::string_view peer);

} // namespace paquebot::smtp
