#pragma once

#include "mail/status.h"
#include "queue/cause.h"
#include "queue/need.h"
#include "queue/route.h"

#include <cstdint>
#include <string>
#include <vector>

namespace paquebot::dns {
struct Answer;
}

namespace paquebot::queue {

/// How TLS begins with a host, where it does.
enum class TlsStart : std::uint8_t {
  never,
  offered, ///< STARTTLS
  at_once, ///< from the first octet
};

/// One host to try, by name; its addresses are looked up when its turn comes.
struct Candidate {
  std::string host; ///< name, or an address (then no lookup)
  std::uint16_t port = 25;
  std::uint16_t preference = 0; ///< of its MX record
  TlsStart tls = TlsStart::offered;
  Need need{}; ///< what its connection must show
};

/// How a destination is to be reached: where address pools, MTA-STS, DANE and shaping will plug in, and nowhere else.
struct Plan {
  std::vector<Candidate> candidates; ///< in the order to try; bounded by kMaxCandidates
  std::string place;                 ///< what shares connections and limits: the MX set or the route
  bool lmtp = false;
  bool more_hosts = false;      ///< there are more than kMaxCandidates
  bool patient = false;         ///< its hosts get all their time to greet, also while others wait
  const Route* route = nullptr; ///< for login
  mail::Reply failure;          ///< when there are no candidates: why, 4xx or 5xx
  Cause cause = Cause::none; ///< of that failure: `ours` (dns::Answer::own_fault), `unprotected`, or none that matters
};
inline constexpr std::size_t kMaxCandidates = 30;

/// What the plan depends on. Pure: the same input gives the same plan.
struct PlanInput {
  std::string domain; ///< the domain or address literal; unused with a route
  const Route* route = nullptr;
  const dns::Answer* mx = nullptr; ///< the answer to the MX question; null for literals and routes
  std::string our_name; ///< our host name, lower case: MX records at and behind us are left out (RFC 5321 section 5.1)
  std::uint16_t port = 25;
  /// For a message with REQUIRETLS: TLS with a checked certificate, to hosts whose names are sure. A route of the
  /// configuration is; so are MX hosts under DNSSEC. (A policy of MTA-STS would do as well.)
  bool require_tls = false;
  std::uint32_t random = 0; ///< rotates hosts of equal preference
};

Plan plan(const PlanInput& input);

} // namespace paquebot::queue
