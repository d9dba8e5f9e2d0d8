#include "queue/crew.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <utility>
#include <vector>

namespace paquebot::queue {
namespace {

constexpr std::array kKindsOfSeats{Seat::Kind::known, Seat::Kind::unknown, Seat::Kind::report};

} // namespace

bool Crew::may_start(const Destination& place, unsigned per_destination, std::int64_t wall) {
  const unsigned most = place.back_off.failures() > 0 ? 1 : per_destination; // one probe for a place that failed
  return place.workers < most && !place.back_off.rests(wall);
}

/// There is something to do, and one more may do it.
bool Crew::may_work(const Destination& place, unsigned per_destination, std::int64_t wall) {
  const bool some = !place.window.empty() || (place.due <= wall && !place.claiming);
  return some && may_start(place, per_destination, wall);
}

std::optional<std::string> Crew::start(const Terms& terms, Seat* seat, std::string* site) {
  while (auto ready = sites_.ring(terms.wall)) free(*ready, terms.per_destination, terms.wall);
  if (workers_ >= terms.total) return std::nullopt;
  auto key = start_one(terms, seat);
  while (!key && std::exchange(freed_, false)) key = start_one(terms, seat);
  if (!key || site == nullptr) return key;
  *site = destinations_.at(*key).site;
  if (!site->empty()) sites_.enter(*site);
  return key;
}

/// True when the site of the destination is known and has no room.
bool Crew::wait_at_site(const std::string& key, const Destination& place, const Terms& terms) {
  if (!place.provider.empty()) sites_.belongs(place.site, place.provider); // it may have been forgotten
  const std::vector<store::Id> lanes = place.window.lanes();
  if (place.site.empty() || sites_.room(place.site, terms.per_destination, terms.wall, lanes)) return false;
  sites_.line_up(place.site, key, lanes, terms.wall);
  return true;
}

bool Crew::surplus(const std::string& site, unsigned per_site, std::int64_t wall) const {
  return sites_.surplus(site, per_site, wall);
}

bool Crew::move(const std::string& from, const std::string& to, unsigned per_destination, std::int64_t wall) {
  Destination* const place = destinations_.find(to);
  if (place == nullptr) return false;
  if (!may_work(*place, per_destination, wall)) {
    destinations_.heat(to, *place);
    destinations_.arm(to, *place, wall);
    return false;
  }
  ++place->workers;
  ++workers_;
  release(from, wall);
  return true;
}

/// The site may have been forgotten, and with it whose it was.
void Crew::free(const std::string& site, unsigned per_site, std::int64_t wall) {
  const Sites::Entry* const entry = sites_.find(site);
  const std::string provider = entry == nullptr ? std::string() : entry->provider;
  if (entry != nullptr) free_one(site, per_site, wall);
  while (const auto other = sites_.next_of_provider(provider, wall))
    if (free_one(*other, per_site, wall)) break;
}

void Crew::free_provided(unsigned per_site, std::int64_t wall) {
  std::vector<std::string> some;
  for (const auto& [key, entry] : sites_.all())
    if (!entry.provider.empty() && entry.waiting() > 0) some.push_back(key);
  for (const std::string& key : some) free_one(key, per_site, wall);
}

/// True when some destination goes.
bool Crew::free_one(const std::string& site, unsigned per_site, std::int64_t wall) {
  const Sites::Entry* const entry = sites_.find(site);
  if (entry == nullptr) return false;
  if (!sites_.room(site, per_site, wall)) {
    sites_.rearm(site, wall);
    return false;
  }
  bool some = false;
  unsigned left = entry->site.window(per_site) - entry->workers;
  const unsigned most = sites_.throttles().window(entry->provider, wall);
  if (most > 0) left = std::min(left, most - sites_.throttles().workers(entry->provider));
  const bool paced = entry->site.learned().interval > 0 || sites_.throttles().paced(entry->provider, wall);
  if (paced) left = 1;           // one message's turn
  std::vector<std::string> stay; // they have nothing but of the lane that has its share
  while (left > 0) {
    const auto next = sites_.next(site);
    if (!next) break;
    Destination* const place = destinations_.find(*next);
    if (place == nullptr) continue;
    if (!sites_.room(site, per_site, wall, place->window.lanes())) {
      stay.push_back(*next);
      continue;
    }
    if (!may_work(*place, per_site, wall)) { // the next one goes in its stead
      destinations_.heat(*next, *place);
      destinations_.arm(*next, *place, wall);
      continue;
    }
    destinations_.line_up(*next, *place, destinations_.kind_of(*next, *place));
    freed_ = some = true;
    --left;
  }
  for (const std::string& key : stay) sites_.line_up(site, key, destinations_.at(key).window.lanes(), wall);
  sites_.rearm(site, wall);
  sites_.forget_if_idle(site);
  return some;
}

std::optional<std::string> Crew::start_one(const Terms& terms, Seat* seat) {
  for (std::size_t i = 0; i < kKindsOfSeats.size(); ++i) {
    const std::size_t which = (turn_ + i) % kKindsOfSeats.size();
    auto key = start_ready(kKindsOfSeats[which], terms, seat);
    if (!key) continue;
    turn_ = which + 1;
    return key;
  }
  return start_due(terms, seat);
}

void Crew::add(Destination& place, Seat::Kind kind, Seat* seat) {
  ++place.workers;
  ++workers_;
  if (seat != nullptr) *seat = seats_.take(kind);
}

std::optional<std::string> Crew::start_ready(Seat::Kind kind, const Terms& terms, Seat* seat) {
  if (destinations_.in_line(kind) == 0 || !seats_.room(kind, terms.total)) return std::nullopt;
  for (std::size_t looked = destinations_.in_line(kind); looked > 0; --looked) {
    std::string key = destinations_.leave_line(kind);
    Destination& place = destinations_.at(key);
    const bool ready = !place.window.empty();
    const bool stored = !ready && place.due <= terms.wall && !place.claiming && terms.from_store;
    const Seat::Kind now_for = destinations_.kind_of(key, place);
    if (ready && now_for != kind && !seats_.room(now_for, terms.total)) {
      destinations_.heat(key, place); // it changed
      continue;
    }
    if ((!ready && !stored) || !may_start(place, terms.per_destination, terms.wall)) {
      const std::string site = place.site;       // where others may go in its stead
      destinations_.arm(key, place, terms.wall); // a worker that ends heats it again, or the end of its back-off
      destinations_.forget_if_idle(key);
      if (!site.empty()) free(site, terms.per_destination, terms.wall);
      continue;
    }
    if (wait_at_site(key, place, terms)) continue;
    add(place, now_for, seat);
    if (place.window.size() > place.workers) destinations_.heat(key, place);
    return key;
  }
  return std::nullopt;
}

/// One for which the store has work that is due, or whose rest is over.
std::optional<std::string> Crew::start_due(const Terms& terms, Seat* seat) {
  while (terms.from_store) {
    auto key = destinations_.ring(terms.wall);
    if (!key) break;
    Destination& place = destinations_.at(*key);
    if (place.claiming || !may_start(place, terms.per_destination, terms.wall)) continue;
    if (wait_at_site(*key, place, terms)) continue;
    const Seat::Kind kind = destinations_.kind_of(*key, place);
    if (!seats_.room(kind, terms.total)) { // it stands in line there
      destinations_.line_up(*key, place, kind);
      continue;
    }
    add(place, kind, seat);
    return key;
  }
  return std::nullopt;
}

void Crew::release(const std::string& key, std::int64_t wall) {
  Destination& place = destinations_.at(key);
  assert(place.workers > 0 && workers_ > 0 && "each worker ends once");
  --place.workers;
  --workers_;
  destinations_.heat(key, place);
  destinations_.arm(key, place, wall);
  destinations_.forget_if_idle(key);
}

std::optional<Job> Crew::pick(const std::string& key, Destination& place, unsigned total,
                              std::optional<store::Id> except) {
  const Seat::Kind plain = destinations_.is_known(key) ? Seat::Kind::known : Seat::Kind::unknown;
  const std::size_t reports = place.window.reports();
  const bool any_plain = reports < place.window.size() && seats_.room(plain, total);
  const bool any_report = reports > 0 && seats_.room(Seat::Kind::report, total);
  auto job = place.window.pick(any_report, any_plain, except);
  if (job) job->seat = seats_.take(is_report(job->message) ? Seat::Kind::report : plain);
  return job;
}

} // namespace paquebot::queue
