#pragma once

#include "base/clock.h"
#include "directory/directory.h"
#include "queue/queue.h"
#include "store/store.h"

#include <string>
#include <vector>

namespace paquebot::delivery {

/// Mail that waits for a domain of ours: held for want of an owner and released, or queued before the domain was added.
/// It is accepted again as a message to the directory's recipients, and the old recipient is closed as expanded into
/// it.
class Homecoming {
public:
  Homecoming(queue::Queue& queue, store::Store& store, directory::Directory& directory, const Clock& clock)
      : queue_(queue), store_(store), directory_(directory), clock_(clock) {}

  /// True when the destination is a domain of ours (and not a configured route). An error: nobody knows now.
  Task<Result<bool>> concerns(std::string destination);
  /// Takes in one job and records what became of each recipient.
  Task<void> take_in(std::string destination, queue::Job job);

private:
  Task<mail::Reply> take_in_one(const queue::Job& job, const store::RecipientFacts& recipient);
  Task<Result<queue::Draft>> draft(const queue::Job& job, const store::RecipientFacts& recipient);

  queue::Queue& queue_;
  store::Store& store_;
  directory::Directory& directory_;
  const Clock& clock_;
};

} // namespace paquebot::delivery
