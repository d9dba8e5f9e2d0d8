#include "delivery/deadlines.h"

#include "base/log.h"
#include "delivery/verdict.h"
#include "net/wheel.h"

#include <map>

namespace paquebot::delivery {
namespace {

constexpr std::size_t kMostOverdue = 100; // of one claim

} // namespace

Task<void> Deadlines::run() {
  while (!stopping_) {
    auto next = co_await store_.earliest_deadline();
    bool passed = next && *next != 0 && *next <= millis(clock_.settled());
    std::size_t treated = 0;
    if (passed) treated = co_await sweep();
    if (treated > 0) continue;
    auto rest = std::chrono::milliseconds(500);
    co_await net::sleep_for(rest);
  }
}

Task<std::size_t> Deadlines::sweep() {
  const std::int64_t at = millis(clock_.settled());
  auto items = co_await store_.claim_overdue(at, kMostOverdue);
  if (!items) {
    log::error("claim-failed", {{"why", items.error().message}});
    co_return 0;
  }
  std::map<std::string, std::vector<store::Outcome>> by_destination;
  std::size_t treated = 0;
  for (const store::WorkItem& item : *items) {
    for (const store::RecipientFacts& recipient : item.recipients) {
      by_destination[recipient.destination].push_back(overdue(item.message, recipient));
      log::info("overdue", {{"id", item.message.id.to_string()}, {"to", recipient.address}});
      ++treated;
    }
  }
  for (auto& [destination, outcomes] : by_destination) co_await queue_.settle(destination, std::move(outcomes), false);
  co_return treated;
}

} // namespace paquebot::delivery
