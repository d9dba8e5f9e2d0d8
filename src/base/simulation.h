#pragma once

#include "base/clock.h"

#include <boost/asio/io_context.hpp>
#include <cstdint>

namespace paquebot {

/// While one lives, the process lives in simulated time: system_clock() is `clock`, and random_bytes() draws from a
/// sequence that `seed` determines, so that the same run can be had again. For tests only: nothing that is drawn is a
/// secret. One at a time, made before and gone after everything that asks; no second thread may ask meanwhile.
class Simulation {
public:
  Simulation(const Clock& clock, std::uint64_t seed);
  ~Simulation();
  Simulation(const Simulation&) = delete;
  Simulation& operator=(const Simulation&) = delete;
};

/// After its clock has moved: the timers of `io` (base/timer.h) that are over by it end at the next poll(). The
/// system's own wake-up was set by the time that was left when they were set.
void wake_timers(boost::asio::io_context& io);

/// What a simulation puts in place of the system (read by clock.cc and random.cc); null or nothing without one.
struct Simulated {
  const Clock* clock = nullptr;
  std::uint64_t state = 0; ///< of the sequence of random numbers
};
Simulated& simulated();

} // namespace paquebot
