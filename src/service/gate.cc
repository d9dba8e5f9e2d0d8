#include "service/gate.h"

#include <algorithm>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string_view>
#include <vector>

namespace paquebot::service {
namespace {

constexpr unsigned kSiteFactor = 4; // RFC 6177: what a site gets is a /48, or less

struct CountedAs {
  std::string key;
  unsigned factor = 1; ///< of the bound for an address
};

/// What an address counts for.
std::vector<CountedAs> counted_as(const std::string& address) {
  in6_addr six{};
  const std::string plain = address.substr(0, address.find('%')); // a link-local one has its zone behind it
  if (::inet_pton(AF_INET6, plain.c_str(), &six) != 1 || IN6_IS_ADDR_V4MAPPED(&six)) return {{"a" + address, 1}};
  const std::string octets(reinterpret_cast<const char*>(six.s6_addr), sizeof six.s6_addr);
  return {{"6" + octets.substr(0, 8), 1}, {"s" + octets.substr(0, 6), kSiteFactor}};
}

} // namespace

unsigned Gate::most(const GateLimits& limits, Guest guest) {
  switch (guest) {
    case Guest::stranger: return limits.total - limits.total / 5;
    case Guest::user: return limits.total - limits.total / 10;
    case Guest::known: break;
  }
  return limits.total;
}

bool Gate::in_reserve(const GateLimits& limits) const {
  const std::lock_guard lock(mutex_);
  return total_ >= most(limits, Guest::stranger);
}

Gate::Verdict Gate::enter(const std::string& address, const GateLimits& limits, Guest guest) {
  const std::vector<CountedAs> all = counted_as(address);
  const std::lock_guard lock(mutex_);
  if (total_ >= most(limits, guest)) return Verdict::full;
  for (const CountedAs& one : all) {
    const auto known = counts_.find(one.key);
    const unsigned long long bound = 1ull * limits.per_address * one.factor;
    if (known != counts_.end() && known->second >= bound) return Verdict::too_many;
  }
  for (const CountedAs& one : all) ++counts_[one.key];
  ++total_;
  return Verdict::welcome;
}

void Gate::leave(const std::string& address) {
  const std::vector<CountedAs> all = counted_as(address);
  const std::lock_guard lock(mutex_);
  if (!counts_.contains(all.front().key)) return;
  --total_;
  for (const CountedAs& one : all)
    if (const auto entry = counts_.find(one.key); entry != counts_.end() && --entry->second == 0) counts_.erase(entry);
}

unsigned Gate::total() const {
  std::lock_guard lock(mutex_);
  return total_;
}

} // namespace paquebot::service
