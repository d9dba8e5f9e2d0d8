#pragma once

#include "base/clock.h"

#include <atomic>

namespace paquebot {

/// A clock that moves only when told, for tests. Thread-safe. Starts at an arbitrary monotonic
/// instant and at 2026-01-01 00:00:00 UTC.
class FakeClock final : public Clock {
public:
  Instant now() const override { return Instant(std::chrono::nanoseconds(now_.load())); }
  WallTime wall() const override { return from_millis(wall_.load()); }

  /// Moves both clocks forward.
  void advance(std::chrono::nanoseconds by) {
    now_ += by.count();
    wall_ += std::chrono::duration_cast<std::chrono::milliseconds>(by).count();
  }
  void set_now(Instant t) { now_ = std::chrono::duration_cast<std::chrono::nanoseconds>(t.time_since_epoch()).count(); }
  /// The wall clock may step in either direction, as a real one does.
  void set_wall(WallTime t) { wall_ = millis(t); }

private:
  std::atomic<std::int64_t> now_{1'000'000'000'000};
  std::atomic<std::int64_t> wall_{1'767'225'600'000};
};

} // namespace paquebot
