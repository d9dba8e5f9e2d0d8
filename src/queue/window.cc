#include "queue/window.h"

#include <algorithm>
#include <cassert>
#include <iterator>
#include <utility>

namespace paquebot::queue {

void Window::add(Job job) {
  assert(!job.recipients.empty() && "a job is for somebody");
  if (is_report(job.message)) ++reports_;
  const int priority = job.message.sender.priority;
  const auto lower = [priority](const Job& other) { return other.message.sender.priority < priority; };
  if (jobs_.empty() || !lower(jobs_.back())) return jobs_.push_back(std::move(job));
  const auto at = std::ranges::find_if(jobs_, lower);
  jobs_.insert(at, std::move(job));
}

void Window::put_back(Job job) {
  assert(!job.recipients.empty());
  if (is_report(job.message)) ++reports_;
  const int priority = job.message.sender.priority;
  const auto at =
      std::ranges::find_if(jobs_, [priority](const Job& other) { return other.message.sender.priority <= priority; });
  jobs_.insert(at, std::move(job));
}

std::optional<Job> Window::pick(bool reports, bool others) {
  const auto next =
      std::ranges::find_if(jobs_, [&](const Job& job) { return is_report(job.message) ? reports : others; });
  if (next == jobs_.end()) return std::nullopt;
  Job job = std::move(*next);
  jobs_.erase(next);
  if (is_report(job.message)) --reports_;
  assert(reports_ <= jobs_.size());
  return job;
}

std::vector<Job> Window::take_all() {
  std::vector<Job> jobs(std::make_move_iterator(jobs_.begin()), std::make_move_iterator(jobs_.end()));
  jobs_.clear();
  reports_ = 0;
  return jobs;
}

std::vector<Job> Window::withdraw(const Meant& meant) {
  std::vector<Job> taken;
  for (Job& job : jobs_) {
    std::vector<store::RecipientFacts> out;
    std::erase_if(job.recipients, [&](const store::RecipientFacts& recipient) {
      if (!meant(job.message, recipient)) return false;
      out.push_back(recipient);
      return true;
    });
    if (out.empty()) continue;
    const bool all = job.recipients.empty();
    taken.push_back({job.message, std::move(out), all ? std::move(job.fresh) : nullptr});
  }
  if (taken.empty()) return taken;
  std::erase_if(jobs_, [](const Job& job) { return job.recipients.empty(); });
  reports_ =
      static_cast<std::size_t>(std::ranges::count_if(jobs_, [](const Job& job) { return is_report(job.message); }));
  return taken;
}

} // namespace paquebot::queue
