#include "metrics/hours.h"

#include "metrics/counters.h"

#include <algorithm>

namespace paquebot::metrics {
namespace {

constexpr std::int64_t kHourMs = 3'600'000;

template <class Family>
std::uint64_t sum_of(const Family& family) {
  std::uint64_t all = 0;
  for (std::size_t i = 0; i < Family::kSize; ++i) all += total_of(family.first + i);
  return all;
}

std::uint64_t sum_of(DeliveryResult result) {
  std::uint64_t all = 0;
  for (std::size_t tls = 0; tls < LabelOf<DeliveryTls>::words.size(); ++tls)
    all += total_of(deliveries.first + detail::place_of(result, static_cast<DeliveryTls>(tls)));
  return all;
}

Hour totals() {
  return {.at = 0,
          .accepted = sum_of(accepted),
          .delivered = sum_of(delivered),
          .relayed = sum_of(DeliveryResult::relayed),
          .deferred = sum_of(DeliveryResult::deferred),
          .failed = sum_of(DeliveryResult::failed),
          .refused = sum_of(refused)};
}

std::int64_t hour_of(std::int64_t now) { return now - now % kHourMs; }

std::size_t place_for(std::int64_t at) { return static_cast<std::size_t>(at / kHourMs) % Hours::kMost; }

} // namespace

Hours::Hours(std::int64_t now) : since_(now), before_(totals()) {}

void Hours::note(std::int64_t now) {
  const std::scoped_lock lock(mutex_);
  const Hour all = totals();
  Hour& hour = hours_[place_for(hour_of(now))];
  if (hour.at != hour_of(now)) hour = {.at = hour_of(now)};
  for (const auto member :
       {&Hour::accepted, &Hour::delivered, &Hour::relayed, &Hour::deferred, &Hour::failed, &Hour::refused})
    hour.*member += all.*member - before_.*member;
  before_ = all;
}

std::vector<Hour> Hours::last(std::size_t most, std::int64_t now) {
  note(now);
  const std::scoped_lock lock(mutex_);
  std::vector<Hour> all;
  const auto count = static_cast<std::int64_t>(std::min(most, kMost));
  for (std::int64_t back = count - 1; back >= 0; --back) {
    const std::int64_t at = hour_of(now) - back * kHourMs;
    const Hour& kept = hours_[place_for(at)];
    all.push_back(kept.at == at ? kept : Hour{.at = at});
  }
  return all;
}

} // namespace paquebot::metrics
