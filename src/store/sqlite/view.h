#pragma once

#include "base/result.h"
#include "store/mailboxes.h"
#include "store/sqlite/tx.h"

#include <vector>

/// What was deleted of a mailbox, and with it the mailbox as somebody saw it before (MailboxView).
namespace paquebot::store::sqlite {

/// Notes that these uids (ascending; all were there) were deleted by what gave the mailbox this modseq.
void note_expunged(Tx& tx, Id mailbox, std::int64_t modseq, const std::vector<std::uint32_t>& uids);
/// What was deleted of a view since, among the uids above `after_uid`: ascending, and no two have a uid in common.
/// Errors as Mailboxes::list_view.
Result<UidSet> gone_since(Db& db, const MailboxView& view, std::uint32_t after_uid);
/// Of a row that begins with uid, uidl, flags, internal_date, size, modseq, arrived and message.
EntryInfo entry_info(const Query& row);
/// As Mailboxes::list_view.
Result<std::vector<EntryInfo>> list_view(Db& db, const MailboxView& view, std::uint32_t after_uid, std::size_t most);
/// Every `stride`-th uid of a view among those above `after_uid`, the first included.
Result<std::vector<std::uint32_t>> index_view(Db& db, const MailboxView& view, std::uint32_t after_uid,
                                              std::uint32_t stride, std::size_t most);
/// Upkeep in slices: forgets what was deleted before `before`, or (by a clock that was wrong) after `future`. Goes
/// through all mailboxes in turn; false when it has come round.
bool forget_expunged(Tx& tx, std::int64_t before, std::int64_t future);
/// Forgets a bounded number of all that is known of a mailbox that is gone; false when nothing is left.
bool drop_expunged(Tx& tx, Id mailbox);

} // namespace paquebot::store::sqlite
