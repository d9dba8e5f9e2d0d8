#pragma once

#include "base/result.h"
#include "store/mailboxes.h"
#include "store/sqlite/tx.h"

#include <string>
#include <vector>

/// The mailboxes of an account by their names.
namespace paquebot::store::sqlite {

/// Those that an account begins with: INBOX, Drafts, Sent, Junk, Trash and Archive, all subscribed.
void make_first_folders(Tx& tx, Id account);
/// The oldest mailbox with one of these uses, else what is named (which need not be there); empty: INBOX.
std::string wanted_folder(Db& db, Id account, std::uint8_t special_use, const std::string& named);
FolderList list_folders(Db& db, Id account);
/// As in Mailboxes; remove_folder gives the mailbox that is gone.
Result<> create_folder(Tx& tx, Id account, const std::string& name, std::uint8_t special_use);
Result<Id> remove_folder(Tx& tx, Id account, const std::string& name);
Result<> rename_folder(Tx& tx, Id account, const std::string& from, const std::string& to);
Result<> adopt_uids(Tx& tx, const MailboxView& view, std::uint32_t uidvalidity, std::uint32_t uidnext);
Result<> subscribe_folder(Tx& tx, Id account, const std::string& name, bool subscribed);

} // namespace paquebot::store::sqlite
