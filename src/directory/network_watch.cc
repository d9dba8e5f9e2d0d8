#include "directory/network_watch.h"

#include <algorithm>
#include <arpa/inet.h>

namespace paquebot::directory {
namespace {

constexpr std::size_t kMostAccounts = 20'000;

std::string watched_network_of(const std::string& address) {
  in_addr four{};
  if (inet_pton(AF_INET, address.c_str(), &four) == 1) return {reinterpret_cast<const char*>(&four), 3};
  in6_addr six{};
  if (inet_pton(AF_INET6, address.c_str(), &six) == 1) return {reinterpret_cast<const char*>(&six), 6};
  return {};
}

} // namespace

void NetworkWatch::configure(unsigned most) {
  const std::lock_guard lock(mutex_);
  most_ = most;
  if (most_ == 0) accounts_.clear();
}

unsigned NetworkWatch::note(store::Id account, const std::string& address) {
  const std::lock_guard lock(mutex_);
  if (most_ == 0) return 0;
  const Instant now = clock_.now();
  if (!accounts_.contains(account)) make_room(now);
  Seen& seen = accounts_[account];
  seen[watched_network_of(address)] = now;
  if (seen.size() <= most_) return 0;
  std::erase_if(seen, [now](const auto& one) { return now - one.second >= kNetworksWithin; });
  const auto count = static_cast<unsigned>(seen.size());
  if (count <= most_) return 0;
  accounts_.erase(account);
  return count;
}

void NetworkWatch::forget(store::Id account) {
  const std::lock_guard lock(mutex_);
  accounts_.erase(account);
}

/// When there are too many accounts, those go whose networks were all seen long ago; then all.
void NetworkWatch::make_room(Instant now) {
  if (accounts_.size() < kMostAccounts) return;
  const auto long_ago = [now](const auto& one) { return now - one.second >= kNetworksWithin; };
  std::erase_if(accounts_, [&](const auto& account) { return std::ranges::all_of(account.second, long_ago); });
  if (accounts_.size() >= kMostAccounts) accounts_.clear();
}

} // namespace paquebot::directory
