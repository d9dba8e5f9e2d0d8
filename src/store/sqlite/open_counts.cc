#include "store/sqlite/open_counts.h"

#include "base/text.h"

namespace paquebot::store::sqlite {
namespace {

constexpr std::chrono::minutes kForgotten{1};

} // namespace

void OpenCounts::attach(CheckPlace& point) {
  const std::size_t dash = point.after.rfind('-');
  const auto name =
      dash == std::string::npos ? std::nullopt : parse_u64(std::string_view(point.after).substr(dash + 1));
  if (point.counted || !name) return;
  const std::lock_guard lock(mutex_);
  const auto found = kept_.find(*name);
  if (found == kept_.end()) return;
  point.counted = std::move(found->second.counted);
  kept_.erase(found);
}

void OpenCounts::keep(CheckPlace& point, Instant now) {
  if (!point.counted) return;
  forget_old(now);
  const std::lock_guard lock(mutex_);
  if (kept_.size() >= kMost) kept_.erase(kept_.begin());
  point.after += "-" + std::to_string(++last_);
  kept_.emplace(last_, Kept{std::move(point.counted), now});
}

void OpenCounts::forget_old(Instant now) {
  const std::lock_guard lock(mutex_);
  std::erase_if(kept_, [now](const auto& one) { return now - one.second.since >= kForgotten; });
}

std::size_t OpenCounts::size() {
  const std::lock_guard lock(mutex_);
  return kept_.size();
}

} // namespace paquebot::store::sqlite
