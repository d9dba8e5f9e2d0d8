#include "delivery/report_bounds.h"

#include "base/text.h"

#include <algorithm>

namespace paquebot::delivery {
namespace {

constexpr auto kReportWindow = std::chrono::hours(1);
constexpr unsigned kReportsToAnAddress = 20;
constexpr unsigned kReportsToADomain = 100;

} // namespace

ReportBounds::Count& ReportBounds::get(const std::string& key, Instant now) {
  if (counts_.size() >= most_ && !counts_.contains(key)) {
    std::erase_if(counts_, [&](const auto& one) { return one.second.since + kReportWindow <= now; });
    if (counts_.size() >= most_)
      counts_.erase(std::ranges::min_element(counts_, {}, [](const auto& one) { return one.second.since; }));
  }
  const auto [entry, made] = counts_.try_emplace(key, Count{now, 0});
  if (!made && entry->second.since + kReportWindow <= now) entry->second = Count{now, 0};
  return entry->second;
}

bool ReportBounds::allow(const std::string& address, bool known, Instant now) {
  const std::string key = to_lower(address);
  const std::size_t at = key.rfind('@');
  if (!known && at != std::string::npos) {
    Count& domain = get(key.substr(at), now);
    if (domain.reports >= kReportsToADomain) return false;
    ++domain.reports;
  }
  Count& one = get(key, now);
  if (one.reports >= kReportsToAnAddress) return false;
  ++one.reports;
  return true;
}

} // namespace paquebot::delivery
