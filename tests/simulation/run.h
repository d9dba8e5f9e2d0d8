#pragma once

#include "world.h"

#include <string>
#include <vector>

namespace paquebot::simulation {

/// What came of a fortnight.
struct Ran {
  std::vector<std::string> broken;
  std::string trace; ///< the log of the server and the world, whole
  Ledger::Counts counts;
  World::Figures figures;
  double seconds = 0; ///< real ones
};

/// Runs a world in a directory of its own, in memory where the system has such a place, which is gone afterwards: but
/// the trace is kept as `keep`/trace-SEED when `keep` is not empty.
Ran run_world(WorldOptions options, const std::string& keep);

/// "lost-outcome", "late-cancel", "double-claim"; nothing else is one.
Planted planted_named(const std::string& name);
/// A line for people, and what was broken.
std::string describe(std::uint64_t seed, const Ran& ran);
/// The first lines in which two traces differ; empty: they do not.
std::string difference(const Ran& one, const Ran& other);

} // namespace paquebot::simulation
