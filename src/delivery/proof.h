#pragma once

#include "queue/need.h"

#include <string>
#include <vector>

namespace paquebot::delivery {

/// What setting up a connection has shown. Judged by what was enforced then: a certificate counts only where its check
/// was a condition of the handshake.
struct Proof {
  bool encrypted = false;
  std::string name;                      ///< whom the certificate was checked to name; empty: it was not checked
  std::string roots;                     ///< those that vouch for it, as in queue::Need::Pkix
  bool onward = false;                   ///< the host offers REQUIRETLS
  std::string tlsa{};                    ///< the TLSA record that it was known by; empty: by none
  std::vector<std::string> tlsa_names{}; ///< whom the certificate names, of those that were asked for with it
};

/// Whether it may carry what needs that. One that TLSA records knew may carry what other records that have the same one
/// among them ask for (of hosts that share a key), if a name that is asked for was found in the certificate where names
/// count (RFC 7672 section 3.1).
bool satisfies(const Proof& proof, const queue::Need& need);

} // namespace paquebot::delivery
