#include "queue/schedule.h"

#include <algorithm>

namespace paquebot::queue {

namespace {

std::int64_t wait_of(const Schedule& schedule, std::uint32_t attempts) {
  std::int64_t wait = std::chrono::milliseconds(schedule.first).count();
  std::int64_t most = std::chrono::milliseconds(schedule.most).count();
  for (std::uint32_t i = 1; i < attempts && wait < most; ++i) wait *= 2;
  return std::clamp<std::int64_t>(wait, 1, std::max<std::int64_t>(most, 1));
}

} // namespace

std::chrono::milliseconds retry_after(const Schedule& schedule, std::uint32_t attempts, std::uint32_t random) {
  std::int64_t wait = wait_of(schedule, attempts);
  // Jitter keeps messages that failed together from coming back together.
  std::int64_t span = wait / 5;
  std::int64_t moved = wait - span / 2 + (span > 0 ? static_cast<std::int64_t>(random) % (span + 1) : 0);
  return std::chrono::milliseconds(moved);
}

std::int64_t retry_at(const Schedule& schedule, std::uint32_t attempts, std::uint32_t seed, std::int64_t now) {
  const std::int64_t wait = wait_of(schedule, attempts);
  const std::int64_t span = std::max<std::int64_t>(wait / 5, 1);
  // The moments at which this message may be due lie `span` apart: the next one of them.
  const std::int64_t earliest = now + wait - span / 2;
  const std::int64_t behind = (earliest - static_cast<std::int64_t>(seed) % span) % span;
  return behind == 0 ? earliest : earliest + span - behind;
}

} // namespace paquebot::queue
