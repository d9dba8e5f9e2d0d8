#pragma once

#include "base/clock_trust.h"
#include "base/task.h"
#include "store/upkeep.h"

#include <atomic>
#include <string>

namespace paquebot::service {

/// Keeps ClockTrust and the store together: the heartbeat is written down each minute while the wall clock is believed,
/// and log and status say when it is not. Use from one executor; confirm() and status() from any.
class ClockKeeper {
public:
  /// Both must outlive it.
  ClockKeeper(store::Upkeep& store, ClockTrust& trust) : store_(store), trust_(trust) {}

  /// To be called every half second or so. Begins with what the last run left: until that could be read, nothing is
  /// old.
  Task<void> tick();
  /// An operator says that the clock is right.
  Task<Result<>> confirm();
  /// True once after a heartbeat was written that is earlier than the one before: that one was of a clock that was
  /// ahead, and what was put off by it must be looked at again.
  bool went_back() { return went_back_.exchange(false); }
  /// A JSON object for the status.
  std::string status() const;

private:
  Task<bool> begin();
  Task<Result<>> keep(ClockTrust::Kept kept);
  void tell();

  store::Upkeep& store_;
  ClockTrust& trust_;
  bool begun_ = false;
  bool doubted_ = false;                  ///< as it was told last
  std::atomic<bool> kept_doubt_ = false;  ///< the setting is there
  std::atomic<std::int64_t> written_ = 0; ///< the heartbeat in the store
  std::atomic<bool> went_back_ = false;
  Instant beat_at_{};
};

} // namespace paquebot::service
