#include "base/clock_trust.h"

#include <algorithm>
#include <sys/timex.h>

namespace paquebot {
namespace {

using std::chrono::milliseconds;

constexpr std::chrono::seconds kSetBack{60};

} // namespace

bool kernel_clock_synchronised() {
  timex facts{};
  const int state = ::adjtimex(&facts); // no mode: only asks
  return state >= 0 && state != TIME_ERROR && (facts.status & STA_UNSYNC) == 0;
}

ClockTrust::ClockTrust(const Clock& clock, std::function<bool()> synchronised)
    : clock_(clock), synchronised_(std::move(synchronised)) {}

WallTime ClockTrust::wall() const {
  const WallTime wall = clock_.wall();
  std::int64_t latest = latest_.load(std::memory_order_relaxed);
  while (millis(wall) > latest && !latest_.compare_exchange_weak(latest, millis(wall), std::memory_order_relaxed)) {
  }
  return wall;
}

bool ClockTrust::set_back() {
  const std::int64_t now = millis(clock_.wall());
  if (now + milliseconds(kSetBack).count() >= latest_.load(std::memory_order_relaxed)) return false;
  latest_.store(now, std::memory_order_relaxed);
  return true;
}

/// Whether the wall clock is further than `most` from where it should be by the monotonic one.
bool ClockTrust::parted(WallTime from, Instant since, milliseconds most) const {
  const auto should = from + std::chrono::duration_cast<milliseconds>(clock_.now() - since);
  const auto wall = clock_.wall();
  return wall > should + most || wall < should - most;
}

/// Under the mutex: a clock that has parted is doubted, one that is back is believed.
void ClockTrust::look() const {
  if (!begun_) return;
  trusted_ = !parted(base_, base_at_, most_);
}

void ClockTrust::believe(WallTime wall) {
  trusted_ = true;
  base_ = wall;
  base_at_ = clock_.now();
  most_ = kMostStep;
  synchronised_for_ = milliseconds(0);
}

WallTime ClockTrust::settled() const {
  const std::lock_guard lock(mutex_);
  look();
  const WallTime wall = clock_.wall();
  return trusted_ ? wall : std::min(wall, base_);
}

void ClockTrust::begin(const Kept& kept) {
  const std::lock_guard lock(mutex_);
  begun_ = true;
  beat_ = clock_.wall();
  beat_at_ = clock_.now();
  if (kept.heartbeat == 0) return believe(beat_);
  base_ = from_millis(kept.heartbeat);
  base_at_ = beat_at_;
  most_ = kMostRest;
  // One that has jumped while nobody looked was not in step for so long.
  const bool steady = kept.wall == 0 || !parted(from_millis(kept.wall), beat_at_, kMostRest);
  synchronised_for_ = steady ? kept.synchronised : milliseconds(0);
  look();
}

ClockTrust::Kept ClockTrust::beat() {
  const bool synchronised = synchronised_();
  const std::lock_guard lock(mutex_);
  if (!begun_) return {};
  look();
  if (trusted_) {
    believe(clock_.wall());
  } else {
    said_synchronised_ = synchronised;
    const bool steady = synchronised && !parted(beat_, beat_at_, kMostStep);
    const auto passed = std::chrono::duration_cast<milliseconds>(clock_.now() - beat_at_);
    synchronised_for_ = steady ? synchronised_for_ + passed : milliseconds(0);
    if (synchronised_for_ >= kSynchronisedFor) believe(clock_.wall());
  }
  beat_ = clock_.wall();
  beat_at_ = clock_.now();
  return {millis(base_), synchronised_for_, trusted_ ? 0 : millis(beat_)};
}

ClockTrust::Kept ClockTrust::confirm() {
  const std::lock_guard lock(mutex_);
  begun_ = true;
  believe(clock_.wall());
  return {millis(base_), milliseconds(0), 0};
}

ClockTrust::State ClockTrust::state() const {
  const std::lock_guard lock(mutex_);
  look();
  State state;
  state.begun = begun_;
  state.trusted = trusted_;
  state.wall = millis(clock_.wall());
  state.believed = trusted_ ? state.wall : millis(base_);
  state.synchronised = said_synchronised_;
  state.left = std::max(milliseconds(kSynchronisedFor) - synchronised_for_, milliseconds(0));
  return state;
}

} // namespace paquebot
