#pragma once

#include "base/clock.h"
#include "base/task.h"
#include "store/upkeep.h"

#include <functional>
#include <mutex>
#include <string>
#include <vector>

namespace paquebot::service {

/// Whether the server can do its work: the store commits, and all listeners listen. Found out when somebody asks, but
/// not more often than every few seconds, whoever asks. Thread-safe.
class Health {
public:
  /// Between two looks at the store; and how long a commit may take until the store counts as stuck.
  static constexpr std::chrono::seconds kEvery{5}, kPatience{10};

  /// `store` and `clock` must outlive it. `launch` runs a task, and whoever destroys this has waited for it.
  Health(store::Upkeep& store, std::function<void(Task<void>)> launch, const Clock& clock = system_clock());

  /// A listener that has ended counts as a problem.
  void listens(const std::string& what);
  void ended(const std::string& what);
  /// The server is about to end: it is not to get more work.
  void stop();
  /// It is to get no more work, though it goes on.
  void drain(bool drained);

  /// What is wrong now, a line each; none: ready. A write to the store is begun when the last one is long ago; what it
  /// shows is told the next time.
  std::vector<std::string> problems();

private:
  Task<void> look();

  store::Upkeep& store_;
  std::function<void(Task<void>)> launch_;
  const Clock& clock_;
  std::mutex mutex_;
  std::vector<std::string> deaf_;
  bool stopping_ = false;
  bool drained_ = false;
  bool looking_ = false;
  Instant begun_{};    ///< the last look
  std::string failed_; ///< what it showed; empty: it went well
};

} // namespace paquebot::service
