#include "delivery/places.h"

#include <algorithm>

namespace paquebot::delivery {
namespace {

std::size_t index(Share share) { return static_cast<std::size_t>(share); }

} // namespace

void Places::move(const std::string& place, Share from, Share to) {
  if (from == to) return;
  Workers& here = places_[place];
  if (from != Share::none) --here[index(from)];
  if (to != Share::none) ++here[index(to)];
  if (std::ranges::all_of(here, [](unsigned number) { return number == 0; })) places_.erase(place);
}

unsigned Places::count(const std::string& place, Share share) const {
  const auto known = places_.find(place);
  return known == places_.end() ? 0 : known->second[index(share)];
}

} // namespace paquebot::delivery
