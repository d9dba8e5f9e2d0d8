#pragma once

#include "base/clock.h"
#include "base/task.h"
#include "mailauth/dmarc.h"
#include "mailauth/dmarc_report.h"
#include "store/books.h"

#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <utility>

namespace paquebot::intake {

/// Collects what aggregate reports of DMARC will tell (RFC 9990), in memory, and writes it to the store now and then:
/// strangers must not be able to make us write for each message. What was not written yet is lost when the process
/// dies. Thread-safe.
class DmarcBook {
public:
  /// Both must outlive it.
  DmarcBook(store::Books& store, const Clock& clock) : store_(store), clock_(clock) {}

  /// Whether anything is collected from now on.
  void configure(bool on) { on_ = on; }
  bool on() const { return on_; }
  /// Counts one message whose author's domain publishes a usable record and wants reports (rua=); others are passed
  /// over.
  void count(const mailauth::DmarcOutcome& dmarc, mailauth::DmarcReport::Row row);
  /// Writes what there is. What the store can't take is lost, and the log says so.
  Task<void> flush();

  /// Rows that are kept in memory; further ones are not counted.
  static constexpr std::size_t kMostRows = 10'000;

private:
  struct Page {
    std::string policy;
    std::map<std::pair<std::string, std::string>, std::uint64_t> rows; ///< by source and detail
  };
  using Pages = std::map<store::DmarcDay, Page>;
  Pages tear_off();

  store::Books& store_;
  const Clock& clock_;
  std::atomic<bool> on_ = false;
  std::mutex mutex_;
  Pages pages_;
  std::size_t rows_ = 0;
  std::uint64_t lost_ = 0; ///< messages that had no room
};

} // namespace paquebot::intake
