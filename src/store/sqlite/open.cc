#include "base/log.h"
#include "store/sqlite/checkpoint.h"
#include "store/sqlite/files.h"
#include "store/sqlite/moved.h"
#include "store/sqlite/names.h"
#include "store/sqlite/pair.h"
#include "store/sqlite/queue.h"
#include "store/sqlite/schema.h"
#include "store/sqlite/store.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace paquebot::store::sqlite {
namespace {

constexpr int kCheckMs = 2000; // how long a start after a crash may look for damage, for each file

Result<> make_directory(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) == 0 || errno == EEXIST) return {};
  return fail(Errc::io, "cannot make the data directory " + path + ": " + std::strerror(errno));
}

/// The names of new files are on the disk only when their directory is.
Result<> sync_directory(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return fail(Errc::io, "cannot open the data directory " + path + ": " + std::strerror(errno));
  const bool synced = ::fsync(fd) == 0;
  ::close(fd);
  if (!synced) return fail(Errc::io, "cannot sync the data directory " + path + ": " + std::strerror(errno));
  return {};
}

/// Looks at a file with nothing but reading before anything is set or written in it. Only when its making was broken
/// off is there a rollback journal, without which nothing can be read: it is applied first.
Result<> inspect(const std::string& path, const Schema& schema) {
  if (!has_content(path)) return {};
  try {
    Db db = open_for_reading(path);
    return check_identity(db, schema, path);
  } catch (const DbError& error) {
    if ((error.code & 0xFF) != SQLITE_READONLY || !has_content(path + "-journal")) throw;
  }
  Db db(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX);
  return check_identity(db, schema, path);
}

/// A file ready for its writer: known, brought up to date, and with nothing left in the log. A new file was made with a
/// rollback journal: that this is gone has to be on the disk before anything is in the log, or it would be applied over
/// it.
Result<Db> prepare_file(const std::string& directory, const Schema& schema) {
  const std::string path = directory + "/" + schema.file;
  try {
    if (auto known = inspect(path, schema); !known) return std::unexpected(known.error());
    Db db = open_for_writing(path);
    if (auto synced = sync_directory(directory); !synced) return std::unexpected(synced.error());
    checkpoint_fully(db);
    migrate(db, schema);
    return db;
  } catch (const DbError& error) {
    if (error.damaged()) return std::unexpected(damaged_error(path, error.message));
    return fail(Errc::io, "cannot open " + path + ": " + error.message);
  }
}

Result<> check_after_crash(Db& main, Db& bulk, const SqliteOptions& options) {
  if (main.number("SELECT ended FROM node WHERE id = 1", 0) != 0) return {};
  if (auto sound = quick_check(main, options.directory + "/paquebot.db", kCheckMs); !sound) return sound;
  return quick_check(bulk, options.directory + "/bulk.db", kCheckMs);
}

/// Ids of large bodies that one file knows are not given again by the other. What has an owner is nobody's garbage,
/// though it is on the list.
void settle_bulk_ids(Db& main, Db& bulk) {
  const Id known = highest_bulk_id(main);
  if (begin_ids_above(bulk, known)) {
    log::warning("bulk-ids-raised",
                 {{"above", known}, {"why", "bulk.db would have given ids again"}, {"advice", "paquebot verify"}});
  }
  main.run("DELETE FROM bulk_garbage WHERE bulk IN (SELECT bulk FROM body WHERE bulk <> 0)");
  if (main.changes() != 0) log::error("garbage-owned", {{"bodies", main.changes()}, {"advice", "please report it"}});
}

/// Ends the last epoch: its staged bodies are swept, its work in hand waits again. Then a new one begins.
Id begin_epoch(Db& main, Db& bulk) {
  settle_bulk_ids(main, bulk);
  const Id last = main.number("SELECT epoch FROM node WHERE id = 1", 0);
  sweep_staged(main, bulk, last);
  main.run("BEGIN IMMEDIATE");
  main.run("UPDATE node SET epoch = epoch + 1, ended = 0 WHERE id = 1");
  return_orphans(main, last + 1);
  main.run("COMMIT");
  return last + 1;
}

Result<std::unique_ptr<Store>> open_files(SqliteOptions options, LockFile lock) {
  const std::string directory = options.directory;
  if (auto whole = check_company(directory); !whole) return std::unexpected(whole.error());
  if (auto own = check_bulk_file(directory); !own) return std::unexpected(own.error());
  auto main = prepare_file(directory, kMainSchema);
  if (!main) return std::unexpected(main.error());
  auto bulk = prepare_file(directory, kBulkSchema);
  if (!bulk) return std::unexpected(bulk.error());
  pair_files(*main, *bulk);
  if (auto here = check_moved(*main); !here && !options.moved_too) return std::unexpected(here.error());
  if (auto sound = check_after_crash(*main, *bulk, options); !sound) return std::unexpected(sound.error());
  for (const std::string& pair : settle_names(*main)) {
    log::warning("names-clash", {{"names", pair},
                                 {"advice", "each is reached by its own spelling only: remove or rename one of them"}});
  }
  const Id epoch = begin_epoch(*main, *bulk);
  if (auto synced = sync_directory(directory); !synced) return std::unexpected(synced.error());
  OpenFiles parts{std::move(options), std::move(lock), std::move(*main), std::move(*bulk), epoch};
  return std::make_unique<SqlStore>(parts_of(parts));
}

} // namespace

Result<std::unique_ptr<Store>> open_directory(SqliteOptions options) {
  if (auto made = make_directory(options.directory); !made) return std::unexpected(made.error());
  const std::chrono::milliseconds patience(options.lock_patience_ms);
  auto lock = LockFile::take(options.directory + "/paquebot.lock", patience);
  if (!lock) return std::unexpected(lock.error());
  const std::string path = options.directory;
  try {
    return open_files(std::move(options), std::move(*lock));
  } catch (const DbError& error) {
    if (error.damaged()) return std::unexpected(damaged_error(path, error.message));
    if (error.full()) return fail(Errc::no_space, "no room in " + path + " to open the store: free some disk space");
    return fail(Errc::io, "cannot open the store in " + path + ": " + error.message);
  }
}

} // namespace paquebot::store::sqlite

namespace paquebot::store {

Result<std::unique_ptr<Store>> open_sqlite(SqliteOptions options) { return sqlite::open_directory(std::move(options)); }

} // namespace paquebot::store
