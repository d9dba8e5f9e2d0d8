#include "base/clock.h"

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
  return clock;
}

} // namespace paquebot
