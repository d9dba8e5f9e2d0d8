#pragma once

#include "base/result.h"
#include "store/sqlite_tx.h"

#include <string>
#include <vector>

namespace paquebot::store {

/// The name compared as RFC 3501 section 5.1 says: INBOX in any case. not_found when there is none.
Result<MailboxInfo> open_mailbox(Db& db, Id account, const std::string& name);
std::vector<EntryInfo> list_entries(Db& db, Id mailbox, std::uint32_t after_uid, std::size_t most);
/// Every `stride`-th uid among those above `after_uid` and below `below_uid`, the first included.
std::vector<std::uint32_t> index_entries(Db& db, Id mailbox, std::uint32_t after_uid, std::uint32_t below_uid,
                                         std::uint32_t stride, std::size_t most);
Result<EntryContent> read_entry(Db& db, Id mailbox, std::uint32_t uid);
/// As Store::was_imported.
bool was_imported(Db& db, Id account, const std::string& digest);
/// As Store::read_entries.
Result<std::vector<EntryContent>> read_entries(Db& db, Id mailbox, const std::vector<std::uint32_t>& uids,
                                               std::size_t most);
/// Returns how many there were to delete.
std::size_t expunge(Tx& tx, Id mailbox, const std::vector<std::uint32_t>& uids, const std::string& who);
/// Makes an empty mailbox whose uidvalidity no mailbox of this store ever had.
void make_mailbox(Tx& tx, Id account, const std::string& name);

} // namespace paquebot::store
