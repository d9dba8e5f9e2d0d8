#pragma once

#include "base/task.h"

#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <cstddef>
#include <memory>

namespace paquebot::net {

/// The coarse timing wheel of one io_context: streams enter with their absolute deadline, one timer a
/// context ticks (250 ms) while any is in. Use from its executor only.
class Wheel {
public:
  /// A place in it, intrusive: a stream is one. on_expired() is called on every tick after `deadline`, until it is out.
  /// Takes itself out when destroyed; may be set or removed, also others, from within on_expired().
  class Entry {
  public:
    Entry() = default;
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;
    virtual ~Entry() { unlink(); }
    virtual void on_expired() {}

  private:
    friend class Wheel;
    void unlink();
    void link_before(Entry& next);

    std::chrono::steady_clock::time_point deadline_;
    Entry* previous_ = this;
    Entry* next_ = this;
    std::size_t* count_ = nullptr; ///< how many entries the wheel has; null while it is in none
  };

  explicit Wheel(boost::asio::any_io_executor executor);
  /// Lets go of whatever is still in: entries may outlive the wheel.
  ~Wheel();
  Wheel(const Wheel&) = delete;
  Wheel& operator=(const Wheel&) = delete;

  /// Puts it in, or moves it to another deadline.
  void set(Entry& entry, std::chrono::steady_clock::time_point deadline);
  static void remove(Entry& entry) { entry.unlink(); }

private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

/// Suspends the coroutine for a while.
Task<void> sleep_for(std::chrono::milliseconds duration);

} // namespace paquebot::net
