#include "service/gate.h"

namespace paquebot::service {

Gate::Verdict Gate::enter(const std::string& address, const GateLimits& limits) {
  std::lock_guard lock(mutex_);
  if (total_ >= limits.total) return Verdict::full;
  unsigned& count = by_address_[address];
  if (count >= limits.per_address) return Verdict::too_many;
  ++count;
  ++total_;
  return Verdict::welcome;
}

void Gate::leave(const std::string& address) {
  std::lock_guard lock(mutex_);
  auto entry = by_address_.find(address);
  if (entry == by_address_.end()) return;
  --total_;
  if (--entry->second == 0) by_address_.erase(entry);
}

unsigned Gate::total() const {
  std::lock_guard lock(mutex_);
  return total_;
}

} // namespace paquebot::service
