#include "base/simulation.h"

#include <cassert>

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

} // namespace paquebot
