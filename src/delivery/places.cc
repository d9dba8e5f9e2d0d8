#include "delivery/places.h"

#include <algorithm>

namespace paquebot::delivery {
namespace {

constexpr std::size_t kMost = 10'000; // places that are remembered without a worker
constexpr auto kOneMore = std::chrono::minutes(5);
constexpr auto kMessagesKnown = std::chrono::minutes(10);

std::size_t index(Share share) { return static_cast<std::size_t>(share); }

} // namespace

const Places::Place* Places::find(const std::string& place) const {
  const auto it = places_.find(place);
  return it == places_.end() ? nullptr : &it->second;
}

/// Makes room among those that nobody is at.
Places::Place& Places::get(const std::string& place, Time now) {
  const auto idle = [&](const Place& one) {
    return std::ranges::all_of(one.workers, [](unsigned number) { return number == 0; });
  };
  if (places_.size() >= kMost) {
    std::erase_if(places_,
                  [&](const auto& one) { return idle(one.second) && one.second.learnt + kMessagesKnown <= now; });
    if (places_.size() >= kMost) std::erase_if(places_, [&](const auto& one) { return idle(one.second); });
  }
  return places_[place];
}

bool Places::room(const std::string& place, unsigned most, Time now) const {
  const Place* known = find(place);
  if (known == nullptr) return most > 0;
  if (known->most > 0)
    most = std::min<unsigned>(most, known->most + static_cast<unsigned>((now - known->lowered) / kOneMore));
  return count(place, Share::opening) + count(place, Share::refused) + connected(place) < most;
}

void Places::move(const std::string& place, Share from, Share to) {
  if (from == to) return;
  Place& here = places_[place];
  if (from != Share::none) --here.workers[index(from)];
  if (to != Share::none) ++here.workers[index(to)];
  const bool idle = std::ranges::all_of(here.workers, [](unsigned number) { return number == 0; });
  if (idle && here.most == 0 && here.messages == 0) places_.erase(place);
}

unsigned Places::count(const std::string& place, Share share) const {
  const Place* known = find(place);
  return known == nullptr ? 0 : known->workers[index(share)];
}

void Places::lower(const std::string& place, Time now) {
  Place& here = get(place, now);
  here.most = std::max(1U, connected(place));
  here.lowered = now;
}

void Places::raise(const std::string& place) {
  const auto it = places_.find(place);
  if (it != places_.end()) it->second.most = 0;
}

void Places::allow_messages(const std::string& place, unsigned messages, Time now) {
  Place& here = get(place, now);
  here.messages = messages;
  here.learnt = now;
}

unsigned Places::messages(const std::string& place, Time now) const {
  const Place* known = find(place);
  return known == nullptr || known->learnt + kMessagesKnown <= now ? 0 : known->messages;
}

} // namespace paquebot::delivery
