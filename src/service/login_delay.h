#pragma once

#include "base/clock.h"
#include "store/types.h"

#include <chrono>
#include <mutex>
#include <unordered_map>

namespace paquebot::service {

/// When each account last opened its mailbox over POP3, for LOGIN-DELAY (RFC 2449 section 6.5). In memory: a restart
/// forgets it. At most kMost accounts are remembered; beyond that the oldest third is forgotten. Thread-safe.
class LoginDelay {
public:
  static constexpr std::size_t kMost = 100'000;

  /// Whether the account may log in now: its last opened() was at least `delay` ago.
  bool may(store::Id account, std::chrono::seconds delay, Instant now);
  void opened(store::Id account, Instant now);

private:
  void make_room();

  std::mutex mutex_;
  std::unordered_map<store::Id, Instant> last_;
};

} // namespace paquebot::service
