#pragma once

#include "metrics/text.h"
#include "service/assembly.h"
#include "service/door.h"

#include <mutex>
#include <string>
#include <vector>

namespace paquebot::service {

/// The numbers of the running server for a monitor (docs/monitoring.md): what metrics/counters.h counts, and what is
/// looked up when somebody asks. What is costly to find out in the store is as old as kQueueAge at most. Thread-safe.
class Monitor {
public:
  static constexpr std::chrono::seconds kQueueAge{30};

  /// All must outlive it.
  Monitor(Assembly& parts, const Door& door) : parts_(parts), door_(door) {}

  /// In the text format of Prometheus.
  Task<std::string> text();

private:
  /// Of the store.
  struct Waiting {
    std::uint64_t recipients = 0, failing = 0, held = 0;
    std::int64_t oldest = 0; ///< when it was accepted; 0: nothing waits
    bool known = false;
  };
  Task<void> look_at_queue();
  std::vector<metrics::Gauge> gauges();
  void add_findings(std::vector<metrics::Gauge>& all) const;
  void add_providers(std::vector<metrics::Gauge>& all) const;
  void add_sites(std::vector<metrics::Gauge>& all) const;
  void add_queue(std::vector<metrics::Gauge>& all);
  void add_store(std::vector<metrics::Gauge>& all) const;

  Assembly& parts_;
  const Door& door_;
  std::mutex mutex_;
  Waiting waiting_;
  Instant asked_{}; ///< for waiting_
};

} // namespace paquebot::service
