#include "directory/login_throttle.h"

#include "base/text.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>

namespace paquebot::directory {
namespace {

constexpr std::size_t kMost = 8192;       ///< entries of a table, at most some 500 octets each
constexpr std::size_t kMostKnown = 32768; ///< names with networks of theirs, some 600 octets each
constexpr std::size_t kMaxKey = 320;
constexpr std::size_t kEvents = 4;
constexpr std::chrono::milliseconds kFirstDelay{250};
constexpr std::chrono::milliseconds kMostDelay{8000};
constexpr std::int64_t kKnownMs = std::chrono::milliseconds(kKnownFor).count();
constexpr std::int64_t kToldMs = std::chrono::milliseconds(std::chrono::hours(24)).count();

/// The first so many bits of an address of IPv6, as text; empty for others.
std::string prefix_of(const std::string& address, std::size_t bits) {
  in6_addr six{};
  if (inet_pton(AF_INET6, address.c_str(), &six) != 1) return {};
  std::fill(std::begin(six.s6_addr) + bits / 8, std::end(six.s6_addr), 0);
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(AF_INET6, &six, text.data(), text.size());
  return text.data();
}

/// A subscriber has 2^64 addresses of IPv6.
std::string network_of(const std::string& address) {
  std::string six = prefix_of(address, 64);
  return six.empty() ? address.substr(0, kMaxKey) : six;
}

std::string key_of(const std::string& name) { return to_lower(name).substr(0, kMaxKey); }

std::chrono::milliseconds delay_of(double value, unsigned limit) {
  const double begins = std::max(2.0, limit / 10.0);
  if (value <= begins) return {};
  const double doublings = std::min((value - begins - 1) * 10.0 / std::max(limit, 10u) * 2, 10.0);
  const auto delay = kFirstDelay * (1u << static_cast<unsigned>(std::max(doublings, 0.0)));
  return std::min<std::chrono::milliseconds>(delay, kMostDelay);
}

} // namespace

LoginThrottle::LoginThrottle(const Clock& clock, ThrottleLimits limits) : clock_(clock), limits_(limits) {}

void LoginThrottle::configure(ThrottleLimits limits) {
  const std::lock_guard lock(mutex_);
  limits_ = limits;
}

template <class Value>
Value* LoginThrottle::Table<Value>::find(const std::string& key) {
  const auto found = index.find(key);
  if (found == index.end()) return nullptr;
  order.splice(order.begin(), order, found->second);
  return &found->second->second;
}

template <class Value>
Value& LoginThrottle::Table<Value>::get(const std::string& key, std::size_t most) {
  if (Value* there = find(key)) return *there;
  if (index.size() >= most) {
    index.erase(order.back().first);
    order.pop_back();
  }
  order.emplace_front(key, Value{});
  index.emplace(key, order.begin());
  return order.front().second;
}

LoginThrottle::Score& LoginThrottle::score(Scores& table, const std::string& key) { return table.get(key, kMost); }

double LoginThrottle::value(Score& score) const {
  const Instant now = clock_.now();
  const double minutes = std::chrono::duration<double, std::ratio<60>>(now - score.counted).count();
  score.value = std::max(0.0, score.value - std::max(0.0, minutes));
  score.counted = now;
  return score.value;
}

bool LoginThrottle::is_known(const std::string& network, const std::string& key) {
  const auto* networks = key.empty() ? nullptr : known_.find(key);
  if (networks == nullptr) return false;
  const std::int64_t since = millis(clock_.wall()) - kKnownMs;
  return std::ranges::any_of(*networks, [&](const Network& one) { return one.name == network && one.used >= since; });
}

bool LoginThrottle::knows(const std::string& address, const std::string& name) {
  const std::lock_guard lock(mutex_);
  return is_known(network_of(address), key_of(name));
}

bool LoginThrottle::is_used(const std::string& address) {
  const std::lock_guard lock(mutex_);
  const std::int64_t* used = used_.find(network_of(address));
  return used != nullptr && *used >= millis(clock_.wall()) - kKnownMs;
}

/// What an attempt is counted in, each with its own limit: a known network of the name only on its own.
std::vector<std::pair<LoginThrottle::Score*, unsigned>> LoginThrottle::concerned(const std::string& address,
                                                                                 const std::string& name) {
  const std::string network = network_of(address), key = key_of(name);
  if (is_known(network, key)) return {{&score(pairs_, network + '\n' + key), limits_.per_address}};
  std::vector<std::pair<Score*, unsigned>> all{{&score(addresses_, network), limits_.per_address}};
  if (const std::string site = prefix_of(address, 48); !site.empty())
    all.emplace_back(&score(sites_, site), limits_.per_address * kSite);
  if (!name.empty()) all.emplace_back(&score(names_, key), limits_.per_account);
  return all;
}

std::chrono::seconds LoginThrottle::begin(const std::string& address, const std::string& name) {
  const std::lock_guard lock(mutex_);
  const Instant now = clock_.now();
  const auto refuses = [&](Score& score, unsigned limit) {
    if (now < score.refused_until) return true;
    if (value(score) < limit) return false;
    score.refused_until = now + limits_.refused_for;
    score.value = limit / 2.0; // when that time is over, half as many more end in the same
    return true;
  };
  const auto counted = concerned(address, name);
  const Score* refused = nullptr;
  for (const auto& [score, limit] : counted)
    if (refuses(*score, limit)) refused = score;
  if (refused != nullptr) return std::chrono::ceil<std::chrono::seconds>(refused->refused_until - now);
  for (const auto& [score, limit] : counted) score->value = value(*score) + 1;
  return {};
}

std::chrono::milliseconds LoginThrottle::failed(const std::string& address, const std::string& name,
                                                const std::string& protocol) {
  const std::lock_guard lock(mutex_);
  if (!name.empty()) {
    auto& events = score(names_, key_of(name)).facts.failed;
    events.insert(events.begin(), {millis(clock_.wall()), address.substr(0, kMaxKey), protocol});
    if (events.size() > kEvents) events.resize(kEvents);
  }
  std::chrono::milliseconds delay{0};
  for (const auto& [score, limit] : concerned(address, name)) delay = std::max(delay, delay_of(value(*score), limit));
  return delay;
}

void LoginThrottle::give_back(const std::string& address, const std::string& name) {
  for (const auto& [score, limit] : concerned(address, name)) score->value = std::max(0.0, value(*score) - 1);
}

void LoginThrottle::learn(const std::string& network, const std::string& key) {
  const std::int64_t now = millis(clock_.wall());
  auto& networks = known_.get(key, kMostKnown);
  auto one = std::ranges::find(networks, network, &Network::name);
  if (one == networks.end()) {
    if (networks.size() >= kNetworks) networks.erase(std::ranges::min_element(networks, {}, &Network::used));
    one = networks.insert(networks.end(), {network, 0, 0});
  }
  one->used = now;
  used_.get(network, kMostKnown) = now;
  if (now - one->told >= kToldMs || one->told > now) changed_.insert(key);
}

void LoginThrottle::succeeded(const std::string& address, const std::string& name, const std::string& login,
                              const std::string& protocol) {
  const std::lock_guard lock(mutex_);
  give_back(address, name);
  const std::string network = network_of(address), key = key_of(login);
  learn(network, key);
  score(pairs_, network + '\n' + key).value = 0;
  score(names_, key).facts.succeeded = {millis(clock_.wall()), address.substr(0, kMaxKey), protocol};
}

void LoginThrottle::withdrawn(const std::string& address, const std::string& name) {
  const std::lock_guard lock(mutex_);
  give_back(address, name);
}

LoginFacts LoginThrottle::facts(const std::string& name) {
  const std::lock_guard lock(mutex_);
  Score* known = names_.find(key_of(name));
  if (known == nullptr) return {};
  LoginFacts facts = known->facts;
  facts.failures = static_cast<unsigned>(value(*known) + 0.999);
  facts.slowed = delay_of(known->value, limits_.per_account).count() > 0;
  const auto left = known->refused_until - clock_.now();
  if (left.count() > 0)
    facts.refused_until = millis(clock_.wall()) + std::chrono::duration_cast<std::chrono::milliseconds>(left).count();
  return facts;
}

void LoginThrottle::forget(const std::string& name) {
  const std::lock_guard lock(mutex_);
  const std::string key = key_of(name);
  if (auto* networks = known_.find(key)) networks->clear();
  if (Score* known = names_.find(key)) known->facts = {};
  changed_.erase(key);
}

std::vector<std::pair<std::string, std::string>> LoginThrottle::take_changes(std::size_t most) {
  const std::lock_guard lock(mutex_);
  std::vector<std::pair<std::string, std::string>> rows;
  const std::int64_t since = millis(clock_.wall()) - kKnownMs;
  while (rows.size() < most && !changed_.empty()) {
    const std::string key = *changed_.begin();
    changed_.erase(changed_.begin());
    std::string row;
    if (auto* networks = known_.find(key)) {
      std::erase_if(*networks, [&](const Network& one) { return one.used < since; });
      for (Network& one : *networks) {
        one.told = one.used;
        row += (row.empty() ? "" : " ") + one.name + "=" + std::to_string(one.used);
      }
    }
    rows.emplace_back(key, std::move(row));
  }
  return rows;
}

void LoginThrottle::put_back(const std::string& name) {
  const std::lock_guard lock(mutex_);
  if (changed_.size() < kMostKnown) changed_.insert(key_of(name));
}

void LoginThrottle::load(const std::string& name, const std::string& row) {
  const std::lock_guard lock(mutex_);
  const std::string key = key_of(name);
  const std::int64_t now = millis(clock_.wall());
  std::vector<Network> networks;
  for (const std::string_view part : split(row, ' ')) {
    const auto equals = part.rfind('=');
    const auto used = equals == part.npos ? std::nullopt : parse_u64(part.substr(equals + 1));
    if (!used || equals == 0 || networks.size() >= kNetworks) continue;
    const auto at = static_cast<std::int64_t>(std::min<std::uint64_t>(*used, static_cast<std::uint64_t>(now)));
    if (at < now - kKnownMs) continue;
    networks.push_back({std::string(part.substr(0, equals)), at, at});
    std::int64_t& last = used_.get(networks.back().name, kMostKnown);
    last = std::max(last, at);
  }
  if (networks.empty()) {
    changed_.insert(key);
    return;
  }
  auto& here = known_.get(key, kMostKnown); // who logged in since the start is known better
  for (Network& one : networks)
    if (here.size() < kNetworks && std::ranges::find(here, one.name, &Network::name) == here.end())
      here.push_back(std::move(one));
}

} // namespace paquebot::directory
