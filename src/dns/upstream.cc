#include "dns/upstream.h"

#include <algorithm>
#include <exception>
#include <utility>

namespace paquebot::dns {

namespace {

using namespace std::chrono_literals;

constexpr auto kLookFor = 1500ms; ///< of each server
constexpr auto kLookKept = 10s;
constexpr auto kBlameKept = 3s;
constexpr auto kTellAgain = std::chrono::hours(24);
constexpr std::size_t kLookedAt = 4;

bool any(const std::vector<Seen>& seen, Signatures signatures) {
  return std::ranges::any_of(seen, [&](const Seen& one) { return one.signatures == signatures; });
}

std::string words_for(Stand stand, const std::vector<Seen>& seen) {
  const std::string stripped = names_of(seen, Signatures::stripped);
  if (stand == Stand::without) return "DNSSEC signatures do not come through " + stripped;
  if (stand != Stand::failing) return {};
  if (any(seen, Signatures::passed))
    return "the keys of the anchored zones do not validate; is this machine's clock right?";
  return "DNSSEC signatures do not come through " + stripped + ", where they must";
}

} // namespace

std::string names_of(const std::vector<Seen>& seen, Signatures signatures) {
  std::string names;
  for (const Seen& one : seen)
    if (one.signatures == signatures) names += (names.empty() ? "" : ", ") + one.server.to_string();
  return names;
}

bool worth_remembering(const Seen& seen) {
  if (seen.signatures != Signatures::passed) return false;
  return !is_local_address(seen.server) || (is_loopback(seen.server) && seen.validates);
}

Stand stand_after(Stand before, Dnssec wish, const std::vector<Seen>& seen, Keys keys, bool remembered) {
  if (any(seen, Signatures::passed)) {
    if (keys == Keys::secure) return Stand::validating;
    return keys == Keys::unknown || before == Stand::without ? before : Stand::failing;
  }
  if (!any(seen, Signatures::stripped)) return before; // nobody says anything
  return wish == Dnssec::required || remembered ? Stand::failing : Stand::without;
}

Upstream::Upstream(Options options, std::shared_ptr<Resolver> validating, const Clock& clock)
    : options_(std::move(options)), servers_(servers_of(options_)), zones_(anchored_zones(options_.trust_anchor)),
      validating_(std::move(validating)), clock_(clock) {
  if (!options_.validates()) state_.stand = Stand::off;
  for (const net::Endpoint& server : servers_.addresses)
    if (state_.seen.size() < kLookedAt) state_.seen.push_back({.server = server});
}

bool Upstream::use_validation() const {
  const std::lock_guard lock(mutex_);
  return state_.stand != Stand::without;
}

UpstreamState Upstream::state() const {
  const std::lock_guard lock(mutex_);
  return state_;
}

void Upstream::recall(const std::map<std::string, WallTime>& proven) {
  const std::lock_guard lock(mutex_);
  for (const auto& [address, when] : proven)
    if (when <= clock_.wall() && clock_.wall() - when < kRemembered) remembered_[address] = when;
}

void Upstream::forget(const std::optional<std::string>& address) {
  const std::lock_guard lock(mutex_);
  std::erase_if(remembered_, [&](const auto& one) { return !address || one.first == *address; });
  looking_.done.reset();
}

bool Upstream::remembers(const std::vector<Seen>& seen) const {
  return std::ranges::any_of(seen, [&](const Seen& one) {
    const auto found = remembered_.find(one.server.address);
    return found != remembered_.end() && clock_.wall() - found->second < kRemembered;
  });
}

/// The first one finds it for all that come meanwhile.
Task<bool> Upstream::share(Shared& shared, std::chrono::milliseconds kept, Finder finder) {
  const Promised<bool> answer;
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    if (!shared.running && shared.done && clock_.now() - *shared.done < kept) co_return shared.finding;
    first = !std::exchange(shared.running, true);
    if (!first) shared.waiters.push_back(answer);
  }
  bool finding = false;
  if (!first) {
    finding = co_await answer.take();
    co_return finding;
  }
  std::exception_ptr error; // whatever happens: nobody may wait for ever
  try {
    Task<bool> work = (this->*finder)();
    finding = co_await std::move(work);
  } catch (...) {
    error = std::current_exception();
  }
  std::vector<Promised<bool>> waiters;
  {
    const std::lock_guard lock(mutex_);
    shared.running = false;
    if (!error) shared.done = clock_.now();
    shared.finding = finding;
    waiters = std::exchange(shared.waiters, {});
  }
  for (const auto& waiter : waiters) waiter.set(finding);
  if (error) std::rethrow_exception(error);
  co_return finding;
}

Task<void> Upstream::examine() {
  if (!options_.validates()) co_return;
  co_await share(looking_, kLookKept, &Upstream::look);
}

Task<bool> Upstream::is_to_blame() {
  const bool ours = co_await share(blaming_, kBlameKept, &Upstream::blame);
  co_return ours;
}

/// Whether the keys of an anchored zone validate, by the resolver that validates. It may know them from before; what
/// the resolvers do now with signatures was seen in a look at them.
Task<Keys> Upstream::ask_keys() {
  Keys keys = Keys::unknown;
  for (std::string zone : zones_) {
    const auto answer = co_await validating_->query(std::move(zone), Type::dnskey);
    if (answer->secure) co_return Keys::secure;
    if (answer->bogus) keys = Keys::bogus;
  }
  co_return keys;
}

Task<bool> Upstream::look() {
  std::vector<Seen> seen;
  for (const Seen& one : state().seen) {
    net::Endpoint server = one.server;
    std::vector<std::string> zones = zones_;
    Seen now = co_await look_at(std::move(server), std::move(zones), kLookFor);
    seen.push_back(std::move(now));
  }
  Keys keys = Keys::unknown;
  if (any(seen, Signatures::passed)) keys = co_await ask_keys();
  const std::vector<Seen> news = judge(std::move(seen), keys);
  for (const Seen& one : news)
    if (on_proven) on_proven(one.server.address, clock_.wall());
  co_return true;
}

/// Takes in what was found. Gives the resolvers that are to be remembered from now on.
std::vector<Seen> Upstream::judge(std::vector<Seen> seen, Keys keys) {
  UpstreamState now;
  std::vector<Seen> news;
  bool changed = false;
  {
    const std::lock_guard lock(mutex_);
    const Stand stand = stand_after(state_.stand, options_.dnssec, seen, keys, remembers(seen));
    changed = stand != state_.stand;
    state_ = {.stand = stand, .why = words_for(stand, seen), .seen = std::move(seen)};
    now = state_;
    for (const Seen& one : now.seen) {
      if (keys != Keys::secure || !worth_remembering(one)) continue;
      const auto [entry, fresh] = remembered_.try_emplace(one.server.address, clock_.wall());
      if (!fresh && clock_.wall() - entry->second < kTellAgain) continue;
      entry->second = clock_.wall();
      news.push_back(one);
    }
  }
  if (changed && on_change) on_change(now);
  return news;
}

/// A name that no cache knows.
Task<bool> Upstream::unbound_works() {
  std::string name = fresh_name();
  const auto answer = co_await validating_->query(std::move(name), Type::a);
  co_return answer->status != Status::servfail || answer->bogus;
}

Task<bool> Upstream::blame() {
  Alive best = Alive::no;
  for (const Seen& one : state().seen) {
    net::Endpoint server = one.server;
    const Alive alive = co_await look_whether_alive(std::move(server), kLookFor);
    best = std::max(best, alive);
    if (best == Alive::answers) break;
  }
  if (best == Alive::no) co_return true;
  if (best == Alive::somehow) co_return false;
  const bool works = co_await unbound_works();
  co_return !works;
}

} // namespace paquebot::dns
