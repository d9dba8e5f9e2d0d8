#pragma once

#include "base/clock.h"

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <functional>
#include <optional>
#include <queue>
#include <vector>

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

/// After its clock has moved: the timers of `io` (base/timer.h) that are over by it end at the next poll(), or soon
/// after: the system's own wake-up was set by the time that was left when they were set. `then` is called when they
/// have; what they wake goes on behind it.
void wake_timers(boost::asio::io_context& io, std::function<void()> then = [] {});

/// When the first of all timers ends that were set and are not over, of whatever context: until then nothing happens by
/// itself. A timer that was cancelled may be told all the same. Nothing: none is set.
std::optional<Instant> next_timer();
/// The simulation has something to do itself then: next_timer() tells of it too.
void note_timer(Instant at);

/// What a simulation puts in place of the system (read by clock.cc and random.cc); null or nothing without one.
struct Simulated {
  const Clock* clock = nullptr;
  std::uint64_t state = 0;                                                     ///< of the sequence of random numbers
  std::priority_queue<Instant, std::vector<Instant>, std::greater<>> timers{}; ///< when those end that were set
};
Simulated& simulated();

} // namespace paquebot
