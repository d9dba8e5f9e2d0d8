#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vector>

namespace paquebot::metrics {

/// What went through in one hour of UTC. `accepted`: messages; the others: recipients, and attempts that were refused.
struct Hour {
  std::int64_t at = 0; ///< its first millisecond
  std::uint64_t accepted = 0, delivered = 0, relayed = 0, deferred = 0, failed = 0, refused = 0;
};

/// The counters of the last two days by the hour, in memory: whoever is asked often enough (Hours::note) need not keep
/// each event. What happens between two looks counts for the hour of the later one. Thread-safe.
class Hours {
public:
  static constexpr std::size_t kMost = 48;

  /// `now`: ms since 1970. What the process counted before is not told.
  explicit Hours(std::int64_t now);

  /// Looks at the counters: at least once a minute.
  void note(std::int64_t now);
  /// The last `most` hours, the oldest first, that of `now` last; those in which nothing was counted are there, too.
  std::vector<Hour> last(std::size_t most, std::int64_t now);
  std::int64_t since() const { return since_; }

private:
  const std::int64_t since_;
  std::mutex mutex_;
  Hour before_; ///< totals at the last look
  std::array<Hour, kMost> hours_{};
};

} // namespace paquebot::metrics
