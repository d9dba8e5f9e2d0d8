#pragma once

#include "mail/address.h"

#include <cstdint>
#include <string>
#include <vector>

namespace paquebot::mail {

/// BODY= of MAIL (RFC 6152, RFC 3030).
enum class BodyType : std::uint8_t { seven_bit, eight_bit, binary };
/// RET= of MAIL (RFC 3461 section 4.3).
enum class Ret : std::uint8_t { unspecified, full, headers };

/// NOTIFY= of RCPT (RFC 3461 section 4.1), a set of bits. `unspecified` means: failure, and delay if we like.
enum Notify : std::uint8_t {
  kNotifyUnspecified = 0,
  kNotifyNever = 1,
  kNotifySuccess = 2,
  kNotifyFailure = 4,
  kNotifyDelay = 8,
};

/// What MAIL said of the message.
struct Sender {
  Address reverse_path; ///< empty for "<>"
  BodyType body = BodyType::seven_bit;
  bool smtputf8 = false;
  Ret ret = Ret::unspecified;
  std::string envid;               ///< decoded from xtext, at most 100 octets
  std::uint64_t declared_size = 0; ///< SIZE=, 0 when not given
};

/// What one RCPT said.
struct Recipient {
  Address address;
  std::uint8_t notify = kNotifyUnspecified; ///< bits of Notify
  std::string orcpt; ///< "rfc822;user@example.org", address part decoded, at most 500 octets; may be empty
};

} // namespace paquebot::mail
