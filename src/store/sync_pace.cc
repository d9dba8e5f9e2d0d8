#include "store/sync_pace.h"

#include <algorithm>
#include <utility>

namespace paquebot::store {
namespace {

constexpr std::int64_t kLeastPages = 32;   // 512 KiB
constexpr std::int64_t kPagesAMilli = 256; // 4 MiB: about what a disk with such syncs writes in as long

} // namespace

void SyncPace::took(std::chrono::microseconds commit) {
  now_ = std::min<std::int64_t>(now_, commit.count());
  if (++seen_ == kWindow) {
    seen_ = 0;
    before_ = std::exchange(now_, kNone);
  }
  quickest_.store(std::min(now_, before_), std::memory_order_relaxed);
}

std::chrono::microseconds SyncPace::quickest() const {
  const std::int64_t us = quickest_.load(std::memory_order_relaxed);
  return std::chrono::microseconds(us == kNone ? 0 : us);
}

int log_step(std::chrono::microseconds quickest_sync, int most) {
  const std::int64_t us = std::clamp<std::int64_t>(quickest_sync.count(), 0, 1'000'000);
  const std::int64_t pages = std::max(kLeastPages, us * kPagesAMilli / 1000);
  return static_cast<int>(std::min<std::int64_t>(pages, most));
}

} // namespace paquebot::store
