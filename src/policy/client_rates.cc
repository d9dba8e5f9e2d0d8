#include "policy/client_rates.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>

namespace paquebot::policy {
namespace {

constexpr std::size_t kMost = 16384; ///< entries, some 250 octets each
constexpr std::chrono::seconds kMinute{60};
constexpr std::chrono::seconds kHour{3600};
/// What an IPv4 address in the form of IPv6 begins with (RFC 4291 section 2.5.5.2).
constexpr std::string_view kMapped("\0\0\0\0\0\0\0\0\0\0\xFF\xFF", 12);

} // namespace

std::string network_of(std::string_view address, bool wide) {
  const std::string text(address.substr(0, 64));
  std::array<char, 16> octets{};
  if (inet_pton(AF_INET, text.c_str(), octets.data()) == 1) return "4" + std::string(octets.data(), 3);
  if (inet_pton(AF_INET6, text.c_str(), octets.data()) != 1) return text;
  const std::string_view all(octets.data(), octets.size());
  if (all.starts_with(kMapped)) return "4" + std::string(all.substr(kMapped.size(), 3));
  return "6" + std::string(all.substr(0, wide ? 6 : 8));
}

ClientRates::Entry& ClientRates::entry(std::string key) {
  const auto found = index_.find(key);
  if (found != index_.end()) {
    order_.splice(order_.begin(), order_, found->second);
    return found->second->second;
  }
  if (order_.size() >= kMost) {
    index_.erase(order_.back().first);
    order_.pop_back();
  }
  order_.emplace_front(key, Entry{});
  index_.emplace(std::move(key), order_.begin());
  return order_.front().second;
}

/// True when it is more than `most` now, and then it is not counted: who goes on trying is not shut out for ever.
bool ClientRates::add(Count& count, double what, double most, std::chrono::seconds window) const {
  const Instant now = clock_.now();
  const double passed = std::chrono::duration<double>(now - count.counted).count();
  count.value = std::max(0.0, count.value - passed * most / static_cast<double>(window.count()));
  count.counted = now;
  if (count.value + what > most) return true;
  count.value += what;
  return false;
}

/// An address of IPv6 is a /64, since each subscriber has one. What is refused to the address is not the network's
/// doing.
template <class F>
bool ClientRates::both(const std::string& address, F over) {
  const bool six = address.find(':') != std::string::npos;
  return over(entry("a" + (six ? network_of(address) : address.substr(0, 64))), 1u) ||
         over(entry("n" + network_of(address, true)), kNetworkFactor);
}

std::chrono::seconds ClientRates::connected(const std::string& address, const RateLimits& limits) {
  const std::lock_guard lock(mutex_);
  const Instant now = clock_.now();
  Instant until = now;
  both(address, [&](Entry& one, unsigned factor) {
    const unsigned most = limits.connections_per_minute * factor;
    if (most > 0 && now >= one.refused_until && add(one.connections, 1, most, kMinute))
      one.refused_until = now + limits.refused_for;
    until = std::max(until, one.refused_until);
    return until > now;
  });
  return std::chrono::ceil<std::chrono::seconds>(until - now);
}

bool ClientRates::message(const std::string& address, const RateLimits& limits) {
  if (limits.messages_per_hour == 0) return true;
  const std::lock_guard lock(mutex_);
  return !both(address, [&](Entry& one, unsigned factor) {
    return add(one.messages, 1, limits.messages_per_hour * factor, kHour);
  });
}

bool ClientRates::fault(const std::string& address, unsigned count, const RateLimits& limits) {
  if (limits.faults_per_hour == 0 || count == 0) return false;
  const std::lock_guard lock(mutex_);
  return both(address, [&](Entry& one, unsigned factor) {
    const unsigned most = limits.faults_per_hour * factor;
    const bool over = add(one.faults, std::min(count, most), most, kHour);
    if (over) one.refused_until = clock_.now() + limits.refused_for;
    return over;
  });
}

} // namespace paquebot::policy
