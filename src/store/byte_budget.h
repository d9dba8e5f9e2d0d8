#pragma once

#include "base/task.h"

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace paquebot::store {

/// A bound on the memory of chunks that wait to be written. Who finds it used up waits in line: back-pressure first, an
/// error only when it stays used up. Must outlive its permits.
class ByteBudget {
public:
  /// `patience`: how long one waits in line.
  ByteBudget(std::uint64_t bytes, std::chrono::milliseconds patience);
  ~ByteBudget();
  ByteBudget(const ByteBudget&) = delete;
  ByteBudget& operator=(const ByteBudget&) = delete;

  /// Gives its bytes back when it ends.
  class Permit {
  public:
    Permit(ByteBudget& budget, std::uint64_t bytes) : budget_(budget), bytes_(bytes) {}
    ~Permit() { budget_.give_back(bytes_); }
    Permit(const Permit&) = delete;
    Permit& operator=(const Permit&) = delete;

  private:
    ByteBudget& budget_;
    std::uint64_t bytes_;
  };

  /// Null when the bytes did not become free in time. More than the whole budget counts as the whole of it.
  Task<std::shared_ptr<Permit>> take(std::uint64_t bytes);

private:
  struct Waiter {
    std::uint64_t bytes;
    std::chrono::steady_clock::time_point until;
    Promised<bool> granted;
  };
  void give_back(std::uint64_t bytes);
  void watch();

  const std::uint64_t total_;
  const std::chrono::milliseconds patience_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t used_ = 0;
  std::deque<Waiter> line_; ///< in order of coming, which is the order of `until` too
  bool stopping_ = false;
  std::jthread watcher_; ///< sends those away who have waited too long; last: it uses all of the above
};

/// What one connection holds of a budget: nothing for its first octets, beyond these in steps. Without a budget anything goes.
class BudgetShare {
public:
  BudgetShare() = default;
  /// `budget` may be null, else it outlives this; `free`: octets that nobody is asked for.
  BudgetShare(ByteBudget* budget, std::uint64_t free) : budget_(budget), free_(free) {}

  bool covers(std::uint64_t bytes) const { return budget_ == nullptr || bytes <= free_ + held_; }
  /// Takes what is lacking. False when it did not become free in time: what was taken stays.
  Task<bool> grow(std::uint64_t bytes);
  void reset() {
    permits_.clear();
    held_ = 0;
  }

private:
  ByteBudget* budget_ = nullptr;
  std::uint64_t free_ = 0, held_ = 0;
  std::vector<std::shared_ptr<ByteBudget::Permit>> permits_;
};

} // namespace paquebot::store
