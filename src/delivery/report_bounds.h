#pragma once

#include "base/clock.h"

#include <cstddef>
#include <map>
#include <string>

namespace paquebot::delivery {

/// How often others are written to about mail that came in their name: to one address 20 times an hour, and to one domain that has
/// not taken anything lately 100 times. Strangers name whom they like. In memory, bounded. Use from one executor.
class ReportBounds {
public:
  explicit ReportBounds(std::size_t most = 10'000) : most_(most) {}

  /// Whether one more report may go to the address now; counts it then. `known`: its domain took mail lately.
  bool allow(const std::string& address, bool known, Instant now);
  std::size_t size() const { return counts_.size(); }

private:
  struct Count {
    Instant since{};
    unsigned reports = 0;
  };
  Count& get(const std::string& key, Instant now);

  std::size_t most_;
  std::map<std::string, Count> counts_; ///< by address, and by "@domain"
};

} // namespace paquebot::delivery
