#pragma once

#include "base/task.h"
#include "queue/core.h"

#include <optional>
#include <string>
#include <vector>

namespace paquebot::queue {

/// What became of recipients: recorded in the store, and what follows for their destination. Insists while the store
/// fails, so nothing is forgotten. Thread-safe.
class Settling {
public:
  explicit Settling(Core& core) : core_(core) {}

  /// Called when a message may owe a report.
  void on_owed(std::function<void()> wake) { core_.owed.set(std::move(wake)); }

  /// See Queue.
  Task<void> settle(std::string destination, std::vector<store::Outcome> outcomes, bool works);
  Task<void> settle_failed(std::string destination, std::vector<store::Outcome> outcomes, std::int64_t until,
                           std::string error);
  /// Outcomes of several messages at once, which change nothing in what is known of their destinations: for those that
  /// were reached while Standing::failing() said no.
  Task<void> settle_several(const std::vector<Settled>& several);
  /// What was taken in hand and not tried waits in the store again.
  Task<void> give_back(const std::string& key, const std::vector<store::Outcome>& outcomes);

private:
  /// A change of a back-off on its way into the store. Made under the lock, ended without it.
  class Change;
  Task<void> record(const std::vector<store::Outcome>& outcomes, std::optional<store::DestinationUpdate> update);
  Task<void> record_slice(std::vector<store::Outcome> outcomes, std::optional<store::DestinationUpdate> update);
  bool note_due(const std::vector<store::Outcome>& outcomes, const std::string& key);

  Core& core_;
};

} // namespace paquebot::queue
