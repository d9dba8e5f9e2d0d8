#pragma once

#include "base/task.h"

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

namespace paquebot::store {

/// A bound on memory that many share. Who finds it used up waits in line: back-pressure first, an error only when it
/// stays used up. Those who belong together may be named as a group, which then can't use it up: it may hold a quarter
/// of what all others leave. In the line come first those whose group holds least, then those who came first. Must
/// outlive its permits. Thread-safe.
class ByteBudget {
public:
  /// Who asks.
  struct Whose {
    std::string group;       ///< empty: nobody's, and only the whole bounds it
    std::uint64_t least = 0; ///< octets that the group may hold in any case, but never more than half of the whole
  };

  /// `patience`: how long one waits in line.
  ByteBudget(std::uint64_t bytes, std::chrono::milliseconds patience);
  ~ByteBudget();
  ByteBudget(const ByteBudget&) = delete;
  ByteBudget& operator=(const ByteBudget&) = delete;

private:
  /// Stands still while it has permits, or somebody waits for one.
  struct Group {
    std::string name;
    std::uint64_t held = 0;
    std::size_t uses = 0;     ///< permits, and who waits
    std::uint64_t looked = 0; ///< the look at the line that has seen who is first of it
  };

public:
  /// Gives its bytes back when it ends.
  class Permit {
  public:
    Permit(ByteBudget& budget, Group& group, std::uint64_t bytes) : budget_(budget), group_(group), bytes_(bytes) {}
    ~Permit() { budget_.give_back(group_, bytes_); }
    Permit(const Permit&) = delete;
    Permit& operator=(const Permit&) = delete;
    /// Takes over what another one of the same budget and group has: all is given back together.
    void join(Permit& other) { bytes_ += std::exchange(other.bytes_, 0); }

  private:
    ByteBudget& budget_;
    Group& group_;
    std::uint64_t bytes_;
  };

  /// Null when the bytes did not become free in time. More than the whole budget counts as the whole of it.
  Task<std::shared_ptr<Permit>> take(std::uint64_t bytes) { return take(bytes, Whose()); }
  Task<std::shared_ptr<Permit>> take(std::uint64_t bytes, Whose whose);

private:
  struct Waiter {
    std::uint64_t bytes;
    std::uint64_t least;
    std::chrono::steady_clock::time_point until;
    Group* group;
    Promised<bool> granted;
  };
  using Line = std::list<Waiter>;
  using Served = std::vector<Promised<bool>>;

  bool allowed(const Group& group, std::uint64_t bytes, std::uint64_t least) const;
  void grant(Group& group, std::uint64_t bytes);
  Line::iterator next_in_line();
  Served serve();
  void leave(Group& group);
  void give_back(Group& group, std::uint64_t bytes);
  void watch();

  const std::uint64_t total_;
  const std::chrono::milliseconds patience_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t used_ = 0;
  std::unordered_map<std::string, Group> groups_; ///< those in use
  Line line_;                                     ///< in order of coming, which is the order of `until` too
  std::uint64_t looks_ = 0;
  bool stopping_ = false;
  std::jthread
      watcher_; ///< sends those away who have waited too long, from the first one on; last: it uses all of the above
};

/// What one connection holds of a budget: nothing for its first octets, beyond these in steps. Without a budget
/// anything goes.
class BudgetShare {
public:
  BudgetShare() = default;
  /// `budget` may be null, else it outlives this; `free`: octets that nobody is asked for.
  BudgetShare(ByteBudget* budget, std::uint64_t free, ByteBudget::Whose whose = {})
      : budget_(budget), free_(free), whose_(std::move(whose)) {}

  bool covers(std::uint64_t bytes) const { return budget_ == nullptr || bytes <= free_ + held_; }
  /// Takes what is lacking. False when it did not become free in time: what was taken stays.
  Task<bool> grow(std::uint64_t bytes);
  void reset() {
    permit_.reset();
    held_ = 0;
  }
  const ByteBudget::Whose& whose() const { return whose_; }
  /// Octets that were asked for and granted.
  std::uint64_t held() const { return held_; }

private:
  ByteBudget* budget_ = nullptr;
  std::uint64_t free_ = 0, held_ = 0;
  ByteBudget::Whose whose_;
  std::shared_ptr<ByteBudget::Permit> permit_;
};

} // namespace paquebot::store
