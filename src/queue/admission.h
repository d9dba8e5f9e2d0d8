#pragma once

#include "base/task.h"
#include "queue/core.h"
#include "queue/draft.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace paquebot::queue {

/// Acceptance into the store, and what of it is delivered from memory at once: a place in the window is reserved before
/// the store is asked, so that the recipient is in hand from the first. Thread-safe.
class Admission {
public:
  explicit Admission(Core& core) : core_(core) {}

  /// See Queue. Uses the draft up before it gives a task.
  Task<store::AcceptResult> accept(Draft&& draft);

private:
  struct Reservation {
    std::vector<std::string> destinations; ///< one entry for each job reserved
    std::uint64_t bytes = 0;               ///< of each
  };
  Task<store::AcceptResult> admit(std::shared_ptr<store::AcceptRequest> request);
  bool goes_first(const Destination& place, store::Id lane, std::int64_t at) const;
  Reservation reserve(store::AcceptRequest& request);
  void offer(const std::shared_ptr<const store::AcceptRequest>& request, const Reservation& reservation,
             const std::vector<std::uint32_t>& held);
  void cancel(const store::AcceptRequest& request, const Reservation& reservation);

  Core& core_;
};

} // namespace paquebot::queue
