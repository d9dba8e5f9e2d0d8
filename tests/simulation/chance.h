#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace paquebot::simulation {

/// All that is left to chance in the world, from one seed (the sequence is SplitMix64's). What the server draws is
/// another sequence (base/simulation.h).
class Chance {
public:
  explicit Chance(std::uint64_t seed) : state_(seed * 0x2545F4914F6CDD1D + 0x1234567) {}

  std::uint64_t draw() {
    std::uint64_t z = state_ += 0x9E3779B97F4A7C15;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9;
    z = (z ^ z >> 27) * 0x94D049BB133111EB;
    return z ^ z >> 31;
  }
  /// From 0 to `end` - 1.
  std::size_t below(std::size_t end) { return static_cast<std::size_t>(draw() % end); }
  bool percent(unsigned of_hundred) { return below(100) < of_hundred; }
  bool per_mille(unsigned of_thousand) { return below(1000) < of_thousand; }
  std::chrono::milliseconds between(std::chrono::milliseconds least, std::chrono::milliseconds most) {
    const auto room = static_cast<std::size_t>((most - least).count()) + 1;
    return least + std::chrono::milliseconds(below(room));
  }
  template <class T>
  const T& one_of(const std::vector<T>& all) {
    return all[below(all.size())];
  }

private:
  std::uint64_t state_;
};

} // namespace paquebot::simulation
