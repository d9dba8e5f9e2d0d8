#include "delivery/retry.h"

#include <algorithm>
#include <functional>

namespace paquebot::delivery {

std::int64_t due_again(const queue::Schedule& schedule, const store::MessageFacts& message,
                       const std::vector<store::RecipientFacts>& recipients, const std::string& destination,
                       std::int64_t now) {
  std::uint32_t attempts = 0;
  for (const store::RecipientFacts& recipient : recipients) attempts = std::max(attempts, recipient.attempts);
  const std::string seed = message.id.to_string() + destination;
  return queue::retry_at(schedule, attempts + 1, static_cast<std::uint32_t>(std::hash<std::string>()(seed)), now);
}

std::int64_t judged_by(const queue::Job& job, std::int64_t now) {
  return job.fresh ? std::min(now, job.message.accepted_at) : now;
}

} // namespace paquebot::delivery
