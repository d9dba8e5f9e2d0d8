#include "queue/job.h"

#include <algorithm>
#include <utility>

namespace paquebot::queue {

bool is_report(const store::MessageFacts& message) {
  using enum store::MessageClass;
  return message.klass == report || (message.klass != submitted && message.sender.reverse_path.empty());
}

Job job_of(store::WorkItem item) { return Job{std::move(item.message), std::move(item.recipients), nullptr}; }

void let_wait(const std::vector<Job>& jobs, std::int64_t now, std::vector<store::Outcome>& outcomes) {
  for (const Job& job : jobs)
    for (const store::RecipientFacts& recipient : job.recipients)
      outcomes.push_back({.message = job.message.id,
                          .index = recipient.index,
                          .to = store::State::waiting,
                          .due = std::min(now, job.message.expires_at),
                          .attempted = false});
}

} // namespace paquebot::queue
