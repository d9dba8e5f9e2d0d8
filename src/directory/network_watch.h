#pragma once

#include "base/clock.h"
#include "store/types.h"

#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <unordered_map>

namespace paquebot::directory {

/// From how many networks each account logged in within the last hour: one person has a few, a stolen password many.
/// Of this process and since its start only; bounded; thread-safe.
class NetworkWatch {
public:
  explicit NetworkWatch(const Clock& clock = system_clock()) : clock_(clock) {}

  /// More networks than `most` within an hour are too many; 0: none ever are.
  void configure(unsigned most);
  /// A login that succeeded. Gives the number of networks when that are too many, and begins anew; else 0. `address` is
  /// text: IPv4 counts by 24 bits, IPv6 by 48 (RFC 6177: what a site usually has); what is no address is one network.
  unsigned note(store::Id account, const std::string& address);
  void forget(store::Id account);

private:
  using Seen = std::unordered_map<std::string, Instant>; ///< networks, and when last
  void make_room(Instant now);

  const Clock& clock_;
  std::mutex mutex_;
  unsigned most_ = 0;
  std::unordered_map<store::Id, Seen> accounts_;
};

inline constexpr std::chrono::hours kNetworksWithin{1};

} // namespace paquebot::directory
