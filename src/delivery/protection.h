#pragma once

#include "net/stream.h"
#include "queue/need.h"

#include <string>

namespace paquebot::delivery {

/// What is known of a connection to another server, as far as it says how mail is protected on it.
struct Hop {
  const net::TlsInfo& tls;
  const queue::Need& need;
  std::string asked_by;      ///< as in queue::Candidate
  std::string in_clear{};    ///< without TLS: why
  std::string sts_testing{}; ///< what a policy of MTA-STS in testing mode would have had to say; empty: there is none
  bool configured = false;   ///< a route of the configuration, or an address: nobody was to ask for more
};

/// "TLSv1.3, DANE", "TLSv1.3, not authenticated: self-signed certificate", "in clear: no STARTTLS is offered, and DANE
/// does not ask for it"; empty for the clear text of a route. `whole`: with the reasons.
std::string protection(const Hop& hop, bool whole);

/// What a policy of MTA-STS in testing mode that names the host, or doesn't, thinks of a connection.
std::string testing_verdict(bool named, const net::TlsInfo& tls);

/// Why a message is not sent to a host that does not show what it must: TLS is missing, or broke (`why`).
std::string unprotected_because(const queue::Need& need, const std::string& asked_by, bool missing,
                                const std::string& why);

} // namespace paquebot::delivery
