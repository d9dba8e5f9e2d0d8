#pragma once

#include "base/clock.h"
#include "store/sqlite/check_place.h"

#include <map>
#include <mutex>

namespace paquebot::store::sqlite {

/// What checks under way have counted, kept for their next step, which comes from far and brings only a name for it. A
/// count is forgotten when nobody has gone on with it for a minute, or when more than kMost are kept: then it begins
/// again.
class OpenCounts {
public:
  static constexpr std::size_t kMost = 4;

  /// Gives the point what was kept for it, to it alone.
  void attach(CheckPlace& point);
  /// Keeps what the point has counted and names it there.
  void keep(CheckPlace& point, Instant now);
  void forget_old(Instant now);
  std::size_t size();

private:
  struct Kept {
    std::shared_ptr<HolderCount> counted;
    Instant since;
  };
  std::mutex mutex_;
  std::map<std::uint64_t, Kept> kept_; ///< by rising number
  std::uint64_t last_ = 0;
};

} // namespace paquebot::store::sqlite
