#include "queue/seats.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace paquebot::queue {
namespace {

std::size_t place_of(Seat::Kind kind) { return static_cast<std::size_t>(kind); }

} // namespace

Seat::Seat(Seat&& other) noexcept : seats_(std::exchange(other.seats_, nullptr)), kind_(other.kind_) {}

Seat& Seat::operator=(Seat&& other) noexcept {
  if (this == &other) return *this;
  leave();
  seats_ = std::exchange(other.seats_, nullptr);
  kind_ = other.kind_;
  return *this;
}

void Seat::leave() {
  Seats* const seats = std::exchange(seats_, nullptr);
  if (seats != nullptr) seats->count(kind_, -1);
}

unsigned Seats::most(Seat::Kind kind, unsigned total) {
  if (kind == Seat::Kind::known) return total;
  return std::max(1U, kind == Seat::Kind::unknown ? (total + 1) / 2 : total / 4);
}

bool Seats::room(Seat::Kind kind, unsigned total) {
  const auto most_now = static_cast<int>(most(kind, total));
  if (taken_[place_of(kind)] < most_now) return true;
  wanted_[place_of(kind)] = true;
  return taken_[place_of(kind)] < most_now; // one may have been given back before that could be seen
}

Seat Seats::take(Seat::Kind kind) {
  count(kind, 1);
  Seat seat;
  seat.seats_ = this;
  seat.kind_ = kind;
  return seat;
}

bool Seats::wanted() const {
  return std::ranges::any_of(wanted_, [](const std::atomic<bool>& one) { return one.load(); });
}

void Seats::count(Seat::Kind kind, int by) {
  [[maybe_unused]] const int before = taken_[place_of(kind)].fetch_add(by);
  assert(before + by >= 0 && "a seat is given back once");
  if (by < 0 && wanted_[place_of(kind)].exchange(false) && freed_) freed_();
}

} // namespace paquebot::queue
