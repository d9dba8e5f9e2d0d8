#pragma once

#include "queue/job.h"

#include <cstddef>
#include <cstdint>

namespace paquebot::queue {

/// Bounds what windows keep in memory of messages just accepted, beside Options::window: jobs in all, octets in all.
/// What is beyond waits in the store. A message counts once for each of its destinations. Guard it by a lock.
class FreshBudget {
public:
  static constexpr std::size_t kMostJobs = 20'000;
  static constexpr std::uint64_t kMostBytes = 64U << 20;

  /// Octets of memory, roughly: the message, and what a job keeps of each recipient.
  static std::uint64_t weight(const store::AcceptRequest& request);

  /// Whether there is room for one more job of so many octets.
  bool fits(std::uint64_t bytes) const { return jobs_ < kMostJobs && bytes_ + bytes <= kMostBytes; }
  void take(std::uint64_t bytes);
  void give(std::size_t jobs, std::uint64_t bytes_each);
  /// A job comes back into a window, or leaves it; counts if it is fresh.
  void enter(const Job& job);
  void leave(const Job& job);
  std::size_t jobs() const { return jobs_; }

private:
  std::size_t jobs_ = 0;
  std::uint64_t bytes_ = 0;
};

} // namespace paquebot::queue
