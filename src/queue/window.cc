#include "queue/window.h"

#include <cassert>
#include <utility>

namespace paquebot::queue {

void Window::add(Job job) {
  if (is_report(job.message)) ++reports_;
  jobs_.add(std::move(job));
}

void Window::put_back(Job job) {
  if (is_report(job.message)) ++reports_;
  jobs_.put_back(std::move(job));
}

std::optional<Job> Window::pick(bool reports, bool others, std::optional<store::Id> except) {
  if (!reports && !others) return std::nullopt;
  auto job = jobs_.pick([&](const Job& one) { return is_report(one.message) ? reports : others; }, except);
  if (job && is_report(job->message)) --reports_;
  assert(reports_ <= jobs_.size());
  return job;
}

std::vector<Job> Window::take_all() {
  reports_ = 0;
  return jobs_.take_all();
}

std::vector<Job> Window::withdraw(const Meant& meant) {
  std::vector<Job> taken;
  jobs_.each([&](Job& job) {
    std::vector<store::RecipientFacts> out;
    std::erase_if(job.recipients, [&](const store::RecipientFacts& recipient) {
      if (!meant(job.message, recipient)) return false;
      out.push_back(recipient);
      return true;
    });
    if (out.empty()) return;
    const bool all = job.recipients.empty();
    if (all && is_report(job.message)) --reports_;
    taken.push_back({job.message, std::move(out), all ? std::move(job.fresh) : nullptr});
  });
  if (!taken.empty()) jobs_.drop_empty();
  return taken;
}

} // namespace paquebot::queue
