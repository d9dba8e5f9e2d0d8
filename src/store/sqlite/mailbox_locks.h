#pragma once

#include "store/mailboxes.h"

#include <memory>
#include <mutex>
#include <unordered_set>
#include <utility>

namespace paquebot::store::sqlite {

/// Which mailboxes are locked. In memory: the lock on the directory keeps every other process away, and a dead process
/// takes its locks with it.
class LockedMailboxes {
public:
  bool add(Id mailbox) {
    const std::lock_guard lock(mutex_);
    return mailboxes_.insert(mailbox).second;
  }
  void remove(Id mailbox) {
    const std::lock_guard lock(mutex_);
    mailboxes_.erase(mailbox);
  }

private:
  std::mutex mutex_;
  std::unordered_set<Id> mailboxes_;
};

class SqliteLock final : public MailboxLock {
public:
  SqliteLock(std::shared_ptr<LockedMailboxes> all, Id mailbox) : all_(std::move(all)), mailbox_(mailbox) {}
  ~SqliteLock() override { release(); }
  Task<Result<>> unlock() override {
    release();
    co_return Result<>();
  }

private:
  void release() {
    if (const auto all = std::exchange(all_, nullptr)) all->remove(mailbox_);
  }

  std::shared_ptr<LockedMailboxes> all_; ///< null: it is given back
  const Id mailbox_;
};

} // namespace paquebot::store::sqlite
