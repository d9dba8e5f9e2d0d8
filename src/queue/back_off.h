#pragma once

#include "queue/schedule.h"

#include <cstdint>
#include <string>

namespace paquebot::queue {

/// What is known of the failures of one destination: how many attempts in a row failed as a whole, and until when it
/// rests (wall milliseconds). Pure. Guard it by a lock.
class BackOff {
public:
  bool rests(std::int64_t now) const { return until_ > now; }
  std::int64_t until() const { return until_; }
  std::uint32_t failures() const { return failures_; }
  const std::string& error() const { return error_; } ///< why it rests

  /// The destination failed. Workers that fail together, which is while it rests, count once.
  void fail(std::int64_t now, std::int64_t until, std::string error);
  void work();
  /// What the store knows, which others may have found out.
  void learn(std::int64_t until, std::uint32_t failures, std::string error);
  /// Ends a rest that goes on behind `latest`, which a clock that was ahead has made. True when there was one.
  bool end_beyond(std::int64_t latest);
  /// When it is to be tried again if it fails now; the same for all that fail before that. `random`: any 32 random
  /// bits.
  std::int64_t next(const Schedule& schedule, std::int64_t now, std::uint32_t random) const;

private:
  std::int64_t until_ = 0;
  std::uint32_t failures_ = 0;
  std::string error_;
};

} // namespace paquebot::queue
