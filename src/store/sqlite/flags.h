#pragma once

#include "base/result.h"
#include "store/mailboxes.h"
#include "store/sqlite/tx.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// Entries as IMAP sees them: what changed, and changes of flags and places.
namespace paquebot::store::sqlite {

std::vector<Keyword> list_keywords(Db& db, Id mailbox);
/// The flag of a keyword in a mailbox, which is made when there is none yet; nothing: there is no more room.
std::optional<std::uint64_t> keyword_bit(Tx& tx, Id mailbox, const std::string& name);
/// Those of a view above `after`, as runs that may follow on each other; at most `most` uids.
struct UidSlice {
  UidSet runs;
  bool more = false;
};
UidSlice uid_runs(Db& db, const MailboxView& view, std::uint32_t after, std::size_t most);
/// As in Mailboxes.
std::vector<EntryInfo> list_set(Db& db, Id mailbox, const UidSet& uids, std::size_t most);
Result<MailboxChanges> changes_since(Db& db, const MailboxView& view);
Result<EntriesSince> entries_since(Db& db, const MailboxView& view);
FlagSums sum_flags(Db& db, Id mailbox);
Result<Marked> mark(Tx& tx, Id mailbox, const UidSet& uids, const FlagChange& change);
Purged expunge_deleted(Tx& tx, Id mailbox, const UidSet& uids, const std::string& who);
Result<Copied> copy_entries(Tx& tx, Id mailbox, const UidSet& uids, Id account, const std::string& to, bool move);

} // namespace paquebot::store::sqlite
