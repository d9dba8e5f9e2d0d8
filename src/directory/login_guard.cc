#include "directory/login_guard.h"

#include "base/text.h"

#include <algorithm>
#include <arpa/inet.h>

namespace paquebot::directory {
namespace {

constexpr std::size_t kMost = 8192; ///< entries of a table, at most some 500 octets each
constexpr std::size_t kMaxKey = 320;
constexpr std::size_t kEvents = 4;
constexpr std::chrono::milliseconds kFirstDelay{250};
constexpr std::chrono::milliseconds kMostDelay{8000};

/// A subscriber has 2^64 addresses of IPv6.
std::string network_of(const std::string& address) {
  in6_addr six{};
  if (inet_pton(AF_INET6, address.c_str(), &six) != 1) return address.substr(0, kMaxKey);
  return {reinterpret_cast<const char*>(&six), 8};
}

std::string key_of(const std::string& name) { return to_lower(name).substr(0, kMaxKey); }
std::string pair_of(const std::string& address, const std::string& name) {
  return network_of(address) + '\n' + key_of(name);
}

std::chrono::milliseconds delay_of(double value, unsigned limit) {
  const double begins = std::max(2.0, limit / 10.0);
  if (value <= begins) return {};
  const double doublings = std::min((value - begins - 1) * 10.0 / std::max(limit, 10u) * 2, 10.0);
  const auto delay = kFirstDelay * (1u << static_cast<unsigned>(std::max(doublings, 0.0)));
  return std::min<std::chrono::milliseconds>(delay, kMostDelay);
}

} // namespace

LoginGuard::LoginGuard(const Clock& clock, GuardLimits limits) : clock_(clock), limits_(limits) {}

void LoginGuard::configure(GuardLimits limits) {
  const std::lock_guard lock(mutex_);
  limits_ = limits;
}

LoginGuard::Score* LoginGuard::find(Table& table, const std::string& key) {
  const auto found = table.index.find(key);
  if (found == table.index.end()) return nullptr;
  table.order.splice(table.order.begin(), table.order, found->second);
  return &found->second->second;
}

LoginGuard::Score& LoginGuard::score(Table& table, const std::string& key) {
  if (Score* known = find(table, key)) return *known;
  if (table.index.size() >= kMost) {
    table.index.erase(table.order.back().first);
    table.order.pop_back();
  }
  table.order.emplace_front(key, Score{.counted = clock_.now()});
  table.index.emplace(key, table.order.begin());
  return table.order.front().second;
}

double LoginGuard::value(Score& score) const {
  const Instant now = clock_.now();
  const double minutes = std::chrono::duration<double, std::ratio<60>>(now - score.counted).count();
  score.value = std::max(0.0, score.value - std::max(0.0, minutes));
  score.counted = now;
  return score.value;
}

std::chrono::seconds LoginGuard::begin(const std::string& address, const std::string& name) {
  const std::lock_guard lock(mutex_);
  const Instant now = clock_.now();
  // Each is held against its own limit; a trusted pair only against the address's.
  const auto refuses = [&](Score& score, unsigned limit) {
    if (now < score.refused_until) return true;
    if (value(score) < limit) return false;
    score.refused_until = now + limits_.refused_for;
    score.value = limit / 2.0; // when that time is over, half as many more end in the same
    return true;
  };
  std::vector<Score*> counted;
  Score* refused = nullptr;
  Score* pair = name.empty() ? nullptr : find(pairs_, pair_of(address, name));
  if (pair != nullptr && pair->trusted) {
    if (refuses(*pair, limits_.per_address)) refused = pair;
    counted = {pair};
  } else {
    Score& whole = score(addresses_, network_of(address));
    if (refuses(whole, limits_.per_address)) refused = &whole;
    counted = {&whole};
    if (!name.empty()) {
      Score& one = score(names_, key_of(name));
      if (refuses(one, limits_.per_account)) refused = &one;
      counted.push_back(&one);
    }
  }
  if (refused != nullptr) return std::chrono::ceil<std::chrono::seconds>(refused->refused_until - now);
  for (Score* one : counted) one->value = value(*one) + 1;
  return {};
}

std::chrono::milliseconds LoginGuard::failed(const std::string& address, const std::string& name,
                                             const std::string& protocol) {
  const std::lock_guard lock(mutex_);
  if (!name.empty()) {
    auto& events = score(names_, key_of(name)).facts.failed;
    events.insert(events.begin(), {millis(clock_.wall()), address.substr(0, kMaxKey), protocol});
    if (events.size() > kEvents) events.resize(kEvents);
    Score* pair = find(pairs_, pair_of(address, name));
    if (pair != nullptr && pair->trusted) return delay_of(value(*pair), limits_.per_address);
  }
  auto delay = delay_of(value(score(addresses_, network_of(address))), limits_.per_address);
  if (!name.empty()) delay = std::max(delay, delay_of(value(score(names_, key_of(name))), limits_.per_account));
  return delay;
}

void LoginGuard::give_back(const std::string& address, const std::string& name) {
  Score* pair = name.empty() ? nullptr : find(pairs_, pair_of(address, name));
  const auto less = [&](Score* one) {
    if (one != nullptr) one->value = std::max(0.0, value(*one) - 1);
  };
  if (pair != nullptr && pair->trusted) return less(pair);
  less(find(addresses_, network_of(address)));
  if (!name.empty()) less(find(names_, key_of(name)));
}

void LoginGuard::succeeded(const std::string& address, const std::string& name, const std::string& login,
                           const std::string& protocol) {
  const std::lock_guard lock(mutex_);
  give_back(address, name);
  Score& pair = score(pairs_, pair_of(address, login));
  pair.trusted = true;
  pair.value = 0;
  score(names_, key_of(login)).facts.succeeded = {millis(clock_.wall()), address.substr(0, kMaxKey), protocol};
}

void LoginGuard::withdrawn(const std::string& address, const std::string& name) {
  const std::lock_guard lock(mutex_);
  give_back(address, name);
}

LoginFacts LoginGuard::facts(const std::string& name) {
  const std::lock_guard lock(mutex_);
  Score* known = find(names_, key_of(name));
  if (known == nullptr) return {};
  LoginFacts facts = known->facts;
  facts.failures = static_cast<unsigned>(value(*known) + 0.999);
  facts.slowed = delay_of(known->value, limits_.per_account).count() > 0;
  const auto left = known->refused_until - clock_.now();
  if (left.count() > 0)
    facts.refused_until = millis(clock_.wall()) + std::chrono::duration_cast<std::chrono::milliseconds>(left).count();
  return facts;
}

} // namespace paquebot::directory
