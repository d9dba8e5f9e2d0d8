#pragma once

#include "store/types.h"

#include <deque>
#include <mutex>
#include <optional>

namespace paquebot::control {

/// Staged bodies that imports are filling: only what was begun here may be named again, and only a few at a time.
/// Thread-safe.
class Uploads {
public:
  struct Upload {
    store::Id staged = 0;
    std::uint64_t size = 0; ///< octets so far
    bool eight_bit = false;
  };
  static constexpr std::size_t kMost = 16;

  /// Returns the oldest one when there are too many: the caller drops it.
  std::optional<store::Id> add(store::Id staged);
  /// Takes it out while one request works with it; nothing when it is unknown or in use.
  std::optional<Upload> take(store::Id staged);
  /// Gives it back.
  void give(Upload upload);

private:
  std::mutex mutex_;
  std::deque<Upload> open_;
};

} // namespace paquebot::control
