#pragma once

#include "queue/lanes.h"

#include <cstddef>
#include <functional>
#include <optional>
#include <vector>

namespace paquebot::queue {

/// The jobs of one destination that wait in memory, in lanes. Whoever fills it bounds it (Options::window). Guard it by
/// a lock.
class Window {
public:
  void count_in(std::size_t* all) { jobs_.count_in(all); } ///< as in Lanes
  bool empty() const { return jobs_.empty(); }
  std::size_t size() const { return jobs_.size(); }
  bool has_lane(store::Id lane) const { return jobs_.has(lane); }
  std::vector<store::Id> lanes() const { return jobs_.lanes(); } ///< that something is in
  std::size_t reports() const { return reports_; }               ///< how many of them are (is_report())
  bool only_reports() const { return !jobs_.empty() && reports_ >= jobs_.size(); }

  /// As in Lanes.
  void add(Job job);
  void put_back(Job job);
  /// The next that is a report, if those are wanted, or that is none, if those are; nothing of the lane `except`.
  std::optional<Job> pick(bool reports, bool others, std::optional<store::Id> except = {});
  std::vector<Job> take_all();
  using Meant = std::function<bool(const store::MessageFacts&, const store::RecipientFacts&)>;
  /// The recipients that are meant, taken out, as jobs of their own. One has its fresh content if nobody else of the
  /// message stays.
  std::vector<Job> withdraw(const Meant& meant);

private:
  Lanes jobs_;
  std::size_t reports_ = 0;
};

} // namespace paquebot::queue
