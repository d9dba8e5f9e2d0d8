#include "queue/sites.h"

#include <algorithm>
#include <cassert>

namespace paquebot::queue {
namespace {

constexpr std::int64_t kShut = 10'000; // milliseconds
constexpr unsigned kKeepsOneFrom = 3;  // connections of a site, of which then one is kept for other lanes

} // namespace

void LaneShares::puts_down(store::Id lane) {
  const auto at = at_work_.find(lane);
  assert(at != at_work_.end() && "it was taken up");
  if (--at->second == 0) at_work_.erase(at);
}

std::optional<store::Id> LaneShares::full(unsigned window) const {
  if (window < kKeepsOneFrom) return std::nullopt;
  for (const auto& [lane, workers] : at_work_)
    if (workers + 1 >= window) return lane;
  return std::nullopt;
}

const Sites::Entry* Sites::find(const std::string& key) const {
  const auto at = sites_.find(key);
  return at == sites_.end() ? nullptr : &at->second;
}

bool Sites::room(const std::string& key, unsigned configured, std::int64_t now,
                 const std::vector<store::Id>& lanes) const {
  const Entry* const entry = find(key);
  if (entry == nullptr) return configured > 0;
  const bool calm = entry->workers == 0 || entry->site.calm_until() <= now;
  const bool open = entry->door.empty() || entry->shut_until <= now || entry->shut_until > now + kShut;
  const unsigned window = entry->site.window(configured);
  const auto full = entry->shares.full(window);
  const auto has_share = [&](store::Id lane) { return lane != full; };
  return open && calm && entry->workers < window && goes_at(*entry, now) <= now &&
         throttles_.room(entry->provider, now) && (lanes.empty() || std::ranges::any_of(lanes, has_share));
}

void Sites::belongs(const std::string& key, const std::string& provider) {
  const Entry* const known = find(key);
  if (known == nullptr ? provider.empty() : known->provider == provider) return;
  Entry& entry = sites_[key];
  for (unsigned i = 0; i < entry.workers; ++i) {
    throttles_.leave(entry.provider);
    throttles_.enter(provider);
  }
  entry.provider = provider;
}

void Sites::enter(const std::string& key) {
  Entry& entry = sites_[key];
  ++entry.workers;
  throttles_.enter(entry.provider);
}

bool Sites::surplus(const std::string& key, unsigned configured, std::int64_t now) const {
  const Entry* const entry = find(key);
  return entry != nullptr && (entry->workers > entry->site.window(configured) || entry->site.goes_at(now) > now ||
                              throttles_.surplus(entry->provider, now));
}

std::int64_t Sites::goes_at(const Entry& entry, std::int64_t now) const {
  return std::max(entry.site.goes_at(now), throttles_.goes_at(entry.provider, now));
}

void Sites::begins(const std::string& key, std::int64_t now) {
  Entry& entry = sites_[key];
  entry.site.begins(now);
  throttles_.begins(entry.provider, now);
}

std::optional<std::string> Sites::next_of_provider(const std::string& provider, std::int64_t now) {
  if (provider.empty()) { // of any
    std::vector<std::string> names;
    for (const auto& [name, line] : crowded_out_) names.push_back(name);
    for (const std::string& name : names)
      if (auto found = next_of_provider(name, now)) return found;
    return std::nullopt;
  }
  const auto line = crowded_out_.find(provider);
  if (line == crowded_out_.end() || !throttles_.room(provider, now)) return std::nullopt;
  std::optional<std::string> found;
  while (!found && !line->second.empty()) {
    const auto site = sites_.find(line->second.front());
    line->second.pop_front();
    if (site == sites_.end() || !site->second.crowded_out_) continue;
    site->second.crowded_out_ = false;
    if (!site->second.waits_.empty() && site->second.provider == provider) found = site->first;
  }
  if (line->second.empty()) crowded_out_.erase(line);
  return found;
}

void Sites::leave(const std::string& key) {
  Entry& entry = sites_.at(key);
  assert(entry.workers > 0 && "each leaves once");
  --entry.workers;
  throttles_.leave(entry.provider);
  forget_if_idle(key);
}

void Sites::forget_if_idle(const std::string& key) {
  const auto at = sites_.find(key);
  if (at == sites_.end()) return;
  const Entry& entry = at->second;
  if (entry.workers > 0 || !entry.waits_.empty()) return;
  if (!entry.site.knows_something() && !unsaved_.contains(key))
    forget(key);
  else if (sites_.size() > most_)
    make_room();
}

void Sites::forget(const std::string& key) {
  const auto at = sites_.find(key);
  if (at->second.timer_ != 0) timers_.erase({at->second.timer_, key});
  sites_.erase(at);
}

/// Of those that are only remembered, the quarter that was learnt first goes.
void Sites::make_room() {
  std::vector<std::pair<std::int64_t, std::string>> idle;
  for (const auto& [key, entry] : sites_)
    if (entry.workers == 0 && entry.waits_.empty() && entry.site.learned().pause_until != Site::kForGood)
      idle.emplace_back(entry.site.learned().learned_at, key);
  std::ranges::sort(idle);
  idle.resize(std::min(idle.size(), most_ / 4));
  for (const auto& [learned, key] : idle) {
    unsaved_.erase(key);
    forget(key);
  }
}

void Sites::line_up(const std::string& key, const std::string& destination, std::vector<store::Id> lanes,
                    std::int64_t now) {
  Entry& entry = sites_[key];
  const auto waits = entry.waits_.try_emplace(destination).first;
  if (lanes.empty()) lanes.push_back(0); // its mail is in the store
  for (const store::Id lane : lanes) {
    if (!waits->second.insert(lane).second) continue;
    std::deque<std::string>& line = entry.lanes_[lane];
    if (line.empty()) entry.ring_.push_back(lane);
    line.push_back(destination);
  }
  arm(key, entry, now);
}

std::optional<std::string> Sites::next(const std::string& key) {
  const auto at = sites_.find(key);
  if (at == sites_.end()) return std::nullopt;
  Entry& entry = at->second;
  while (!entry.ring_.empty()) {
    const store::Id lane = entry.ring_.front();
    entry.ring_.pop_front();
    std::deque<std::string>& line = entry.lanes_.at(lane);
    std::string destination = std::move(line.front());
    line.pop_front();
    if (line.empty())
      entry.lanes_.erase(lane);
    else
      entry.ring_.push_back(lane);
    const auto waits = entry.waits_.find(destination);
    if (waits == entry.waits_.end() || !waits->second.contains(lane)) continue; // it went by another lane
    entry.waits_.erase(waits);
    return destination;
  }
  return std::nullopt;
}

bool Sites::anybody_waits(const std::string& key) const {
  const Entry* const entry = find(key);
  return entry != nullptr && !entry->waits_.empty();
}

bool Sites::crowded(unsigned configured) const {
  return std::ranges::any_of(sites_, [&](const auto& one) {
    const Entry& entry = one.second;
    const unsigned window = entry.site.window(configured);
    const bool full = !entry.door.empty() || entry.crowded_out_ || entry.shares.full(window) ||
                      (entry.workers > 0 && entry.workers >= window);
    return full && !entry.waits_.empty();
  });
}

void Sites::shut(const std::string& key, const std::string& door, std::int64_t now) {
  Entry& entry = sites_[key];
  entry.shut_until = now + kShut;
  if (entry.door == door) return;
  entry.door = door;
  doors_[door].push_back(key);
}

std::optional<std::string> Sites::open(const std::string& door) {
  const auto at = doors_.find(door);
  if (at == doors_.end()) return std::nullopt;
  std::optional<std::string> found;
  while (!found && !at->second.empty()) {
    std::string key = std::move(at->second.front());
    at->second.pop_front();
    const auto site = sites_.find(key);
    if (site == sites_.end() || site->second.door != door) continue;
    site->second.door.clear();
    found = std::move(key);
  }
  if (at->second.empty()) doors_.erase(at);
  return found;
}

void Sites::arm(const std::string& key, Entry& entry, std::int64_t now) {
  const std::int64_t calm = entry.workers > 0 ? entry.site.calm_until() : 0;
  const std::int64_t shut = entry.door.empty() ? 0 : entry.shut_until;
  const std::int64_t when = std::max({goes_at(entry, now), calm, shut});
  if (!entry.waits_.empty() && !entry.crowded_out_ && !throttles_.room(entry.provider, now)) {
    entry.crowded_out_ = true;
    crowded_out_[entry.provider].push_back(key);
  }
  const std::int64_t timer = entry.waits_.empty() || when <= now ? 0 : when;
  if (timer == entry.timer_) return;
  if (entry.timer_ != 0) timers_.erase({entry.timer_, key});
  entry.timer_ = timer;
  if (timer != 0) timers_.insert({timer, key});
}

void Sites::rearm(const std::string& key, std::int64_t now) {
  const auto at = sites_.find(key);
  if (at != sites_.end()) arm(key, at->second, now);
}

std::optional<std::int64_t> Sites::first_timer() const {
  if (timers_.empty()) return std::nullopt;
  return timers_.begin()->first;
}

std::optional<std::string> Sites::ring(std::int64_t now) {
  if (timers_.empty() || timers_.begin()->first > now) return std::nullopt;
  std::string key = std::move(timers_.extract(timers_.begin()).value().second);
  sites_.at(key).timer_ = 0;
  return key;
}

std::vector<std::pair<std::string, Site::Learned>> Sites::unsaved(std::size_t most) {
  std::vector<std::pair<std::string, Site::Learned>> some;
  while (!unsaved_.empty() && some.size() < most) {
    std::string key = std::move(unsaved_.extract(unsaved_.begin()).value());
    const auto at = sites_.find(key);
    some.emplace_back(key, at == sites_.end() ? Site::Learned{} : at->second.site.learned());
    forget_if_idle(key);
  }
  return some;
}

} // namespace paquebot::queue
