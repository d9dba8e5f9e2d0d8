#include "store/lock_file.h"
#include "store/offline.h"
#include "store/sqlite/archive.h"
#include "store/sqlite/bulk.h"
#include "store/sqlite/checkpoint.h"
#include "store/sqlite/copy.h"
#include "store/sqlite/pair.h"
#include "store/sqlite/rows.h"
#include "store/sqlite/schema.h"
#include "store/sqlite/verify.h"
#include "store/store.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace paquebot::store::sqlite {
namespace {

constexpr int kRestoredPages = 512;
constexpr int kRestoredChunks = 64;

bool holds_something(const std::string& path) {
  struct stat facts{};
  return ::stat(path.c_str(), &facts) == 0 && facts.st_size > 0;
}

void remove_with_companions(const std::string& path) {
  for (const char* end : {"", "-journal", "-wal", "-shm"}) ::unlink((path + end).c_str());
}

/// What is restored: a backup, which holds the tables of both files, or the two files themselves.
struct Source {
  Db main;
  Db bulk;
  std::optional<LockFile> lock;
};

/// One restore. Both files are built beside their places and named last, bulk.db first: paquebot.db alone would be
/// opened as a store whose large bodies are lost, bulk.db alone is refused. An older backup is checked as it is, then
/// its copy is upgraded and checked again; the backup itself is only read.
class Restore {
public:
  using Progress = std::function<void(std::uint64_t, std::uint64_t)>;
  Restore(Source source, std::string directory, const Progress& progress, bool force)
      : lock_(std::move(source.lock)), archive_(std::move(source.main)), bulk_(std::move(source.bulk)),
        directory_(std::move(directory)), progress_(progress), force_(force) {
    main_size_ =
        static_cast<std::uint64_t>(archive_.number("PRAGMA page_count", 0) * archive_.number("PRAGMA page_size", 0));
    bulk_size_ = static_cast<std::uint64_t>(bulk_.number("SELECT sum(size) FROM bulk", 0));
    older_ = archive_.number("PRAGMA user_version", 0) < kMainSchema.count;
    if (older_) view_as_today(archive_, kMainSchema);
  }
  ~Restore() {
    remove_with_companions(main_part());
    remove_with_companions(bulk_part());
  }
  Restore(const Restore&) = delete;
  Restore& operator=(const Restore&) = delete;

  Result<> run() {
    if (auto sound = check(archive_, bulk_, "this backup is not sound"); !sound) return sound;
    copy_main();
    copy_bulk();
    finish_main();
    if (older_) {
      if (auto sound = check_upgraded(); !sound) return sound;
    }
    for (const std::string& part : {main_part(), bulk_part()}) {
      if (auto synced = sync_path(part, O_RDONLY); !synced) return synced;
    }
    return name_files();
  }

  std::vector<Finding> take_findings() { return std::move(findings_); }

private:
  static constexpr std::size_t kMostFindings = 1000;
  std::string main_part() const { return directory_ + "/restore-" + kMainSchema.file; }
  std::string bulk_part() const { return directory_ + "/restore-" + kBulkSchema.file; }
  void tell() const { progress_(checked_ + copied_, (older_ ? 3 : 2) * main_size_ + bulk_size_); }

  Result<> check(Db& main, Db& bulk, const std::string& verdict) {
    const Id epoch = main.number("SELECT epoch FROM node WHERE id = 1", 0);
    const std::uint64_t before = checked_;
    for (std::optional<CheckPlace> at = CheckPlace{}; at;) {
      CheckStep step = check_step(main, bulk, epoch, *at);
      if (auto told = tell_findings(step.findings, verdict); !told) return told;
      at = step.next;
      checked_ = before + main_size_ * step.done / step.total;
      tell();
    }
    return {};
  }

  Result<> tell_findings(std::vector<Finding>& found, const std::string& verdict) {
    for (Finding& finding : found) {
      const bool damaged = pages_damaged(finding);
      if (damaged || !force_) {
        return fail(Errc::io, verdict + ", nothing was restored: " + finding.what + "; take another backup" +
                                  (damaged ? "" : ", or restore it as it is: --force"));
      }
      const auto same = [&finding](const Finding& known) { return known.what == finding.what; };
      if (findings_.size() < kMostFindings && std::ranges::none_of(findings_, same))
        findings_.push_back(std::move(finding));
    }
    return {};
  }

  /// Both files as they are about to be named. Opened for writing, since the last to close one takes its log away.
  Result<> check_upgraded() {
    Db main = open_for_writing(main_part());
    Db bulk = open_for_writing(bulk_part());
    return check(main, bulk, "this backup of an older version is not sound once it is upgraded");
  }

  void copy_main() {
    remove_with_companions(main_part());
    ::close(::open(main_part().c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    FileCopy copy(archive_, main_part());
    for (;;) {
      const auto step = copy.step(kRestoredPages);
      if (!step) {
        DbError error{step.error().code == Errc::no_space ? SQLITE_FULL : SQLITE_IOERR, step.error().message};
        throw error;
      }
      copied_ = step->done;
      tell();
      if (step->finished) return;
    }
  }

  void copy_bulk() {
    remove_with_companions(bulk_part());
    Db bulk = open_for_writing(bulk_part());
    bulk.exec("PRAGMA synchronous = OFF");
    migrate(bulk, kBulkSchema);
    bulk.run("BEGIN");
    // The files themselves, not a backup of them, may also hold what was given up and waits for its sweep: nobody would
    // sweep it.
    Query bodies = bulk_.query("SELECT id, epoch, state, size FROM bulk ORDER BY id");
    while (bodies.row()) {
      if (archive_.number("SELECT 1 FROM body WHERE bulk = ?", 0, bodies.i64(0)) == 0) continue;
      bulk.run("INSERT INTO bulk(id, epoch, state, size) VALUES(?, ?, ?, ?)", bodies.i64(0), bodies.i64(1),
               bodies.i64(2), bodies.i64(3));
    }
    Query chunks = bulk_.query("SELECT bulk, start, sum, data FROM chunk ORDER BY bulk, start");
    for (int n = 1; chunks.row(); ++n) {
      copied_ += chunks.view(3).size();
      if (bulk.number("SELECT 1 FROM bulk WHERE id = ?", 0, chunks.i64(0)) == 0) continue;
      bulk.run("INSERT INTO chunk(bulk, start, sum, data) VALUES(?, ?, ?, ?)", chunks.i64(0), chunks.i64(1),
               chunks.i64(2), Blob{chunks.view(3)});
      if (n % kRestoredChunks != 0) continue;
      bulk.run("COMMIT");
      bulk.run("BEGIN");
      tell();
    }
    bulk.run("COMMIT");
    // Ids that the old store gave, and gave up, since may still be named somewhere.
    begin_ids_above(bulk, std::max(highest_bulk_id(archive_),
                                   bulk_.number("SELECT seq FROM sqlite_sequence WHERE name = 'bulk'", 0)));
    checkpoint_fully(bulk);
  }

  /// Upgrades the copy, and makes a store of it. What the old one had given up was not copied. Ids that were given
  /// after the backup must not come back for other mail: IMAP clients keep what they know by uid, and uidvalidity tells
  /// them to forget it.
  void finish_main() {
    Db main = open_for_writing(main_part());
    migrate(main, kMainSchema);
    main.exec("BEGIN");
    main.exec(
        "DROP TABLE IF EXISTS bulk; DROP TABLE IF EXISTS chunk; DROP TABLE IF EXISTS backup; DELETE FROM bulk_garbage");
    main.exec(("PRAGMA application_id = " + std::to_string(kMainApplication)).c_str());
    const std::int64_t last = main.number("SELECT max(uidvalidity) FROM mailbox", 0);
    const std::int64_t fresh = std::max(last + 1, millis(system_clock().wall()) / 1000);
    main.exec("DELETE FROM web_session; DELETE FROM once_link"); // they may have been ended since
    main.exec("DELETE FROM expunged");                           // under another uidvalidity nobody asks for it
    // No two alike: one may be renamed to what another was called.
    main.run("UPDATE mailbox SET uidvalidity = ? + n.before, forgotten = highestmodseq FROM (SELECT id, row_number() "
             "OVER (ORDER BY id) - 1 AS before FROM mailbox) n WHERE n.id = mailbox.id",
             fresh);
    main.run("UPDATE setting SET value = max(CAST(value AS INTEGER), ifnull((SELECT max(uidvalidity) FROM mailbox), "
             "0)) WHERE key = 'mailbox.uidvalidity'");
    main.run("INSERT OR REPLACE INTO setting(key, value) VALUES(?, ?)", std::string_view(kRestoredSetting),
             std::string_view("yes"));
    hold_queue(main);
    main.exec("COMMIT");
    main.exec("PRAGMA incremental_vacuum");
    Db bulk = open_for_writing(bulk_part());
    pair_anew(main, bulk); // the files of before are of another store now
    checkpoint_fully(bulk);
    checkpoint_fully(main);
  }

  static void hold_queue(Db& main) {
    const std::string reason = "held by restore: it may have been delivered after the backup was made";
    const std::int64_t now = millis(system_clock().wall());
    std::vector<std::pair<Ulid, std::vector<std::uint32_t>>> messages;
    {
      Query q = main.query("SELECT message, n FROM recipient WHERE state IN (2, 3) ORDER BY message, n");
      while (q.row()) {
        if (messages.empty() || messages.back().first != q.ulid(0)) messages.emplace_back(q.ulid(0), 0);
        messages.back().second.push_back(q.u32(1));
      }
    }
    main.run(
        "UPDATE recipient SET state = 1, owner = 0, changed_at = ?, reason = ?, hold_kind = ? WHERE state IN (2, 3)",
        now, reason, HoldKind::restored);
    main.run("UPDATE destination SET waiting = 0");
    for (auto& [message, indexes] : messages)
      add_events(main, message, {{now, EventKind::held, std::move(indexes), reason, 1}});
  }

  Result<> name_files() {
    const std::pair<std::string, const char*> files[] = {{bulk_part(), kBulkSchema.file},
                                                         {main_part(), kMainSchema.file}};
    for (const auto& [part, name] : files) {
      const std::string place = directory_ + "/" + name;
      if (::rename(part.c_str(), place.c_str()) != 0)
        return fail(Errc::io, "can't name " + place + ": " + std::strerror(errno));
      if (auto synced = sync_path(directory_, O_RDONLY | O_DIRECTORY); !synced) return synced;
    }
    return {};
  }

  const std::optional<LockFile> lock_;
  Db archive_;
  Db bulk_; ///< of the archive, or the file beside it
  const std::string directory_;
  const Progress& progress_;
  const bool force_;
  std::vector<Finding> findings_;
  bool older_ = false; ///< than this program's schema
  std::uint64_t main_size_ = 0;
  std::uint64_t bulk_size_ = 0;
  std::uint64_t checked_ = 0;
  std::uint64_t copied_ = 0;
};

/// The file beside it when it belongs to it, else one of the same tables without a row: ids of bodies are small
/// numbers, and those of another store would be given out as this one's mail.
Db open_beside(const std::string& path, Db& main) {
  const std::string beside = path.substr(0, path.rfind('/') + 1) + kBulkSchema.file;
  if (holds_something(beside)) {
    Db bulk = open_for_reading(beside);
    if (is_pair(main, bulk)) {
      view_as_today(bulk, kBulkSchema);
      return bulk;
    }
  }
  Db none(":memory:", SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX);
  migrate(none, kBulkSchema);
  return none;
}

/// The paquebot.db of a data directory, which nobody may have open.
Result<Source> open_data(const std::string& path, Db db) {
  auto lock = LockFile::take(path.substr(0, path.rfind('/') + 1) + "paquebot.lock");
  if (!lock) return std::unexpected(lock.error());
  if (auto known = check_identity(db, kMainSchema, path); !known) return std::unexpected(known.error());
  Db bulk = open_beside(path, db);
  return Source{std::move(db), std::move(bulk), std::move(*lock)};
}

Result<Source> open_archive(const std::string& path, bool force) {
  if (!holds_something(path))
    return ::access(path.c_str(), F_OK) == 0 ? fail(Errc::invalid, path + " is no backup: it is empty")
                                             : fail(Errc::not_found, "there is no backup " + path);
  Db db = open_for_reading(path);
  const std::int64_t version = db.number("PRAGMA user_version", 0);
  if (force && version >= 1 && db.number("PRAGMA application_id", 0) == kMainApplication)
    return open_data(path, std::move(db));
  if (db.number("PRAGMA application_id", 0) != kArchiveApplication || version < 1)
    return fail(Errc::unsupported, path + " is not a backup made by paquebot backup");
  if (version > kMainSchema.count || db.number("SELECT format FROM backup", 0) > kArchiveFormat)
    return fail(Errc::unsupported, path + " was made by a newer paquebot: restore it with that one");
  Db bulk = open_for_reading(path);
  return Source{std::move(db), std::move(bulk), std::nullopt};
}

std::int64_t time_of(Db& source) {
  const bool archive = source.number("PRAGMA application_id", 0) == kArchiveApplication;
  return archive ? source.number("SELECT made_at FROM backup", 0) : source.number("SELECT heartbeat FROM node", 0);
}

} // namespace

} // namespace paquebot::store::sqlite

namespace paquebot::store {

Result<RestoreResult> restore_sqlite(const std::string& backup, const std::string& directory,
                                     const std::function<void(std::uint64_t done, std::uint64_t total)>& progress,
                                     bool force, const std::optional<Owner>& writer) {
  using namespace sqlite;
  try {
    auto archive = open_archive(backup, force);
    if (!archive) return std::unexpected(archive.error());
    // All that is read is open by now: SQLite keeps it, and the log beside it, until the end.
    for (Db* db : {&archive->main, &archive->bulk}) db->number("SELECT count(*) FROM sqlite_schema", 0);
    const ActAs acting(writer);
    if (acting.failed())
      return fail(Errc::permission, "can't act as the owner of " + directory + ": " + std::strerror(errno));
    if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST)
      return fail(Errc::io, "can't make the data directory " + directory + ": " + std::strerror(errno));
    auto lock = LockFile::take(directory + "/paquebot.lock");
    if (!lock) return std::unexpected(lock.error());
    for (const Schema* schema : {&kMainSchema, &kBulkSchema}) {
      const std::string path = directory + "/" + schema->file;
      if (holds_something(path))
        return fail(Errc::conflict, path + " is there already: a backup is restored into a directory without a store "
                                           "only; move the old one away first");
      remove_with_companions(path);
    }
    RestoreResult result;
    result.made_at = time_of(archive->main);
    result.held =
        static_cast<std::size_t>(archive->main.number("SELECT count(*) FROM recipient WHERE state IN (2, 3)", 0));
    Restore restore(std::move(*archive), directory, progress, force);
    if (auto done = restore.run(); !done) return std::unexpected(done.error());
    result.findings = restore.take_findings();
    return result;
  } catch (const DbError& error) {
    if (error.damaged())
      return fail(Errc::io,
                  backup + " is damaged or no backup, nothing was restored: take another one, or another copy of it");
    return fail(error.full() ? Errc::no_space : Errc::io, "the backup can't be restored: " + error.message);
  }
}

} // namespace paquebot::store
