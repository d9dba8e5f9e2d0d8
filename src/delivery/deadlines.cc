#include "delivery/deadlines.h"

#include "base/log.h"
#include "delivery/verdict.h"
#include "net/wheel.h"

#include <map>

namespace paquebot::delivery {

Task<void> Deadlines::run() {
  while (!stopping_) {
    auto next = co_await queue_.next_deadline();
    bool passed = next && *next <= millis(clock_.settled());
    std::size_t treated = 0;
    if (passed) treated = co_await sweep();
    if (treated > 0) continue;
    auto rest = std::chrono::milliseconds(500);
    co_await net::sleep_for(rest);
  }
}

Task<std::size_t> Deadlines::sweep() {
  std::vector<queue::Job> jobs = co_await queue_.take_overdue();
  std::map<std::string, std::vector<store::Outcome>> by_destination;
  std::size_t treated = 0;
  for (const queue::Job& job : jobs) {
    for (const store::RecipientFacts& recipient : job.recipients) {
      by_destination[recipient.destination].push_back(overdue(job.message, recipient));
      log::info("overdue", {{"id", job.message.id.to_string()}, {"to", recipient.address}});
      ++treated;
    }
  }
  for (auto& [destination, outcomes] : by_destination) co_await queue_.settle(destination, std::move(outcomes), false);
  co_return treated;
}

} // namespace paquebot::delivery
