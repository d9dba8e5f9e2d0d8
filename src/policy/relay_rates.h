#pragma once

#include "base/clock.h"
#include "mail/status.h"

#include <cstdint>
#include <mutex>
#include <string>
#include <unordered_map>

namespace paquebot::policy {

/// How much one address of a network that relays without a login may send to others, in a whole hour of UTC. 0: any
/// number.
struct RelayLimits {
  std::uint32_t messages_per_hour = 0;
  std::uint32_t recipients_per_hour = 0;
};

/// Counts it, in memory (a restart begins anew). Bounded. Thread-safe.
class RelayRates {
public:
  explicit RelayRates(const Clock& clock) : clock_(clock) {}
  /// One more recipient elsewhere, the `first` of its message or a further one. Code 0: it is counted and may go on;
  /// else the words that accounts get over their limits, and nothing is counted.
  mail::Reply count(const std::string& address, const RelayLimits& limits, bool first);

  static constexpr std::size_t kAddresses = 10'000; ///< more than that in an hour: counting begins anew

private:
  struct Count {
    std::uint32_t messages = 0, recipients = 0;
  };
  const Clock& clock_;
  std::mutex mutex_;
  std::int64_t hour_ = 0; ///< hours since 1970 UTC
  std::unordered_map<std::string, Count> counts_;
};

} // namespace paquebot::policy
