#pragma once

#include "store/sqlite/core.h"

#include <memory>
#include <mutex>
#include <unordered_set>
#include <utility>

namespace paquebot::store::sqlite {

/// Which mailboxes are locked by this node: in memory, so that a dead process takes its locks with it. Where several
/// nodes work on the store, a row tells the others, for as long as this node's epoch lasts.
class LockedMailboxes {
public:
  explicit LockedMailboxes(Core& core) : core_(core.shared ? &core : nullptr) {}

  bool add(Id mailbox) {
    const std::lock_guard lock(mutex_);
    return mailboxes_.insert(mailbox).second;
  }
  void remove(Id mailbox) {
    const std::lock_guard lock(mutex_);
    mailboxes_.erase(mailbox);
  }
  /// Where there are other nodes: whether none of them has it, and they know that we do.
  std::optional<Promised<Result<bool>>> claim(Id mailbox) {
    const std::lock_guard lock(mutex_);
    if (core_ == nullptr) return std::nullopt;
    return core_->submit([mailbox](Tx& tx) {
      tx.db.run("INSERT INTO mailbox_lock(mailbox, epoch) VALUES(?, ?) ON CONFLICT(mailbox) DO UPDATE SET "
                "epoch = excluded.epoch WHERE mailbox_lock.epoch = excluded.epoch",
                mailbox, tx.epoch);
      return tx.db.changes() == 1;
    });
  }
  /// The others may have it again. What is claimed later is done later.
  std::optional<Promised<Result<>>> disclaim(Id mailbox) {
    const std::lock_guard lock(mutex_);
    if (core_ == nullptr) return std::nullopt;
    return core_->submit([mailbox](Tx& tx) {
      tx.db.run("DELETE FROM mailbox_lock WHERE mailbox = ? AND epoch = ?", mailbox, tx.epoch);
    });
  }
  /// The store ends: what is still locked goes with its epoch.
  void close() {
    const std::lock_guard lock(mutex_);
    core_ = nullptr;
  }

private:
  std::mutex mutex_;
  Core* core_; ///< null: there are no others
  std::unordered_set<Id> mailboxes_;
};

class SqliteLock final : public MailboxLock {
public:
  SqliteLock(std::shared_ptr<LockedMailboxes> all, Id mailbox) : all_(std::move(all)), mailbox_(mailbox) {}
  ~SqliteLock() override {
    const auto all = std::exchange(all_, nullptr);
    if (!all) return;
    static_cast<void>(all->disclaim(mailbox_)); // nobody waits for it
    all->remove(mailbox_);
  }
  Task<Result<>> unlock() override {
    const auto all = std::exchange(all_, nullptr);
    if (!all) co_return Result<>();
    const auto job = all->disclaim(mailbox_);
    all->remove(mailbox_);
    if (!job) co_return Result<>();
    co_return co_await job->take();
  }

private:
  std::shared_ptr<LockedMailboxes> all_; ///< null: it is given back
  const Id mailbox_;
};

} // namespace paquebot::store::sqlite
