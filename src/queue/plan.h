#pragma once

#include "mail/status.h"
#include "queue/cause.h"
#include "queue/need.h"
#include "queue/route.h"
#include "queue/source.h"
#include "queue/sts_policy.h"

#include <cstdint>
#include <memory>
#include <optional>
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
  /// Why, for people: "DANE", "MTA-STS". Empty: nobody asks for more than what the way itself says.
  std::string asked_by{};
  /// A policy in testing mode asks for a certificate of its name: it is looked at, and mail goes in any case.
  bool sts_testing = false;
  bool sts_named = true;      ///< by a policy in testing mode
  bool tlsa_unusable = false; ///< its TLSA records can't be used, none of them
};

/// The name that a domain's hosts were found by, as far as it counts for their protection (RFC 7672 section 3.2.2).
struct NextHop {
  std::string name;
  std::string expanded;    ///< where aliases of it led; empty: it is none
  bool secure = false;     ///< DNSSEC vouches for that way to the hosts
  bool through_mx = false; ///< else the domain is its own host
};

/// How a destination is to be reached: where address pools, MTA-STS, DANE and shaping will plug in, and nowhere else.
struct Plan {
  std::vector<Candidate> candidates; ///< in the order to try; bounded by kMaxCandidates
  std::string place;                 ///< what shares connections and limits: the MX set or the route
  std::string provider{};            ///< whose hosts these are (Providers), where no route leads there; "": nobody's
  const Source* source = nullptr;    ///< where it leaves from; null: as everything without one
  bool lmtp = false;
  bool more_hosts = false;              ///< there are more than kMaxCandidates
  bool patient = false;                 ///< its hosts get all their time to greet, also while others wait
  const Route* route = nullptr;         ///< for login
  std::optional<NextHop> next_hop;      ///< nothing: a route of the configuration, or an address
  std::shared_ptr<const StsPolicy> sts; ///< the domain's policy; null: none that counts
  bool counted = false;                 ///< for reports on TLS
  bool dane = false;                    ///< TLSA records of its hosts are to be asked for (PlanInput)
  mail::Reply failure;                  ///< when there are no candidates: why, 4xx or 5xx
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
  /// configuration is; so are MX hosts under DNSSEC, or that a policy of MTA-STS in force names.
  bool require_tls = false;
  const StsPolicy* sts = nullptr; ///< the domain's policy; null: none, or it does not count for this message
  bool dane = false;              ///< hosts that names lead to are to be known by TLSA records, where there are some
  std::uint32_t random = 0;       ///< rotates hosts of equal preference
};

Plan plan(const PlanInput& input);

} // namespace paquebot::queue
