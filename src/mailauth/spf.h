#pragma once

#include "base/clock.h"
#include "base/task.h"
#include "dns/resolver.h"
#include "mail/address.h"
#include "mailauth/ip.h"
#include "mailauth/spf_record.h"

#include <chrono>
#include <string>

namespace paquebot::mailauth {

/// What one check of SPF is about (RFC 7208 section 2).
struct SpfQuestion {
  Ip ip;                      ///< the client's
  std::string helo;           ///< what it said at HELO or EHLO
  std::string local;          ///< local part of the sender; empty: "postmaster" (section 4.3)
  std::string domain;         ///< whose record is asked for, as A-labels
  std::string receiver;       ///< our name, for the macro r; empty: "unknown"
  bool helo_identity = false; ///< says which identity it is, for people only
};

/// The check of the HELO identity (section 2.3).
SpfQuestion spf_question_for_helo(const Ip& ip, const std::string& helo, const std::string& receiver);
/// The check of the MAIL FROM identity (section 2.4): for the null reverse-path, postmaster at the HELO name.
SpfQuestion spf_question_for_sender(const Ip& ip, const std::string& helo, const mail::Address& sender,
                                    const std::string& receiver);

struct SpfOutcome {
  SpfResult result = SpfResult::none;
  std::string domain;      ///< that was checked
  std::string reason;      ///< in words, printable: what matched, or what is wrong
  std::string explanation; ///< what the domain says to a fail (exp=): printable ASCII of at most 400 octets, or empty
};

/// Bounds of one evaluation. The numbers are those of section 4.6.4.
struct SpfLimits {
  unsigned lookups = 10; ///< terms that cause questions
  unsigned void_lookups = 2;
  unsigned hosts = 10; ///< names of one MX or PTR answer
  std::chrono::milliseconds time{20000};
};

/// check_host() of RFC 7208 section 4. Never fails otherwise than by its result; ends soon after `limits.time`
/// (a question under way is not broken off: the resolver bounds it). All arguments live until it is done.
Task<SpfOutcome> check_spf(const SpfQuestion& question, dns::Resolver& resolver, const Clock& clock,
                           const SpfLimits& limits);

} // namespace paquebot::mailauth
