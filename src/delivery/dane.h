#pragma once

#include "delivery/host_answers.h"
#include "net/dane.h"
#include "queue/plan.h"

#include <cstdint>
#include <string>
#include <vector>

namespace paquebot::delivery {

/// What TLSA records say of one mail host (RFC 7672 section 2.2).
struct DaneFinding {
  enum class Kind : std::uint8_t {
    none,     ///< nothing that counts
    records,  ///< `dane`
    unusable, ///< there are some, under DNSSEC, that nobody can use: TLS must be, whoever is at the other end
    unknown,  ///< the DNS failed: the host counts as unreachable (section 2.1.2)
  };
  Kind kind = Kind::none;
  net::Dane dane{};
  std::string why{};      ///< of none and unknown, for people
  bool own_fault = false; ///< of unknown: dns::Answer::own_fault
  bool bogus = false;     ///< likewise: dns::Answer::bogus
};

/// The names below which records are looked for, the first that has some counts (section 2.2.2): `both` are the
/// addresses of the host. `alias`: it is one, into an insecure zone: its CNAME has to be asked for, and if that is
/// secure, the host's own name is the only one. Pure.
struct DaneBases {
  std::vector<std::string> names;
  bool alias = false;
};
DaneBases dane_bases(const std::string& host, const HostAnswers::Both& both);

/// Whom a trust anchor may vouch for, with records found at `base`; the base comes first (section 3.2.2). Pure.
std::vector<std::string> dane_names(const std::string& base, const queue::NextHop& next_hop);

/// Asks for them; of a host in an insecure zone nothing is asked, since some name servers fail at it (section 2.2.2).
Task<DaneFinding> find_dane(HostAnswers& answers, std::string host, std::uint16_t port, const queue::NextHop& next_hop);

/// What the connection to a host must show, by what was found; `candidate` says what it must show anyway.
void settle_need(queue::Candidate& candidate, const DaneFinding& found, const queue::NextHop& next_hop);

} // namespace paquebot::delivery
