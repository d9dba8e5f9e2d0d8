#pragma once

#include "base/result.h"
#include "store/sqlite/db.h"

#include <string>

namespace paquebot::store::sqlite {

/// "PQBT" and "PQBB" in the headers of paquebot.db and bulk.db, so that no other program's database is taken for ours.
inline constexpr std::int64_t kMainApplication = 0x50514254;
inline constexpr std::int64_t kBulkApplication = 0x50514242;

/// How long a connection waits for another one's lock, milliseconds.
inline constexpr int kBusyMs = 5000;

/// One step of a schema: takes a database from version `from` to `from + 1`.
struct Migration {
  const char* sql;
};

/// What makes a database file ours: its mark and its steps, oldest first. A step never changes once a commit has it:
/// people run those too.
struct Schema {
  const char* file; ///< name for messages
  std::int64_t application;
  const Migration* steps;
  int count; ///< the version this program writes
};

extern const Schema kMainSchema;
extern const Schema kBulkSchema;

/// Opens a file for writing with all settings of docs/architecture.md ("Store on SQLite"), making it when absent with
/// mode 0600. Throws DbError.
Db open_for_writing(const std::string& path);
/// Opens it for reading only. Throws DbError.
Db open_for_reading(const std::string& path);

/// Refuses a file that is not ours or newer than this program (Errc::unsupported), having only read it. Throws DbError.
Result<> check_identity(Db& db, const Schema& schema, const std::string& path);
/// Brings an older or empty file up to date, each step in one transaction. Throws DbError.
void migrate(Db& db, const Schema& schema);
/// For a connection of open_for_reading(): what today's schema has and an older file lacks is shown as migrate() would
/// add it (a table is empty, a column holds its default), by views of this connection. The file stays as it is. What a
/// step computes from other rows is not seen so. Throws DbError.
void view_as_today(Db& db, const Schema& schema);

/// Looks for damage for at most `milliseconds`; what could not be looked at in that time counts as sound.
Result<> quick_check(Db& db, const std::string& path, int milliseconds);

/// The error for a damaged file, with what to do about it.
Error damaged_error(const std::string& path, std::string_view why);

} // namespace paquebot::store::sqlite
