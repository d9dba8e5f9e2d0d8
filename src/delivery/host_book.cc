#include "delivery/host_book.h"

#include <algorithm>

namespace paquebot::delivery {
namespace {

constexpr auto kRemembered = std::chrono::hours(1);
constexpr unsigned kStrikes = 2;

} // namespace

HostBook::Host& HostBook::note(const std::string& address, const mail::Told& why, Time now) {
  if (hosts_.size() >= most_ && !hosts_.contains(address)) {
    std::erase_if(hosts_, [&](const auto& one) { return one.second.since + kRemembered <= now; });
    if (hosts_.size() >= most_)
      hosts_.erase(std::ranges::min_element(hosts_, {}, [](const auto& one) { return one.second.since; }));
  }
  Host& host = hosts_[address];
  if (host.since + kRemembered <= now || (host.rest_until != Time() && host.rest_until <= now)) host = {};
  host.since = now;
  host.why = why;
  return host;
}

void HostBook::broke_off(const std::string& address, unsigned strikes, const mail::Told& why, Time now,
                         Time rest_until) {
  Host& host = note(address, why, now);
  host.strikes += strikes;
  if (host.strikes >= kStrikes) host.rest_until = rest_until;
}

void HostBook::turned_away(const std::string& address, const mail::Told& why, Time now, Time rest_until) {
  note(address, why, now).rest_until = rest_until;
}

void HostBook::wake_all() {
  for (auto& [address, host] : hosts_) {
    host.rest_until = {};
    host.strikes = 0;
  }
}

std::optional<mail::Told> HostBook::resting(const std::string& address, Time now) const {
  const auto host = hosts_.find(address);
  if (host == hosts_.end() || host->second.rest_until <= now) return std::nullopt;
  return host->second.why;
}

bool HostBook::doubtful(const std::string& address, Time now) const {
  const auto host = hosts_.find(address);
  return host != hosts_.end() && host->second.since + kRemembered > now;
}

} // namespace paquebot::delivery
