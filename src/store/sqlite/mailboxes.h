#pragma once

#include "store/sqlite/tx.h"

#include <string>
#include <vector>

namespace paquebot::store::sqlite {

/// As it is kept: INBOX in any case is one name (RFC 3501 section 5.1).
std::string mailbox_name(const std::string& name);
/// Deletes entries and notes in `expunged` what they were; returns how many there were to delete.
std::size_t expunge(Tx& tx, Id mailbox, const std::vector<std::uint32_t>& uids, const std::string& who);
/// Mailboxes::was_imported().
bool was_imported(Db& db, Id account, const std::string& digest);
/// Makes an empty mailbox whose uidvalidity no mailbox of this store ever had.
void make_mailbox(Tx& tx, Id account, const std::string& name);

} // namespace paquebot::store::sqlite
