#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace paquebot::store {

/// How long this disk takes for a sync by itself, as the small commits show: the shortest of the last 64 to 128, since
/// what others write at the time, or who else wants the processor, only ever adds to it. One thread measures, any
/// reads.
class SyncPace {
public:
  void took(std::chrono::microseconds commit);
  /// Zero before the first.
  std::chrono::microseconds quickest() const;

private:
  static constexpr int kWindow = 64;
  static constexpr std::int64_t kNone = INT64_MAX;
  int seen_ = 0;                ///< in the window
  std::int64_t now_ = kNone;    ///< of the window that is being filled
  std::int64_t before_ = kNone; ///< of the one before
  std::atomic<std::int64_t> quickest_ = kNone;
};

/// Pages that the log of large bodies may hold before it is moved into its file, from 32 up to `most`. Small commits
/// wait behind the syncs of that move, so on a quick disk it is done in small steps; each step costs two syncs, so
/// where these are slow in themselves the steps are larger.
int log_step(std::chrono::microseconds quickest_sync, int most);

} // namespace paquebot::store
