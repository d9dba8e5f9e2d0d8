#pragma once

#include "queue/job.h"

#include <cstddef>
#include <deque>
#include <functional>
#include <optional>
#include <vector>

namespace paquebot::queue {

/// The jobs of one destination that wait in memory: highest priority first, within one as they came (RFC 6710 section
/// 5.1). Whoever fills it bounds it (Options::window). Guard it by a lock.
class Window {
public:
  bool empty() const { return jobs_.empty(); }
  std::size_t size() const { return jobs_.size(); }
  std::size_t reports() const { return reports_; } ///< how many of them are (is_report())
  bool only_reports() const { return !jobs_.empty() && reports_ >= jobs_.size(); }

  /// Behind all of the same priority, in front of those of a lower one.
  void add(Job job);
  /// In front of all of the same priority: it was taken, and not attempted.
  void put_back(Job job);
  /// The first that is a report, if those are wanted, or that is none, if those are.
  std::optional<Job> pick(bool reports, bool others);
  std::vector<Job> take_all();
  using Meant = std::function<bool(const store::MessageFacts&, const store::RecipientFacts&)>;
  /// The recipients that are meant, taken out, as jobs of their own. One has its fresh content if nobody else of the
  /// message stays.
  std::vector<Job> withdraw(const Meant& meant);

private:
  std::deque<Job> jobs_;
  std::size_t reports_ = 0;
};

} // namespace paquebot::queue
