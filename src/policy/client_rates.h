#pragma once

#include "base/clock.h"
#include "policy/stranger_rules.h"

#include <chrono>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

namespace paquebot::policy {

/// What a network may do of what one of its addresses may.
inline constexpr unsigned kNetworkFactor = 4;

/// The network that an address counts with: IPv4 its /24, IPv6 its /64 (`wide`: /48), as octets. Others are themselves.
std::string network_of(std::string_view address, bool wide = false);

/// Counts what client addresses and their networks do, and shuts out for a while who does too much of it. Each count
/// runs out evenly over its minute or hour. The tables are bounded: what was longest not seen is forgotten.
/// Thread-safe.
class ClientRates {
public:
  explicit ClientRates(const Clock& clock) : clock_(clock) {}

  /// One more connection. Zero: it may begin; else how long the client is shut out.
  std::chrono::seconds connected(const std::string& address, const RateLimits& limits);
  /// One more message. False when it is one too many; nothing else follows.
  bool message(const std::string& address, const RateLimits& limits);
  /// So many faults. True when the client is shut out from now on.
  bool fault(const std::string& address, unsigned count, const RateLimits& limits);

private:
  struct Count {
    double value = 0;
    Instant counted{};
  };
  struct Entry {
    Count connections, messages, faults;
    Instant refused_until{};
  };
  using Named = std::pair<std::string, Entry>;
  Entry& entry(std::string key);
  bool add(Count& count, double what, double most, std::chrono::seconds window) const;
  template <class F>
  bool both(const std::string& address, F over);

  const Clock& clock_;
  std::mutex mutex_;
  std::list<Named> order_; ///< what was seen last stands first
  std::unordered_map<std::string, std::list<Named>::iterator> index_;
};

} // namespace paquebot::policy
