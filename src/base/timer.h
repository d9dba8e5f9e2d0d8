#pragma once

#include "base/clock.h"

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/io_context.hpp>

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

/// When a timer that is set for `at` ends: then. In a Simulation, which learns of it here, not before its clock has
/// moved.
Instant end_of_timer(Instant at);

/// The timer for all that waits: it ends by system_clock(), so that a process can live in simulated time.
class Timer : public boost::asio::basic_waitable_timer<MonotonicClock> {
public:
  using Plain = boost::asio::basic_waitable_timer<MonotonicClock>;

  explicit Timer(const executor_type& where) : Plain(where) {}
  Timer(const executor_type& where, Instant at) : Plain(where, end_of_timer(at)) {}
  Timer(const executor_type& where, duration after) : Timer(where, MonotonicClock::now() + after) {}
  explicit Timer(boost::asio::io_context& where) : Timer(executor_type(where.get_executor())) {}
  Timer(boost::asio::io_context& where, Instant at) : Timer(executor_type(where.get_executor()), at) {}
  Timer(boost::asio::io_context& where, duration after) : Timer(executor_type(where.get_executor()), after) {}

  std::size_t expires_at(Instant at) { return Plain::expires_at(end_of_timer(at)); }
  std::size_t expires_after(duration after) { return expires_at(MonotonicClock::now() + after); }
};

} // namespace paquebot
