#pragma once

#include "store/staged.h"

#include <deque>
#include <memory>
#include <mutex>
#include <optional>

namespace paquebot::control {

/// Staged bodies that imports are filling: only what was begun here may be named again, and only a few at a time.
/// Thread-safe.
class Uploads {
public:
  struct Upload {
    store::Id id = 0;
    std::shared_ptr<store::Staged> body;
    std::uint64_t size = 0; ///< octets so far
    bool eight_bit = false;
  };
  static constexpr std::size_t kMost = 16;

  /// Gives it its id. When there are too many, the oldest is dropped.
  store::Id add(std::shared_ptr<store::Staged> body);
  /// Takes it out while one request works with it; nothing when it is unknown or in use.
  std::optional<Upload> take(store::Id id);
  /// Gives it back.
  void give(Upload upload);

private:
  std::mutex mutex_;
  std::deque<Upload> open_;
};

} // namespace paquebot::control
