#pragma once

#include <chrono>
#include <cstdint>

namespace paquebot::service {

/// Whether content comes as fast as it must: so many octets a minute, measured over windows of the time that we waited for it.
/// What we make the sender wait for does not count.
class Pace {
public:
  using Duration = std::chrono::steady_clock::duration;
  static constexpr std::chrono::minutes kWindow{3};

  /// `rate`: octets in a minute; 0: anything will do.
  explicit Pace(std::uint64_t rate = 0) : wanted_(rate * static_cast<std::uint64_t>(kWindow.count())) {}

  /// How long it may wait for the next octets; once that is over, they came too slowly.
  Duration left() const { return wanted_ == 0 ? Duration::max() : kWindow - waited_; }
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
  std::uint64_t wanted_;
  std::uint64_t octets_ = 0;
  Duration waited_{};
};

} // namespace paquebot::service
