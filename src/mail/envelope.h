#pragma once

#include "base/clock.h"
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

/// Whether the message must, need, or need not travel under TLS (RFC 8689). Numbers are stored.
enum class TlsWish : std::uint8_t {
  unspecified = 0,
  required = 1,     ///< REQUIRETLS of MAIL
  not_required = 2, ///< the header field "TLS-Required: No"
};

/// By what time the sender wants it delivered: BY= of MAIL (RFC 2852 section 4).
struct DeliverBy {
  /// Numbers are stored.
  enum class Mode : std::uint8_t { none = 0, notify = 1, give_back = 2 };
  Mode mode = Mode::none;
  bool trace = false;       ///< "T": a report for each relay
  std::int64_t seconds = 0; ///< from MAIL on, as on the wire: -999999999 to 999999999
  std::int64_t at = 0;      ///< the same as milliseconds since 1970 UTC; 0 until somebody with a clock has set it
  bool operator==(const DeliverBy&) const = default;
};
inline constexpr std::int64_t kMaxByTime = 999'999'999; ///< seconds

/// Not before which time the message may go on: HOLDFOR= and HOLDUNTIL= of MAIL (RFC 4865 section 3).
struct Hold {
  enum class Kind : std::uint8_t { none, interval, until };
  Kind kind = Kind::none;
  std::int64_t seconds = 0; ///< interval: 1 to 999999999
  std::int64_t until = 0;   ///< milliseconds since 1970 UTC; for an interval 0 until somebody with a clock has set it
  std::string request;      ///< "for;3600" or "until;2026-12-24T08:00:00Z", for reports (section 5.1.2)
  bool operator==(const Hold&) const = default;
};
inline constexpr std::int64_t kMaxHold = 999'999'999; ///< seconds

inline constexpr int kMinPriority = -9, kMaxPriority = 9; ///< MT-PRIORITY= (RFC 6710 section 3)

/// What MAIL said of the message.
struct Sender {
  Address reverse_path; ///< empty for "<>"
  BodyType body = BodyType::seven_bit;
  bool smtputf8 = false;
  Ret ret = Ret::unspecified;
  std::string envid;               ///< decoded from xtext, at most 100 octets
  std::uint64_t declared_size = 0; ///< SIZE=, 0 when not given
  TlsWish tls = TlsWish::unspecified;
  int priority = 0; ///< kMinPriority to kMaxPriority, 0 when not given
  DeliverBy deliver_by;
  Hold hold;
};

/// Makes points in time of what the sender said in seconds: the time of MAIL was `now` (RFC 2852 section 4, RFC 4865
/// section 4.2).
void set_times(Sender& sender, WallTime now);

/// What one RCPT said.
struct Recipient {
  Address address;
  std::uint8_t notify = kNotifyUnspecified; ///< bits of Notify
  std::string orcpt; ///< "rfc822;user@example.org", address part decoded, at most 500 octets; may be empty
};

} // namespace paquebot::mail
