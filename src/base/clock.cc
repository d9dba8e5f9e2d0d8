#include "base/clock.h"

#include "base/simulation.h"

namespace paquebot {
namespace {

class SystemClock final : public Clock {
public:
  Instant now() const override { return std::chrono::steady_clock::now(); }
  WallTime wall() const override {
    return std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
  }
};

} // namespace

const Clock& system_clock() {
  static const SystemClock clock;
  const Clock* other = simulated().clock;
  return other == nullptr ? clock : *other;
}

} // namespace paquebot
