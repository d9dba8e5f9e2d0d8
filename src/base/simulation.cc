#include "base/simulation.h"

#include "base/timer.h"

#include <cassert>
#include <memory>

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

void wake_timers(boost::asio::io_context& io) {
  // One that is over when it is set has the system wake at once, and then all are looked at.
  auto over = std::make_shared<Timer>(io, Instant::min());
  over->async_wait([over](const boost::system::error_code&) {});
}

} // namespace paquebot
