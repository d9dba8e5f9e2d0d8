#include "policy/relay_rates.h"

#include "base/text.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

namespace paquebot::policy {
namespace {

constexpr std::int64_t kHourMillis = 3600LL * 1000;

/// As over_limit() says it of an account.
mail::Reply over(const std::string& address, std::uint32_t most, const char* what, std::int64_t hour) {
  const auto until = static_cast<std::time_t>((hour + 1) * kHourMillis / 1000);
  return {452,
          {4, 7, 1},
          fmt::format("the limit of {} is {} {} an hour, {} used: try again after {:%Y-%m-%d %H:%M} UTC",
                      printable(address, 64), most, what, most, fmt::gmtime(until))};
}

} // namespace

mail::Reply RelayRates::count(const std::string& address, const RelayLimits& limits, bool first) {
  if (limits.messages_per_hour == 0 && limits.recipients_per_hour == 0) return {};
  const std::int64_t hour = millis(clock_.wall()) / kHourMillis;
  const std::lock_guard lock(mutex_);
  if (hour != hour_ || (counts_.size() >= kAddresses && !counts_.contains(address))) counts_.clear();
  hour_ = hour;
  Count& counted = counts_[address];
  if (first && limits.messages_per_hour != 0 && counted.messages >= limits.messages_per_hour)
    return over(address, limits.messages_per_hour, "messages", hour);
  if (limits.recipients_per_hour != 0 && counted.recipients >= limits.recipients_per_hour)
    return over(address, limits.recipients_per_hour, "recipients", hour);
  if (first) ++counted.messages;
  ++counted.recipients;
  return {};
}

} // namespace paquebot::policy
