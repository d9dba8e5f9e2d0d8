#pragma once

#include "base/clock.h"
#include "base/task.h"
#include "mail/status.h"
#include "queue/queue.h"
#include "store/queue_store.h"

#include <map>
#include <mutex>
#include <string>

namespace paquebot::service {

/// One ETRN, as smtp::AskEtrn has it. `who`: a login, or an address in brackets.
struct EtrnOrder {
  char option = 0;
  std::string node;
  std::string who;
};

/// Starts the queues that ETRN names (RFC 1985), by the same action as an operator's `queue retry`: what a sender wants
/// held for later stays. A domain that a route of the configuration serves stands for that route's whole queue; "#NAME"
/// names a route. Each client may do it kPerMinute times a minute. Thread-safe.
class Etrn {
public:
  static constexpr unsigned kPerMinute = 10;

  Etrn(store::QueueStore& store, queue::Queue& queue, const Clock& clock)
      : store_(store), queue_(queue), clock_(clock) {}

  /// 251 nothing waits, 253 so many recipients are tried now, 458 not now (too often, or the store fails).
  Task<mail::Reply> start(EtrnOrder order);

private:
  struct Window {
    Instant began;
    unsigned used = 0;
  };

  bool allowed(const std::string& who);
  Task<Result<std::vector<std::string>>> destinations(EtrnOrder order);

  store::QueueStore& store_;
  queue::Queue& queue_;
  const Clock& clock_;
  std::mutex mutex_;
  std::map<std::string, Window> windows_; ///< of those who asked within the last minute
};

} // namespace paquebot::service
