#include "service/login_delay.h"

#include <algorithm>
#include <vector>

namespace paquebot::service {

bool LoginDelay::may(store::Id account, std::chrono::seconds delay, Instant now) {
  if (delay.count() <= 0) return true;
  const std::lock_guard lock(mutex_);
  const auto found = last_.find(account);
  return found == last_.end() || now - found->second >= delay;
}

void LoginDelay::opened(store::Id account, Instant now) {
  const std::lock_guard lock(mutex_);
  if (last_.size() >= kMost && !last_.contains(account)) make_room();
  last_[account] = now;
}

void LoginDelay::make_room() {
  std::vector<Instant> times;
  times.reserve(last_.size());
  for (const auto& [account, time] : last_) times.push_back(time);
  const auto third = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 3);
  std::ranges::nth_element(times, third);
  const Instant limit = *third;
  std::erase_if(last_, [limit](const auto& entry) { return entry.second <= limit; });
}

} // namespace paquebot::service
