#include "queue/schedule.h"

#include <algorithm>

namespace paquebot::queue {

std::chrono::milliseconds retry_after(const Schedule& schedule, std::uint32_t attempts, std::uint32_t random) {
  std::int64_t wait = std::chrono::milliseconds(schedule.first).count();
  std::int64_t most = std::chrono::milliseconds(schedule.most).count();
  for (std::uint32_t i = 1; i < attempts && wait < most; ++i) wait *= 2;
  wait = std::clamp<std::int64_t>(wait, 1, std::max<std::int64_t>(most, 1));
  // Jitter keeps messages that failed together from coming back together.
  std::int64_t span = wait / 5;
  std::int64_t moved = wait - span / 2 + (span > 0 ? static_cast<std::int64_t>(random) % (span + 1) : 0);
  return std::chrono::milliseconds(moved);
}

} // namespace paquebot::queue
