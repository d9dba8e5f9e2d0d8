#include "policy/attempts.h"

#include <utility>

namespace paquebot::policy {
namespace {

void bound(std::string& text, std::size_t most) {
  if (text.size() > most) text.resize(most);
  text.shrink_to_fit();
}

constexpr std::size_t kMostClient = 64; ///< octets of an address, a path of a local socket among them

} // namespace

std::string Attempts::key_of(const Attempt& attempt) {
  std::string key = attempt.client;
  key += '\0';
  key += std::to_string(attempt.port) + "." + std::to_string(static_cast<unsigned>(attempt.what));
  key += '\0';
  key += attempt.name;
  key += '\0';
  key += attempt.mechanism;
  return key;
}

void Attempts::drop_oldest() {
  const auto last = std::prev(order_.end());
  const auto client = clients_.find(last->attempt.client);
  if (client != clients_.end() && --client->second == 0) clients_.erase(client);
  index_.erase(last->key);
  order_.erase(last);
}

void Attempts::add(Attempt attempt) {
  bound(attempt.client, kMostClient);
  bound(attempt.name, kMostName);
  bound(attempt.mechanism, kMostMechanism);
  bound(attempt.why, kMostWhy);
  const std::lock_guard lock(mutex_);
  const auto known = clients_.find(attempt.client);
  if (known != clients_.end() && known->second >= kMostOfOne) attempt.name.clear();
  std::string key = key_of(attempt);
  attempt.number = ++number_;
  attempt.times = 1;
  if (const auto found = index_.find(key); found != index_.end()) {
    attempt.times = found->second->attempt.times + 1;
    found->second->attempt = std::move(attempt);
    order_.splice(order_.begin(), order_, found->second);
    return;
  }
  ++clients_[attempt.client];
  order_.push_front({std::move(attempt), key});
  index_.emplace(std::move(key), order_.begin());
  if (order_.size() > most_) drop_oldest();
}

std::vector<Attempt> Attempts::find(std::uint64_t after, std::size_t most,
                                    const std::function<bool(const Attempt&)>& wanted) const {
  std::vector<Attempt> found;
  const std::lock_guard lock(mutex_);
  for (const Kept& kept : order_) {
    if (kept.attempt.number <= after || found.size() >= most) break;
    if (wanted(kept.attempt)) found.push_back(kept.attempt);
  }
  return found;
}

std::uint64_t Attempts::last() const {
  const std::lock_guard lock(mutex_);
  return number_;
}

std::size_t Attempts::size() const {
  const std::lock_guard lock(mutex_);
  return order_.size();
}

} // namespace paquebot::policy
