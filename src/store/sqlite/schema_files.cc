// What is done with a file by its schema: opened, told from others, brought up to date.
#include "store/sqlite/frames.h"
#include "store/sqlite/schema.h"

#include <chrono>
#include <fcntl.h>
#include <unistd.h>

namespace paquebot::store::sqlite {
namespace {

/// SQLite would make the file readable for everybody the umask allows; its log and index copy the file's mode.
void make_private_file(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) {
    DbError error{SQLITE_CANTOPEN, "cannot open or make " + path};
    throw error;
  }
  ::close(fd);
}

std::int64_t pragma_number(Db& db, const char* sql) { return db.number(sql, 0); }

} // namespace

Db open_for_writing(const std::string& path) {
  make_private_file(path);
  Db db(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, joining_vfs());
  sqlite3_busy_timeout(db.raw(), kBusyMs);
  // The first three can only be chosen before the first table is made; later they change nothing.
  db.exec("PRAGMA page_size = 16384");
  db.exec("PRAGMA auto_vacuum = INCREMENTAL");
  db.exec("PRAGMA journal_mode = WAL");
  db.exec("PRAGMA synchronous = FULL");
  db.exec("PRAGMA secure_delete = OFF");
  db.exec("PRAGMA wal_autocheckpoint = 0"); // the writer does it itself, after it has answered (Writer::checkpoint)
  db.exec("PRAGMA journal_size_limit = 67108864");
  db.exec("PRAGMA cache_size = -16384");
  db.exec("PRAGMA temp_store = MEMORY");
  db.exec("PRAGMA trusted_schema = OFF");
  return db;
}

Db open_for_reading(const std::string& path) {
  Db db(path, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX);
  sqlite3_busy_timeout(db.raw(), kBusyMs);
  db.exec("PRAGMA query_only = ON");
  db.exec("PRAGMA cache_size = -4096");
  db.exec("PRAGMA temp_store = MEMORY");
  db.exec("PRAGMA trusted_schema = OFF");
  return db;
}

Error damaged_error(const std::string& path, std::string_view why) {
  return {Errc::io, path + " is damaged (" + std::string(why) +
                        "); nothing was changed: restore a backup of the data directory, or start with a new one and "
                        "keep this one for "
                        "rescue"};
}

Result<> check_identity(Db& db, const Schema& schema, const std::string& path) {
  const std::int64_t application = pragma_number(db, "PRAGMA application_id");
  const std::int64_t version = pragma_number(db, "PRAGMA user_version");
  const std::int64_t tables = db.number("SELECT count(*) FROM sqlite_schema", 0);
  if (application == 0 && version == 0 && tables == 0) return {}; // new, or a crash before the first step was committed
  if (application != schema.application) {
    return fail(Errc::unsupported,
                path + " is not Paquebot's " + schema.file + ": it was left as it is; choose another data directory");
  }
  if (version > schema.count) {
    return fail(Errc::unsupported, path + " was made by a newer paquebot (schema " + std::to_string(version) +
                                       ", this one knows " + std::to_string(schema.count) +
                                       "): it was left as it is; upgrade the program");
  }
  return {};
}

void migrate(Db& db, const Schema& schema) {
  for (auto version = pragma_number(db, "PRAGMA user_version"); version < schema.count; ++version) {
    db.exec("BEGIN IMMEDIATE");
    db.exec(schema.steps[version].sql);
    db.exec(("PRAGMA user_version = " + std::to_string(version + 1)).c_str());
    db.exec(("PRAGMA application_id = " + std::to_string(schema.application)).c_str());
    db.exec("COMMIT");
  }
}

void view_as_today(Db& db, const Schema& schema) {
  if (pragma_number(db, "PRAGMA user_version") >= schema.count) return;
  Db today(":memory:", SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX);
  migrate(today, schema);
  db.exec("PRAGMA query_only = OFF"); // the views are made in memory; the file itself is open for reading
  Query tables = today.query("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'");
  while (tables.row()) {
    const std::string table = tables.text(0);
    const bool absent =
        db.number("SELECT count(*) FROM main.sqlite_schema WHERE type = 'table' AND name = ?", 0, table) == 0;
    std::string columns = absent ? "" : "*";
    Query column = today.query("SELECT name, ifnull(dflt_value, 'NULL') FROM pragma_table_info(?)", table);
    while (column.row()) {
      const std::string name = column.text(0);
      if (db.number("SELECT count(*) FROM pragma_table_info(?, 'main') WHERE name = ?", 0, table, name) != 0) continue;
      columns += (columns.empty() ? "" : ", ") + column.text(1) + " AS \"" + name + "\"";
    }
    if (columns == "*") continue;
    const std::string source = absent ? " WHERE 0" : " FROM main." + table;
    db.exec(("CREATE TEMP VIEW " + table + " AS SELECT " + columns + source).c_str());
  }
  db.exec("PRAGMA query_only = ON");
}

Result<> quick_check(Db& db, const std::string& path, int milliseconds) {
  using Clock = std::chrono::steady_clock;
  Clock::time_point deadline = Clock::now() + std::chrono::milliseconds(milliseconds);
  const auto late = [](void* until) { return Clock::now() > *static_cast<Clock::time_point*>(until) ? 1 : 0; };
  sqlite3_progress_handler(db.raw(), 10000, late, &deadline);
  std::string found;
  try {
    Query q = db.query("PRAGMA quick_check(1)");
    if (q.row()) found = q.text(0);
  } catch (const DbError& e) {
    found = (e.code & 0xFF) == SQLITE_INTERRUPT ? "ok" : e.message;
  }
  sqlite3_progress_handler(db.raw(), 0, nullptr, nullptr);
  if (found != "ok") return std::unexpected(damaged_error(path, found));
  return {};
}

} // namespace paquebot::store::sqlite
