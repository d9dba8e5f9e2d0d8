#pragma once

#include "base/task.h"
#include "store/mailboxes.h"

#include <boost/asio/any_io_executor.hpp>
#include <map>
#include <memory>
#include <mutex>

namespace paquebot::service {

/// A session that has a mailbox for itself (RFC 1939 section 4).
class MailboxHolder {
public:
  virtual ~MailboxHolder() = default;
  struct GivenUp {
    bool free = true;                              ///< it has not got the mailbox, or not any more
    std::unique_ptr<store::MailboxLock> lock = {}; ///< what it had of it, for whoever asked to unlock; may be null
  };
  /// Gives the mailbox up for a newer session of the same account, at once and with nothing deleted, when its client
  /// has been silent for long. On the session's own executor.
  virtual GivenUp give_way() = 0;
};

/// Who holds which mailbox, so that one whose client is gone without a word holds up no other. Thread-safe.
class MailboxHolders {
public:
  void hold(store::Id mailbox, boost::asio::any_io_executor executor, std::weak_ptr<MailboxHolder> holder);
  /// Before the mailbox is unlocked.
  void leave(store::Id mailbox);
  /// Asks the holder, and unlocks what it gives up; true when nobody holds it any more, so that it is worth while to
  /// try to lock it.
  Task<bool> take_over(store::Id mailbox);

private:
  struct Entry {
    boost::asio::any_io_executor executor;
    std::weak_ptr<MailboxHolder> holder;
  };
  std::mutex mutex_;
  std::map<store::Id, Entry> entries_;
};

} // namespace paquebot::service
