#include "queue/fresh_budget.h"

#include <cassert>

namespace paquebot::queue {

std::uint64_t FreshBudget::weight(const store::AcceptRequest& request) {
  return request.head.size() + request.body.bytes.size() + 1024 + 512 * request.recipients.size();
}

void FreshBudget::take(std::uint64_t bytes) {
  ++jobs_;
  bytes_ += bytes;
}

void FreshBudget::give(std::size_t jobs, std::uint64_t bytes_each) {
  assert(jobs <= jobs_ && jobs * bytes_each <= bytes_ && "no more comes out than went in");
  jobs_ -= jobs;
  bytes_ -= jobs * bytes_each;
}

void FreshBudget::enter(const Job& job) {
  if (job.fresh) take(weight(*job.fresh));
}

void FreshBudget::leave(const Job& job) {
  if (job.fresh) give(1, weight(*job.fresh));
}

} // namespace paquebot::queue
