#pragma once

#include "store/audit.h"
#include "store/sqlite/tx.h"

namespace paquebot::store::sqlite {

/// Ends an account's sessions and links.
void end_access(Tx& tx, Id account);
/// The same, and it has no second factor any more.
void drop_access(Tx& tx, Id account);
/// A slice of what has ended by itself; true when there may be more.
bool drop_old_access(Tx& tx, std::int64_t now);

/// Keeps an entry of the audit log, of `now` unless it says when (audit.cc).
Id keep_entry(Db& db, const AuditEntry& entry, std::int64_t now);
/// A slice of the audit log that is too old or too much; true when there may be more (audit.cc).
bool drop_old_audit(Tx& tx, std::int64_t now);

} // namespace paquebot::store::sqlite
