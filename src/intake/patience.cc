#include "intake/patience.h"

#include <algorithm>

namespace paquebot::intake {

void Patience::make_room(Instant now) {
  std::erase_if(seen_, [&](const auto& one) { return now - one.second.last > kForgotten; });
  if (seen_.size() < kMost) return;
  // Who has waited longest stays: a stranger who makes up names must not make an honest one begin anew.
  const auto youngest = std::ranges::max_element(seen_, {}, [](const auto& one) { return one.second.first; });
  seen_.erase(youngest);
}

bool Patience::is_over(std::string who, Instant now) {
  if (who.size() > kMostOctets) who.resize(kMostOctets);
  const std::lock_guard lock(mutex_);
  auto found = seen_.find(who);
  if (found != seen_.end() && now - found->second.last > kForgotten) {
    seen_.erase(found);
    found = seen_.end();
  }
  if (found == seen_.end()) {
    if (seen_.size() >= kMost) make_room(now);
    found = seen_.emplace(std::move(who), Seen{now, now}).first;
  }
  found->second.last = now;
  return now - found->second.first > kLong;
}

} // namespace paquebot::intake
