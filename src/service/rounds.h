#pragma once

#include "base/clock.h"
#include "base/task.h"
#include "store/upkeep.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace paquebot::service {

/// What is done again and again.
struct Round {
  enum class By : std::uint8_t {
    each, ///< every node, for itself
    one,  ///< one node for all: whoever has the lease of this name (store::Upkeep::lease)
  };
  std::string name;
  std::chrono::milliseconds first{0}; ///< after the start
  std::chrono::milliseconds period;   ///< from the end of one to the beginning of the next, at least
  By by = By::each;
  std::function<Task<void>()> work;
  std::function<bool()> urged{}; ///< asked in each turn: it is due at once, whatever the time
};

/// A table of rounds, of which those that are due are made in its order, one after the other. Use on one executor.
class Rounds {
public:
  /// How long a node has the lease of what it does for all, unless it asks again.
  static constexpr std::chrono::seconds kLease{60};

  /// `store` and `clock` must outlive it, and so must what the rounds work with.
  Rounds(store::Upkeep& store, const Clock& clock, std::vector<Round> table);

  /// Makes those that are due now. What one throws is our own bug: logged, and it comes again in its time.
  Task<void> turn();
  /// Turns, with half a second between them, until `stopping` is set, which must outlive this.
  Task<void> run(const bool& stopping);

private:
  struct Entry {
    Round round;
    Instant due;
  };
  Task<bool> is_ours(const Round& round);
  Task<void> make(const Round& round);

  store::Upkeep& store_;
  const Clock& clock_;
  std::vector<Entry> table_;
};

} // namespace paquebot::service
