#pragma once

#include <functional>
#include <mutex>
#include <utility>

namespace paquebot::queue {

/// Somebody to tell that something has happened. Thread-safe; it is called without a lock held, so call it without one
/// too.
class Callback {
public:
  void set(std::function<void()> tell) {
    const std::lock_guard lock(mutex_);
    tell_ = std::move(tell);
  }
  void operator()() const {
    std::function<void()> tell;
    {
      const std::lock_guard lock(mutex_);
      tell = tell_;
    }
    if (tell) tell();
  }

private:
  mutable std::mutex mutex_;
  std::function<void()> tell_;
};

} // namespace paquebot::queue
