#pragma once

#include "queue/job.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <vector>

namespace paquebot::queue {

/// Jobs that wait, in lanes (store::lane_of), of which each gets its turn by deficit round robin: however much waits in
/// one, what is in another goes soon. A turn of what programs hand in is a quarter as long as that of people's mail. A
/// large message counts for more. Within a lane: highest priority first, then as they came. Guard it by a lock.
class Lanes {
public:
  using Wanted = std::function<bool(const Job&)>;

  Lanes() = default;
  ~Lanes() { count(0); }
  Lanes(const Lanes&) = delete;
  Lanes& operator=(const Lanes&) = delete;
  /// It adds up there how many there are in all; which outlives it.
  void count_in(std::size_t* all) { all_ = all; }

  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }
  std::vector<store::Id> lanes() const { return {ring_.begin(), ring_.end()}; }
  bool has(store::Id lane) const { return lanes_.contains(lane); }

  /// Behind all of the same priority of its lane, in front of those of a lower one.
  void add(Job job);
  /// In front of all of the same priority, and its lane is the next: it was taken, and not attempted.
  void put_back(Job job);
  /// The next one that is wanted. One with a priority above 0 goes before all lanes (RFC 6710 section 5.1).
  /// Nothing of the lane `except`, whatever its priority.
  std::optional<Job> pick(const Wanted& wanted, std::optional<store::Id> except = {});
  std::vector<Job> take_all();
  /// All jobs, to be changed; follow it by drop_empty().
  void each(const std::function<void(Job&)>& look);
  /// Those without a recipient go.
  void drop_empty();

private:
  struct Lane {
    std::deque<Job> jobs;
    std::int64_t credit = 0;
  };
  static std::int64_t cost_of(const Job& job);
  static std::int64_t share_of(store::Id lane);
  Lane& enter(store::Id lane, bool first);
  Job take(store::Id lane, std::deque<Job>::iterator at);
  std::optional<Job> pick_urgent(const Wanted& wanted, std::optional<store::Id> except);
  void rotate();
  void count(std::size_t size) {
    if (all_ != nullptr) *all_ += size - size_;
    size_ = size;
  }

  std::map<store::Id, Lane> lanes_; ///< those that have something
  std::deque<store::Id> ring_;      ///< the same, next first
  bool granted_ = false;            ///< the first one of the ring has had the share of this turn
  std::size_t size_ = 0, urgent_ = 0;
  std::size_t* all_ = nullptr;
};

} // namespace paquebot::queue
