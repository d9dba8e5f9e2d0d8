#include "base/simulation.h"

#include "base/timer.h"

#include <algorithm>
#include <cassert>
#include <memory>
#include <utility>

namespace paquebot {

Simulated& simulated() {
  static Simulated value;
  return value;
}

Simulation::Simulation(const Clock& clock, std::uint64_t seed) {
  assert(simulated().clock == nullptr && "one simulation at a time");
  simulated() = {&clock, seed};
}

Simulation::~Simulation() { simulated() = {}; }

/// One that is over when it is set would end whenever the system comes by: after things that happen at the same time,
/// or before them. So it ends with the next move of the clock.
Instant end_of_timer(Instant at) {
  if (simulated().clock == nullptr || at == Instant::max()) return at;
  at = std::max(at, simulated().clock->now() + Instant::duration(1));
  note_timer(at);
  return at;
}

void note_timer(Instant at) { simulated().timers.push(at); }

std::optional<Instant> next_timer() {
  auto& timers = simulated().timers;
  const Instant now = simulated().clock->now();
  while (!timers.empty() && timers.top() <= now) timers.pop();
  if (timers.empty()) return std::nullopt;
  return timers.top();
}

void wake_timers(boost::asio::io_context& io, std::function<void()> then) {
  // One that is over when it is set has the system wake at once, and then all are looked at.
  auto over = std::make_shared<Timer::Plain>(io, Instant::min());
  over->async_wait([over, then = std::move(then)](const boost::system::error_code&) { then(); });
}

} // namespace paquebot
