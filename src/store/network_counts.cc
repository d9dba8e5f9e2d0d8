#include "store/network_counts.h"

#include <algorithm>

namespace paquebot::store {
namespace {

constexpr std::size_t kMostAccounts = 20'000;
constexpr std::size_t kMostNetworks = 1000; // of one account: more than any bound that somebody sets

} // namespace

unsigned NetworkCounts::note(Id account, const std::string& network, std::chrono::seconds within) {
  const std::lock_guard lock(mutex_);
  const Instant now = clock_.now();
  if (!accounts_.contains(account)) make_room(now, within);
  Seen& seen = accounts_[account];
  std::erase_if(seen, [now, within](const auto& one) { return now - one.second >= within; });
  if (seen.size() < kMostNetworks || seen.contains(network)) seen[network] = now;
  return static_cast<unsigned>(seen.size());
}

void NetworkCounts::forget(Id account) {
  const std::lock_guard lock(mutex_);
  accounts_.erase(account);
}

/// When there are too many accounts, those go whose networks were all seen long ago; then all.
void NetworkCounts::make_room(Instant now, std::chrono::seconds within) {
  if (accounts_.size() < kMostAccounts) return;
  const auto long_ago = [now, within](const auto& one) { return now - one.second >= within; };
  std::erase_if(accounts_, [&](const auto& account) { return std::ranges::all_of(account.second, long_ago); });
  if (accounts_.size() >= kMostAccounts) accounts_.clear();
}

} // namespace paquebot::store
