// The queue's side of deadlines (RFC 2852): what the store knows of them.

#include "base/log.h"
#include "queue/queue.h"

namespace paquebot::queue {
namespace {

constexpr std::size_t kMost = 100; // of one claim

} // namespace

Task<std::vector<Job>> Queue::take_overdue() {
  std::vector<Job> jobs;
  std::int64_t at = millis(clock_.settled());
  auto items = co_await store_.queue().claim_overdue(at, kMost);
  if (!items) {
    log::error("claim-failed", {{"why", items.error().message}});
    co_return jobs;
  }
  for (store::WorkItem& item : *items)
    jobs.push_back(Job{std::move(item.message), std::move(item.recipients), nullptr});
  co_return jobs;
}

Task<std::optional<std::int64_t>> Queue::next_deadline() {
  auto next = co_await store_.queue().earliest_deadline();
  if (!next || *next == 0) co_return std::nullopt;
  co_return *next;
}

} // namespace paquebot::queue
