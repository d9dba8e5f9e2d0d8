#pragma once

#include "base/clock.h"

#include <chrono>
#include <cstddef>
#include <map>
#include <mutex>
#include <string>

namespace paquebot::intake {

/// Since when somebody has been told to come again. By time and not by number of tries: an honest server makes dozens of those within
/// hours. In memory and bounded: after a restart, or among very many, the wait begins anew. Thread-safe.
class Patience {
public:
  /// How long somebody is asked to come again, and how long one who does not come is remembered.
  static constexpr std::chrono::hours kLong{24};
  static constexpr std::chrono::hours kForgotten{7 * 24};
  /// How many are remembered, and how much of each.
  static constexpr std::size_t kMost = 10'000;
  static constexpr std::size_t kMostOctets = 512;

  /// Whether `who` came first more than kLong ago. The first time it is remembered.
  bool is_over(std::string who, Instant now);

private:
  struct Seen {
    Instant first;
    Instant last;
  };
  void make_room(Instant now);

  std::mutex mutex_;
  std::map<std::string, Seen> seen_;
};

} // namespace paquebot::intake
