#pragma once

#include "base/result.h"
#include "base/task.h"
#include "store/types.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace paquebot::store {

struct EntryInfo {
  std::uint32_t uid = 0;
  bool gone = false; ///< list_view(): it was deleted since; nothing else is known of it
  Ulid uidl;
  std::string old_uidl;    ///< what it goes by instead, when it was imported under that name; else empty
  std::uint64_t flags = 0; ///< entry_flags.h
  std::int64_t internal_date = 0;
  std::uint64_t size = 0; ///< octets as read: prefix, head and body
  std::int64_t modseq = 0;
  std::int64_t arrived = 0; ///< when it came into this mailbox
  Ulid message;             ///< the same for copies
};

struct EntryContent {
  EntryInfo info;
  std::string head; ///< Return-Path and Delivered-To in front, then the head
  BodyRef body;
  std::optional<std::string> text; ///< the whole body, where read_entries() brought it along
};

/// Uids that follow on each other.
struct UidRun {
  std::uint32_t first = 0;
  std::uint32_t last = 0;
  bool operator==(const UidRun&) const = default;
};
/// Ascending, and no two overlap.
using UidSet = std::vector<UidRun>;

/// A mailbox of an account with what it is called.
struct Folder : MailboxInfo {
  std::string name; ///< UTF-8, levels parted by "/"; INBOX in upper case
  std::uint8_t special_use =
      0; ///< bits of RFC 6154: 1 \\All, 2 \\Archive, 4 \\Drafts, 8 \\Flagged, 16 \\Junk, 32 \\Sent, 64 \\Trash
};
struct FolderList {
  std::vector<Folder> folders;
  std::vector<std::string> subscribed; ///< names, of which some may have no mailbox
};
inline constexpr std::size_t kMostFolders = 1000;       ///< mailboxes of an account
inline constexpr std::size_t kMostSubscriptions = 2000; ///< likewise

struct Keyword {
  unsigned bit = 0; ///< of an entry's flags
  std::string name;
};
/// The flags of an entry.
struct Mark {
  std::uint32_t uid = 0;
  std::uint64_t flags = 0;
  std::int64_t modseq = 0; ///< of the change that gave it these
  bool changed = true;     ///< mark(): false when they were so before
};
struct FlagChange {
  enum class How : std::uint8_t { add, remove, replace };
  How how = How::add;
  std::uint64_t flags = 0; ///< of kSystemFlags
  std::vector<std::string> keywords{};
  std::optional<std::int64_t> unchanged_since{}; ///< entries with a higher modseq are left alone
};
struct Marked {
  UidSet refused;                ///< by unchanged_since
  std::vector<Mark> marks;       ///< of all that are there
  std::vector<Keyword> keywords; ///< of the mailbox
};
/// What has happened to a mailbox since somebody saw it.
struct MailboxChanges {
  MailboxView until; ///< what is told here leads to this view
  UidSet gone;       ///< may have uids in it that he never saw, and some are told again
  UidSet added;
  std::vector<Mark> changed; ///< flags of those that he saw
  std::vector<Keyword> keywords;
  bool more = false; ///< ask again with `until`
};
/// What happened behind a modseq, of what is there now (RFC 7162).
struct EntriesSince {
  UidSet changed;        ///< there, new or with other flags
  UidSet gone;           ///< deleted since; may have some that came and went between
  bool all_gone = false; ///< what was deleted is not known so far back
};
struct FlagSums {
  std::uint32_t first_unseen = 0;   ///< uid; 0: all are seen
  std::uint64_t deleted_octets = 0; ///< of entries with kDeleted
};
/// What one slice of expunge_deleted() did.
struct Purged {
  std::size_t removed = 0;
  std::uint32_t done = 0; ///< all up to this uid were looked at
  bool more = false;
};
struct Copied {
  Id mailbox = 0;
  std::uint32_t uidvalidity = 0;
  std::vector<std::uint32_t> from, to; ///< uids in pairs, both ascending
};
inline constexpr std::size_t kMostMoved = 500; ///< entries that one call of mark() or copy() takes

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
  /// Whether something with this AcceptRequest::digest was imported into a mailbox of the account that is still
  /// there, if only the mailbox.
  virtual Task<Result<bool>> was_imported(Id account, std::string digest) = 0;
  /// Several at once, in the order of `uids` (at least one), for who wants one after the other. Bodies that lie beside
  /// their head (at most kInlineBody octets) come along as `text`. Ends in front of the entry that would make it more
  /// than `most` octets in all, or that can't be read; the first is always there, or its error.
  virtual Task<Result<std::vector<EntryContent>>> read_entries(Id mailbox, std::vector<std::uint32_t> uids,
                                                               std::size_t most) = 0;
  /// Deletes entries (uids ascending); those already gone are passed over. One transaction.
  virtual Task<Result<std::size_t>> expunge(Id mailbox, std::vector<std::uint32_t> uids, std::string who) = 0;

  // ---- Folders ----

  virtual Task<Result<FolderList>> list_folders(Id account) = 0;
  /// And those above it. conflict: it is there; refused: there are kMostFolders.
  virtual Task<Result<>> create_folder(Id account, std::string name, std::uint8_t special_use) = 0;
  /// With all that is in it; those below it stay, and so do subscriptions. refused: INBOX.
  virtual Task<Result<>> remove_folder(Id account, std::string name) = 0;
  /// With those below it. INBOX gives all that is in it to a new mailbox and is empty afterwards (RFC 9051 section
  /// 6.3.6). conflict: one of the new names is taken.
  virtual Task<Result<>> rename_folder(Id account, std::string from, std::string to) = 0;
  /// refused: there are kMostSubscriptions.
  virtual Task<Result<>> subscribe_folder(Id account, std::string name, bool subscribed) = 0;

  /// All that is in a mailbox was imported with the uids that it had elsewhere: from now on it has the uidvalidity of
  /// there too, so that what clients know of it stays true. Uids that the other place may still give (some from
  /// `uidnext` on) are given to nothing here. conflict: it is not as in `view` any more; refused: a uidvalidity that no
  /// clock gave by now, uids above kMostKeptUid, or nothing in it was imported; not_found: it is gone. When it has that
  /// uidvalidity already, nothing is changed.
  virtual Task<Result<>> adopt_uids(MailboxView view, std::uint32_t uidvalidity, std::uint32_t uidnext) = 0;

  // ---- Entries as IMAP sees them ----

  virtual Task<Result<std::vector<Keyword>>> list_keywords(Id mailbox) = 0;
  /// The uids of a view that are still there.
  virtual Task<Result<UidSet>> list_uids(MailboxView view) = 0;
  /// The first `most` entries of `uids`.
  virtual Task<Result<std::vector<EntryInfo>>> list_set(Id mailbox, UidSet uids, std::size_t most) = 0;
  /// Errors as list_view().
  virtual Task<Result<MailboxChanges>> changes_since(MailboxView view) = 0;
  /// `view`: uidnext of now, and the modseq that is asked about. not_found when the mailbox is gone.
  virtual Task<Result<EntriesSince>> entries_since(MailboxView view) = 0;
  /// Looks at every entry when some are unseen or deleted, and at none else.
  virtual Task<Result<FlagSums>> sum_flags(Id mailbox) = 0;
  /// Changes flags, in one transaction; `uids` has at most kMostMoved. refused: there is no room for another keyword.
  virtual Task<Result<Marked>> mark(Id mailbox, UidSet uids, FlagChange change) = 0;
  /// One slice: deletes those of `uids` that have kDeleted.
  virtual Task<Result<Purged>> expunge_deleted(Id mailbox, UidSet uids, std::string who) = 0;
  /// Copies entries, or moves them, into a mailbox of `account`, in one transaction; `uids` has at most kMostMoved.
  /// Flags and dates stay, content is shared. not_found: there is no such mailbox; refused: over the quota.
  virtual Task<Result<Copied>> copy(Id mailbox, UidSet uids, Id account, std::string to, bool move) = 0;

  // ---- Expiry ----

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
