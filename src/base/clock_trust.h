#pragma once

#include "base/clock.h"

#include <atomic>
#include <functional>
#include <mutex>
#include <optional>

namespace paquebot {

/// True when the kernel says that its wall clock is kept in step by NTP or the like (adjtimex); changes nothing. False
/// also when it can't be asked.
bool kernel_clock_synchronised();

/// The system's clocks, and whether the wall clock may be believed. It is doubted when it stands days away from the
/// last heartbeat that was written down, and when it parts from the monotonic clock within a run; then settled() stands
/// still, so that nothing grows old. It is believed again once it is back where it should be, when the kernel's clock
/// has been synchronised for 24 hours of our running, or when an operator says so. Thread-safe.
class ClockTrust final : public Clock {
public:
  /// How far the wall clock may have moved since the last heartbeat at a start: a server may rest over a weekend.
  static constexpr std::chrono::hours kMostRest{84};
  /// And how far it may part from the monotonic clock between two beats: a machine may sleep for a while.
  static constexpr std::chrono::hours kMostStep{24};
  static constexpr std::chrono::hours kSynchronisedFor{24};

  /// `clock` must outlive it; `synchronised` is asked at every beat in doubt.
  explicit ClockTrust(const Clock& clock, std::function<bool()> synchronised = kernel_clock_synchronised);

  Instant now() const override { return clock_.now(); }
  WallTime wall() const override;
  /// wall() while that is believed; in doubt the last time that was, if that is earlier; before begin() 1970.
  WallTime settled() const override;

  /// What outlives a run.
  struct Kept {
    std::int64_t heartbeat = 0;                ///< milliseconds since 1970; 0: none yet
    std::chrono::milliseconds synchronised{0}; ///< how long the clock has been so since it is doubted
    std::int64_t wall = 0;                     ///< in doubt: what the clock said, milliseconds since 1970; 0: not known
  };
  /// At the start, with what the last run left. Without a heartbeat there is nothing to compare with, and nothing to
  /// lose.
  void begin(const Kept& kept);
  /// Once a minute: what is to be kept now. In doubt the heartbeat stays as it was.
  Kept beat();
  /// An operator has looked: the wall clock is right. What is to be kept now.
  Kept confirm();

  /// True once after the wall clock was set back by more than a minute, behind a time that somebody got from wall():
  /// what they have put off by that must be looked at again.
  bool set_back();

  struct State {
    bool begun = false;
    bool trusted = false;
    std::int64_t believed = 0;         ///< the last wall time that was believed, milliseconds since 1970
    std::int64_t wall = 0;             ///< what the clock says
    bool synchronised = false;         ///< in doubt: what the kernel said at the last beat
    std::chrono::milliseconds left{0}; ///< in doubt: until it is believed again by itself, if it stays synchronised
  };
  State state() const;

private:
  void look() const;
  void believe(WallTime wall);
  bool parted(WallTime from, Instant since, std::chrono::milliseconds most) const;

  const Clock& clock_;
  const std::function<bool()> synchronised_;
  mutable std::atomic<std::int64_t> latest_{0}; ///< that wall() gave, milliseconds since 1970
  mutable std::mutex mutex_;
  bool begun_ = false;
  mutable bool trusted_ = false;
  WallTime base_{}; ///< the last time that was believed, and when that was
  Instant base_at_{};
  std::chrono::milliseconds most_{kMostRest}; ///< how far the wall clock may be from it
  // In doubt, of the last beat:
  std::chrono::milliseconds synchronised_for_{0};
  bool said_synchronised_ = false;
  WallTime beat_{};
  Instant beat_at_{};
};

} // namespace paquebot
