#include "queue/destinations.h"

#include <algorithm>
#include <cassert>

namespace paquebot::queue {
namespace {

constexpr std::size_t kForgotten = 10'000;

std::size_t line_of(Seat::Kind kind) { return static_cast<std::size_t>(kind); }

} // namespace

Destination& Destinations::at(const std::string& key) {
  const auto [at, fresh] = destinations_.try_emplace(key);
  if (fresh) at->second.window.count_in(&ready_);
  return at->second;
}

Destination* Destinations::find(const std::string& key) {
  const auto it = destinations_.find(key);
  return it == destinations_.end() ? nullptr : &it->second;
}

const Destination* Destinations::find(const std::string& key) const {
  const auto it = destinations_.find(key);
  return it == destinations_.end() ? nullptr : &it->second;
}

void Destinations::forget_if_idle(const std::string& key) {
  const auto it = destinations_.find(key);
  if (it == destinations_.end()) return;
  const Destination& place = it->second;
  const bool lined = std::ranges::find(place.lined_, true) != place.lined_.end();
  const bool used = place.workers > 0 || place.claiming || place.changing > 0;
  if (!place.window.empty() || place.due != kNever || used || lined) return;
  if (place.back_off.failures() > 0 && forgotten_.size() < kForgotten) forgotten_.insert(key);
  if (place.timer_ != kNever) timers_.erase({place.timer_, key});
  destinations_.erase(it);
}

bool Destinations::arm(const std::string& key, Destination& place, std::int64_t now) {
  std::int64_t when = place.due == kNever ? kNever : std::max(place.due, place.back_off.until());
  if (!place.window.empty() && place.back_off.rests(now))
    when = place.back_off.until(); // accepted while the destination began to back off
  if (when == place.timer_) return false;
  if (place.timer_ != kNever) timers_.erase({place.timer_, key});
  assert(!timers_.contains({when, key}) && "one timer each");
  place.timer_ = when;
  if (when != kNever) timers_.insert({when, key});
  return true;
}

std::optional<std::string> Destinations::ring(std::int64_t now) {
  if (timers_.empty() || timers_.begin()->first > now) return std::nullopt;
  std::string key = std::move(timers_.extract(timers_.begin()).value().second);
  at(key).timer_ = kNever;
  return key;
}

void Destinations::heat(const std::string& key, Destination& place) {
  if (!place.window.empty()) line_up(key, place, kind_of(key, place));
}

void Destinations::line_up(const std::string& key, Destination& place, Seat::Kind kind) {
  if (!std::exchange(place.lined_[line_of(kind)], true)) lines_[line_of(kind)].push_back(key);
}

std::size_t Destinations::in_line(Seat::Kind kind) const { return lines_[line_of(kind)].size(); }

std::string Destinations::leave_line(Seat::Kind kind) {
  std::deque<std::string>& line = lines_[line_of(kind)];
  assert(!line.empty());
  std::string key = std::move(line.front());
  line.pop_front();
  at(key).lined_[line_of(kind)] = false;
  return key;
}

Seat::Kind Destinations::kind_of(const std::string& key, const Destination& place) const {
  if (place.window.only_reports()) return Seat::Kind::report;
  return is_known(key) ? Seat::Kind::known : Seat::Kind::unknown;
}

bool Destinations::failing(const std::string& key) const {
  const Destination* const place = find(key);
  return (place != nullptr && place->back_off.failures() > 0) || forgotten_.contains(key);
}

} // namespace paquebot::queue
