#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace paquebot::service {

/// Whether content comes as fast as it must: so many octets a minute, measured over windows of the time that we waited
/// for it. What we make the sender wait for does not count.
class Pace {
public:
  using Duration = std::chrono::steady_clock::duration;
  static constexpr std::chrono::minutes kWindow{3};

  /// `rate`: octets in a minute; 0: anything will do. `window`: of the time that we wait for it.
  explicit Pace(std::uint64_t rate = 0, std::chrono::milliseconds window = kWindow)
      : wanted_(wanted(rate, window)), window_(window) {}

  /// How long it may wait for the next octets; once that is over, they came too slowly.
  Duration left() const { return wanted_ == 0 ? Duration::max() : window_ - waited_; }
  /// So many came after a wait of `waited`.
  void came(std::uint64_t octets, Duration waited) {
    if (wanted_ == 0) return;
    octets_ += octets;
    waited_ += waited;
    if (octets_ < wanted_) return;
    octets_ = 0;
    waited_ = {};
  }

private:
  static std::uint64_t wanted(std::uint64_t rate, std::chrono::milliseconds window) {
    const auto part = rate * static_cast<std::uint64_t>(window.count()) / 60'000;
    return rate == 0 ? 0 : std::max<std::uint64_t>(part, 1);
  }

  std::uint64_t wanted_;
  Duration window_;
  std::uint64_t octets_ = 0;
  Duration waited_{};
};

} // namespace paquebot::service
