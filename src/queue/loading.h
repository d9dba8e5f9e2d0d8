#pragma once

#include "base/task.h"
#include "queue/core.h"

#include <cstdint>

namespace paquebot::queue {

/// Learns from the store which destinations wait for what. Thread-safe.
class Loading {
public:
  explicit Loading(Core& core) : core_(core) {}

  /// See Queue.
  Task<Result<>> load();
  unsigned loads() const;

private:
  /// While it lives, it is noted what changes here: what is read meanwhile is older.
  class Listing;
  std::int64_t latest_retry() const;

  Core& core_;
  unsigned loads_ = 0; ///< under the lock
};

} // namespace paquebot::queue
