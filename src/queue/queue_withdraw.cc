// The queue's side of accounts that look taken over.

#include "queue/queue.h"

namespace paquebot::queue {

Task<void> Queue::withdraw(store::Id account) {
  std::map<std::string, std::vector<store::Outcome>> taken;
  {
    std::lock_guard lock(mutex_);
    for (auto& [key, place] : destinations_) {
      std::erase_if(place.ready, [&](const Job& job) {
        if (job.message.account != account) return false;
        leave_window(job);
        for (const store::RecipientFacts& recipient : job.recipients)
          taken[key].push_back({.message = job.message.id,
                                .index = recipient.index,
                                .to = store::State::waiting,
                                .due = now(),
                                .attempted = false});
        return true;
      });
    }
  }
  for (auto& [key, outcomes] : taken) {
    co_await record(outcomes, std::nullopt);
    note_due(outcomes, key); // the mark may be gone by now: then they wait
  }
  if (!taken.empty()) wake_runnable();
}

} // namespace paquebot::queue
