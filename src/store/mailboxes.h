#pragma once

#include "base/result.h"
#include "base/task.h"
#include "store/types.h"

#include <memory>
#include <string>
#include <vector>

namespace paquebot::store {

/// A mailbox that one session has for itself (RFC 1939 section 4). May be let go after its store, and of any thread.
class MailboxLock {
public:
  MailboxLock() = default;
  /// Unlocks it, if unlock() has not: nobody waits, and nobody hears whether it could be done.
  virtual ~MailboxLock() = default;
  MailboxLock(const MailboxLock&) = delete;
  MailboxLock& operator=(const MailboxLock&) = delete;

  /// Lets others in. Awaited before its session is told to be over, so that the same client may come back at once. An
  /// error: it stays locked until this node's epoch ends.
  virtual Task<Result<>> unlock() = 0;
};

/// Mailboxes and their entries. Uids rise and are never given twice while a mailbox has its uidvalidity.
class Mailboxes {
public:
  virtual ~Mailboxes() = default;

  virtual Task<Result<MailboxInfo>> open(Id account, std::string name) = 0;
  /// One session a mailbox: conflict when another holds it. Ends with what it gives, or with this node's epoch.
  virtual Task<Result<std::unique_ptr<MailboxLock>>> lock(Id mailbox) = 0;
  /// Entries with uid > `after_uid`, ascending.
  virtual Task<Result<std::vector<EntryInfo>>> list_entries(Id mailbox, std::uint32_t after_uid, std::size_t most) = 0;
  /// The same of a view: also entries that were deleted since (EntryInfo::gone), and none that came since, so that what
  /// is the n-th of it stays so whatever other sessions do. conflict when it is so old that what was deleted is known
  /// no more (keep_trail_ms); not_found when the mailbox is gone.
  virtual Task<Result<std::vector<EntryInfo>>> list_view(MailboxView view, std::uint32_t after_uid,
                                                         std::size_t most) = 0;
  /// The uid of every `stride`-th entry of a view (the 1st, the stride+1st, …): a sparse index for message numbers.
  virtual Task<Result<std::vector<std::uint32_t>>> index_view(MailboxView view, std::uint32_t stride) = 0;
  virtual Task<Result<EntryContent>> read_entry(Id mailbox, std::uint32_t uid) = 0;
  /// The entry that a message came as into a mailbox of the account; not_found when it was deleted since, or moved.
  virtual Task<Result<EntryContent>> read_delivered(Id account, Ulid message) = 0;
  /// Whether something with this AcceptRequest::digest was imported into the account's INBOX, still there or deleted
  /// since.
  virtual Task<Result<bool>> was_imported(Id account, std::string digest) = 0;
  /// Several at once, in the order of `uids` (at least one), for who wants one after the other. Bodies that lie beside
  /// their head (at most kInlineBody octets) come along as `text`. Ends in front of the entry that would make it more
  /// than `most` octets in all, or that can't be read; the first is always there, or its error.
  virtual Task<Result<std::vector<EntryContent>>> read_entries(Id mailbox, std::vector<std::uint32_t> uids,
                                                               std::size_t most) = 0;
  /// Deletes entries (uids ascending); those already gone are passed over. One transaction.
  virtual Task<Result<std::size_t>> expunge(Id mailbox, std::vector<std::uint32_t> uids, std::string who) = 0;
  /// What one slice of expiry did.
  struct Expired {
    std::size_t removed = 0;
    bool more = false; ///< the round over all mailboxes is not done yet
  };
  /// One slice of a round over all mailboxes: deletes entries that came into their mailbox before `before`, whatever
  /// the ids of their messages; the trail says `who`. Once a day a round looks at every entry; the others end in each
  /// mailbox at the first that is not old and not of the future. Mailboxes that are locked are left for the next round;
  /// it holds the lock itself.
  virtual Task<Result<Expired>> expire_entries(std::int64_t before, std::string who) = 0;
};

} // namespace paquebot::store
