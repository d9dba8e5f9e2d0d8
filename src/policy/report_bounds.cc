#include "policy/report_bounds.h"

#include "base/text.h"

#include <algorithm>

namespace paquebot::policy {
namespace {

constexpr auto kReportWindow = std::chrono::hours(1);
constexpr unsigned kReportsToAnAddress = 20;
constexpr unsigned kReportsToADomain = 100;
constexpr unsigned kForgedShare = 10;
constexpr unsigned kMostPutOff = 100;

char letter_of(Trust trust) {
  switch (trust) {
    case Trust::forged: return 'f';
    case Trust::unknown: return 'u';
    case Trust::vouched: break;
  }
  return 'v';
}

/// "a+b@c" is "a@c" to most servers.
std::string without_detail(std::string address) {
  const std::size_t at = address.rfind('@'), plus = address.find('+');
  if (at != std::string::npos && plus != 0 && plus < at) address.erase(plus, at - plus);
  return address;
}

} // namespace

ReportBounds::Count& ReportBounds::get(const std::string& key, Instant now) {
  if (counts_.size() >= most_ && !counts_.contains(key)) {
    std::erase_if(counts_, [&](const auto& one) { return one.second.since + kReportWindow <= now; });
    if (counts_.size() >= most_)
      counts_.erase(std::ranges::min_element(counts_, {}, [](const auto& one) { return one.second.since; }));
  }
  const auto [entry, made] = counts_.try_emplace(key, Count{now, 0, 0});
  if (!made && entry->second.since + kReportWindow <= now) entry->second = Count{now, 0, 0};
  return entry->second;
}

ReportBounds::Answer ReportBounds::beyond(Count& count, Trust trust, bool waiting) {
  if (trust != Trust::vouched) return Answer::enough;
  if (waiting) return Answer::wait;
  if (count.put_off >= kMostPutOff) return Answer::enough;
  ++count.put_off;
  return Answer::wait;
}

ReportBounds::Answer ReportBounds::ask(std::string_view address, Trust trust, bool known, bool waiting, Instant now) {
  const unsigned share = trust == Trust::forged ? kForgedShare : 1;
  const std::string key = letter_of(trust) + without_detail(to_lower(std::string(address)));
  Count& one = get(key, now);
  if (one.reports >= kReportsToAnAddress / share) return beyond(one, trust, waiting);
  if (const std::size_t at = key.rfind('@'); !known && at != std::string::npos) {
    Count& domain = get(key.substr(0, 1) + key.substr(at), now);
    if (domain.reports >= kReportsToADomain / share) return beyond(domain, trust, waiting);
    ++domain.reports;
  }
  ++get(key, now).reports; // the domain may have taken its place
  return Answer::go;
}

} // namespace paquebot::policy
