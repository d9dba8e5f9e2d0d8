#pragma once

#include "base/clock.h"

#include <boost/asio/basic_waitable_timer.hpp>

namespace paquebot {

/// The monotonic clock as the library of timers wants it: what system_clock() tells.
struct MonotonicClock {
  using duration = Instant::duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = Instant;
  static constexpr bool is_steady = true;
  static time_point now() { return system_clock().now(); }
};

/// The timer for all that waits: it ends by system_clock(), so that a process can live in simulated time.
using Timer = boost::asio::basic_waitable_timer<MonotonicClock>;

} // namespace paquebot
