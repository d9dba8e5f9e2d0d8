#pragma once

#include <chrono>

namespace paquebot {

/// Monotonic instant: retries, deadlines, back-off. Never compared across restarts.
using Instant = std::chrono::steady_clock::time_point;
/// Calendar time in milliseconds since 1970 UTC: what is stored and shown.
using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;

/// The only door to the time. Tests use FakeClock (fake_clock.h).
class Clock {
public:
  virtual ~Clock() = default;
  virtual Instant now() const = 0;
  virtual WallTime wall() const = 0;
  /// By this time mail may be deleted, returned or forgotten because it is old: wall(), unless there is reason to doubt
  /// that (ClockTrust). Never later than wall().
  virtual WallTime settled() const { return wall(); }
};

/// The system's clocks, or in their place those of a Simulation. Thread-safe, lives for the whole process.
const Clock& system_clock();

/// Milliseconds since 1970 UTC, as stored.
inline std::int64_t millis(WallTime t) { return t.time_since_epoch().count(); }
inline WallTime from_millis(std::int64_t ms) { return WallTime(std::chrono::milliseconds(ms)); }

} // namespace paquebot
