#pragma once

#include "base/clock.h"
#include "store/types.h"

#include <chrono>
#include <mutex>
#include <string>
#include <unordered_map>

namespace paquebot::store {

/// From how many networks each account logged in lately, of one process and since its start: for backends that are one
/// process's (Books::note_network). Bounded; thread-safe.
class NetworkCounts {
public:
  explicit NetworkCounts(const Clock& clock) : clock_(clock) {}

  unsigned note(Id account, const std::string& network, std::chrono::seconds within);
  void forget(Id account);

private:
  using Seen = std::unordered_map<std::string, Instant>; ///< networks, and when last
  void make_room(Instant now, std::chrono::seconds within);

  const Clock& clock_;
  std::mutex mutex_;
  std::unordered_map<Id, Seen> accounts_;
};

} // namespace paquebot::store
