#pragma once

#include "mail/envelope.h"

#include <cstdint>
#include <expected>
#include <string_view>

namespace paquebot::smtp {

/// A refusal of ours, without CRLF: "501 5.5.4 …". Always a string literal.
using Refused = std::string_view;
template <class T>
using Parsed = std::expected<T, Refused>;

/// What the session offered, which decides what MAIL and RCPT may say.
struct Offers {
  bool extended = false;      ///< parameters only after EHLO or LHLO
  bool auth = false;          ///< AUTH= of MAIL
  bool smtputf8 = false;      ///< this transaction said SMTPUTF8 (for RCPT)
  std::uint64_t max_size = 0; ///< octets; 0: no limit
};

/// What follows "MAIL ": "FROM:<path> parameters" (RFC 5321 section 4.1.1.2; SIZE of RFC 1870, BODY of RFCs 6152 and 3030,
/// SMTPUTF8 of RFC 6531, RET and ENVID of RFC 3461, AUTH of RFC 4954).
Parsed<mail::Sender> parse_mail(std::string_view arguments, const Offers& offers);

/// What follows "RCPT ": "TO:<path> parameters" (section 4.1.1.3; NOTIFY and ORCPT of RFC 3461).
Parsed<mail::Recipient> parse_rcpt(std::string_view arguments, const Offers& offers);

/// The name in HELO, EHLO or LHLO. RFC 5321 wants a domain or literal; what clients send is anything printable, and
/// section 4.1.4 forbids to refuse mail for it: one token of 1 to 255 printable ASCII characters.
Parsed<std::string_view> parse_helo_name(std::string_view arguments);

} // namespace paquebot::smtp
