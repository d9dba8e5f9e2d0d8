#pragma once

#include "smtp/grammar.h"

/// The parameters of MAIL that say when, how fast and how safely a message is to travel. Each reader takes the value of
/// one parameter and gives "" when it is fine; grammar.cc has the table, and refuses what comes twice.
namespace paquebot::smtp {

inline constexpr Refused kUnknownParameter = "555 5.5.4 parameter not recognised or not offered";
inline constexpr Refused kBadValue = "501 5.5.4 bad value of a parameter";

/// RFC 8689 section 2: only in a session under TLS.
Refused read_requiretls(std::string_view value, mail::Sender& sender, const Offers& offers);
/// RFC 6710 section 7: -9 to 9, without leading zeros, plus sign or "-0".
Refused read_priority(std::string_view value, mail::Sender& sender, const Offers& offers);
/// RFC 2852 section 4: "120;R", "-30;NT".
Refused read_deliver_by(std::string_view value, mail::Sender& sender, const Offers& offers);
/// RFC 4865 section 3: seconds, 1 to 999999999, without leading zeros.
Refused read_hold_for(std::string_view value, mail::Sender& sender, const Offers& offers);
/// RFC 4865 section 3: a time as mail/timestamp.h reads it.
Refused read_hold_until(std::string_view value, mail::Sender& sender, const Offers& offers);
/// What they say together: a message can't be held for longer than it may take (RFC 4865 section 5.2.2).
Refused check_times(const mail::Sender& sender, const Offers& offers);

/// "120;R" and so on: the value of BY= for these seconds, cut to what the grammar can say.
std::string write_deliver_by(const mail::DeliverBy& by);
/// "HOLDFOR=3600" or "HOLDUNTIL=2026-12-24T08:00:00Z"; "" for no hold.
std::string write_hold(const mail::Hold& hold);

} // namespace paquebot::smtp
