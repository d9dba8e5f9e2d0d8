#include "queue/crew.h"

#include <array>
#include <cassert>
#include <utility>

namespace paquebot::queue {
namespace {

constexpr unsigned kPaused = 1000; // each has a job in hand
constexpr std::array kKindsOfSeats{Seat::Kind::known, Seat::Kind::unknown, Seat::Kind::report};

} // namespace

bool Crew::spared(const Destination& place, const Terms& terms) {
  return place.spared_until > terms.now && place.workers >= place.spared_to;
}

bool Crew::may_start(const Destination& place, const Terms& terms) {
  const unsigned most = place.back_off.failures() > 0 ? 1 : terms.per_destination; // one probe for a place that failed
  return place.workers < most && !place.back_off.rests(terms.wall) && !spared(place, terms);
}

std::optional<std::string> Crew::start(const Terms& terms, Seat* seat) {
  if (workers_ >= terms.total) return std::nullopt;
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
    if (ready && (spared(place, terms) || (now_for != kind && !seats_.room(now_for, terms.total)))) {
      destinations_.heat(key, place); // its minute ends without a sign; or it changed
      continue;
    }
    if ((!ready && !stored) || !may_start(place, terms)) {
      destinations_.arm(key, place, terms.wall); // a worker that ends heats it again, or the end of its back-off
      destinations_.forget_if_idle(key);
      continue;
    }
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
    if (place.claiming || !may_start(place, terms)) continue;
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

bool Crew::pause(Seat::Kind kind) {
  const bool stranger = kind != Seat::Kind::known;
  if (paused_ >= kPaused || (stranger && paused_strangers_ >= kPaused / 2)) return false;
  ++paused_;
  if (stranger) ++paused_strangers_;
  --workers_;
  return true;
}

void Crew::resume(Seat::Kind kind) {
  assert(paused_ > 0 && paused_strangers_ <= paused_);
  --paused_;
  if (kind != Seat::Kind::known) --paused_strangers_;
  ++workers_;
}

std::optional<Job> Crew::pick(const std::string& key, Destination& place, unsigned total) {
  const Seat::Kind plain = destinations_.is_known(key) ? Seat::Kind::known : Seat::Kind::unknown;
  const std::size_t reports = place.window.reports();
  const bool any_plain = reports < place.window.size() && seats_.room(plain, total);
  const bool any_report = reports > 0 && seats_.room(Seat::Kind::report, total);
  auto job = place.window.pick(any_report, any_plain);
  if (job) job->seat = seats_.take(is_report(job->message) ? Seat::Kind::report : plain);
  return job;
}

bool Crew::spare(Destination& place, Instant until) {
  if (place.workers < 2) return false;
  place.spared_to = place.workers - 1;
  place.spared_until = until;
  return true;
}

} // namespace paquebot::queue
