#pragma once

#include "delivery/connector.h"

#include <cstdint>
#include <string>
#include <vector>

namespace paquebot::delivery {

/// How mail to one host would be protected.
struct ExplainedHost {
  std::string host;
  std::uint16_t preference = 0;
  std::string dane;     ///< what TLSA records say: "2 records, …", "none: …"
  std::string asked_by; ///< as queue::Candidate::asked_by
  bool named = true;    ///< by the policy of MTA-STS, or there is none
  bool tried = false, works = false;
  std::string told; ///< how the connection was protected, or why there was none
};

/// How mail to a domain would be protected.
struct Explained {
  std::string domain;
  std::string route;      ///< of the configuration: that counts, and nothing is asked
  bool signed_mx = false; ///< DNSSEC vouches for its hosts
  std::string failure;    ///< why there is no way to it at all
  StsFinding policy;
  std::vector<ExplainedHost> hosts; ///< at most kMostExplained
};
inline constexpr std::size_t kMostExplained = 5;

/// Finds out, with questions and connections as a delivery makes them, but no mail. `refresh`: the policy of MTA-STS is
/// fetched anew. On the connector's executor.
Task<Explained> explain(Connector& connector, const queue::RouteTable& routes, std::string domain, bool refresh);

} // namespace paquebot::delivery
