#pragma once

#include "base/clock.h"
#include "base/task.h"
#include "base/ulid.h"
#include "directory/directory.h"
#include "mail/report.h"
#include "policy/report_bounds.h"
#include "queue/queue.h"
#include "store/store.h"

#include <atomic>
#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <map>
#include <string>
#include <vector>

namespace paquebot::delivery {

/// Pays what messages owe their senders: one delivery report for all owing recipients of a message (RFC 3461, 3464),
/// accepted like any other mail; the marks are cleared in the same transaction. Where mail came in somebody's name and
/// too much of it failed, only whose domain vouched for it is told of the rest, later. One that can't be paid now is
/// tried again after 5 seconds, 10, 20 … up to 10 minutes, and holds up none behind it. Lives on one executor.
class Reporter {
public:
  Reporter(boost::asio::any_io_executor executor, queue::Queue& queue, store::Store& store,
           directory::Directory& directory, UlidSource& ids, const Clock& clock, std::string hostname);

  /// Whether outsiders' reports tell of the addresses that they named only, not of those that ours lead to. From any
  /// thread; no before it is called.
  void configure(bool hide_inner) { hide_inner_ = hide_inner; }
  Task<void> run();
  /// From any thread.
  void stop();
  void wake();
  /// Goes once through all that is owed and tries what is not put off; true when something was paid. What run() does,
  /// again and again.
  Task<bool> round();

private:
  /// A report that could not be paid: when it is tried again, and how long to wait after that.
  struct PutOff {
    Instant next;
    std::chrono::seconds wait{0};
    std::uint64_t round = 0; ///< in which it was seen last
  };

  Task<bool> pay(const store::OwedReport& owed);
  void put_off(const Ulid& message);
  Task<bool> report(const store::OwedReport& owed);
  Task<policy::ReportBounds::Answer> ask_bounds(const store::OwedReport& owed, const queue::DraftRecipient& recipient);
  Task<bool> compose(const store::OwedReport& owed, queue::Draft& draft);
  Task<bool> add_recipients(const store::OwedReport& owed, std::vector<mail::ReportRecipient>& rows);
  Task<Result<std::string>> original_body(const store::MessageFacts& message);
  Task<bool> waive(const store::OwedReport& owed, std::string why);

  boost::asio::any_io_executor executor_;
  queue::Queue& queue_;
  store::Store& store_;
  directory::Directory& directory_;
  UlidSource& ids_;
  const Clock& clock_;
  std::string hostname_;
  std::atomic<bool> hide_inner_{false};
  Condition changed_;
  policy::ReportBounds bounds_;
  std::map<Ulid, PutOff> put_off_; ///< bounded
  std::uint64_t round_ = 0;
  bool woken_ = false;
  bool stopping_ = false;
};

} // namespace paquebot::delivery
