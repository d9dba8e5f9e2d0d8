#pragma once

#include "base/clock.h"
#include "base/task.h"
#include "base/ulid.h"
#include "directory/directory.h"
#include "dns/resolver.h"
#include "mail/address.h"
#include "queue/queue.h"
#include "store/store.h"

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace paquebot::mailauth {
struct DmarcReport;
}

namespace paquebot::delivery {

/// [authentication.reports] of the configuration.
struct DmarcSending {
  bool send = false;
  mail::Address from;
  std::string org_name;
  std::string contact; ///< whom to ask about the reports
};

/// Sends what was collected for aggregate reports of DMARC (RFC 9990), one message for each domain and day, to where
/// the domain wants them and who receives them agrees. A report is accepted like any other mail; what it was made of is
/// forgotten in the same transaction, so that it is sent once, whenever the process ends. Lives on one executor.
class DmarcReporter {
public:
  DmarcReporter(queue::Queue& queue, store::Store& store, directory::Directory& directory,
                std::shared_ptr<dns::Resolver> resolver, UlidSource& ids, const Clock& clock, std::string hostname);

  /// Sends what is due: a day's reports are from a moment within the hour behind it, the same one as long as the
  /// process lives, so that not all servers of the world send at midnight.
  Task<void> round(DmarcSending how);
  /// From any thread: round() returns after the report at hand.
  void stop() { stopping_ = true; }

private:
  using Recipients = std::vector<queue::DraftRecipient>;
  std::int64_t due_before() const;
  Task<void> send(store::DmarcDue due, DmarcSending how);
  Task<Result<Recipients>> recipients(store::DmarcDue due);
  Task<Result<>> add_addresses(std::string domain, std::string uri, std::vector<mail::Address>& to);
  Task<Result<>> read_rows(store::DmarcDay of, mailauth::DmarcReport& report);
  Task<Result<store::NewBody>> store_body(std::string body);
  Task<void> drop(store::DmarcDay of);
  void put_off(const store::DmarcDay& of, const std::string& why);
  std::int64_t now() const { return millis(clock_.wall()); }

  queue::Queue& queue_;
  store::Store& store_;
  directory::Directory& directory_;
  std::shared_ptr<dns::Resolver> resolver_;
  UlidSource& ids_;
  const Clock& clock_;
  std::string hostname_;
  std::chrono::milliseconds after_midnight_;
  std::map<store::DmarcDay, std::int64_t> put_off_; ///< until when
  std::atomic<bool> stopping_ = false;
};

} // namespace paquebot::delivery
