#include "store/sqlite/archive.h"

#include "store/sqlite/bulk.h"
#include "store/sqlite/rules.h"
#include "store/sqlite/schema.h"
#include "store/sqlite/verify.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace paquebot::store::sqlite {
namespace {

constexpr int kArchivedChunks = 64; // 16 MiB

constexpr const char* kArchiveTables = R"sql(
CREATE TABLE backup(format INTEGER NOT NULL, made_at INTEGER NOT NULL);
CREATE TABLE bulk(id INTEGER PRIMARY KEY AUTOINCREMENT, epoch INTEGER NOT NULL, state INTEGER NOT NULL, size INTEGER NOT NULL);
CREATE TABLE chunk(bulk INTEGER NOT NULL, start INTEGER NOT NULL, sum INTEGER NOT NULL, data BLOB NOT NULL,
  PRIMARY KEY(bulk, start)) WITHOUT ROWID;
)sql";

constexpr const char* kAdvice =
    "; choose a folder where the server's user may write: in the data directory, or one that server.backup_dirs names";

std::unexpected<Error> failed(const std::string& what) {
  const int number = errno;
  const Errc code = number == EACCES || number == EPERM ? Errc::permission
                    : number == ENOSPC                  ? Errc::no_space
                                                        : Errc::io;
  return fail(code, "can't " + what + ": " + std::strerror(number) + (code == Errc::permission ? kAdvice : ""));
}

std::string folder_of(const std::string& path) {
  const std::string folder = path.substr(0, path.rfind('/'));
  return folder.empty() ? "/" : folder;
}

} // namespace

Result<> sync_path(const std::string& path, int flags) {
  const int fd = ::open(path.c_str(), flags | O_CLOEXEC);
  if (fd < 0) return failed("open " + path);
  const bool synced = ::fsync(fd) == 0;
  const int number = errno;
  ::close(fd);
  errno = number;
  if (!synced) return failed("sync " + path);
  return {};
}

bool pages_damaged(const Finding& finding) { return finding.rule == kPagesRule; }

Result<> ArchiveMaker::prepare(const std::string& path) {
  if (path.empty() || path.front() != '/' || path.back() == '/') {
    return fail(Errc::invalid, "a backup needs the whole path of a file, like /var/backups/paquebot.backup");
  }
  struct stat facts{};
  if (::lstat(path.c_str(), &facts) == 0)
    return fail(Errc::conflict, path + " is there already: choose another name, or remove it");
  const std::string part = path + ".part";
  for (const char* left : {"", "-journal", "-wal", "-shm"})
    ::unlink((part + left).c_str()); // of one that was broken off
  const int fd = ::open(part.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return failed("make " + part);
  ::close(fd);
  return {};
}

ArchiveMaker::~ArchiveMaker() {
  db_.reset();
  if (phase_ == Phase::done) return;
  for (const char* left : {"", "-journal", "-wal", "-shm"}) ::unlink((part() + left).c_str());
}

BackupStep ArchiveMaker::share_of_copy(const BackupStep& copied) {
  main_ = copied.total;
  BackupStep out = progress();
  out.done = copied.done;
  return out;
}

/// Writing a body or a page and checking it count the same.
BackupStep ArchiveMaker::progress() const {
  const std::uint64_t all = main_ + bodies_;
  BackupStep out;
  out.total = 2 * all;
  out.finished = phase_ == Phase::done;
  out.done = out.finished ? out.total : main_ + taken_ + all * checked_ / 1000;
  return out;
}

Result<BackupStep> ArchiveMaker::step(Db& bulk, std::int64_t now) {
  try {
    Result<> done;
    switch (phase_) {
      case Phase::copied: done = begin(now); break;
      case Phase::bodies: done = add_bodies(bulk); break;
      case Phase::checking: done = check(); break;
      case Phase::done: break;
    }
    if (!done) return std::unexpected(done.error());
    BackupStep out = progress();
    out.findings = std::exchange(findings_, {});
    return out;
  } catch (const DbError& error) {
    return fail(error.full() ? Errc::no_space : Errc::io, "the backup " + part() + " failed: " + error.message);
  }
}

Result<> ArchiveMaker::begin(std::int64_t now) {
  db_.emplace(part(), SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX);
  db_->exec("PRAGMA journal_mode = DELETE"); // one file, without a log beside it
  db_->exec("PRAGMA synchronous = OFF");     // it is synced as a whole
  db_->exec("PRAGMA cache_size = -16384");
  db_->exec("PRAGMA temp_store = MEMORY"); // the sandbox allows no file but those of the backup
  db_->exec("BEGIN");
  db_->exec(kArchiveTables);
  db_->run("DELETE FROM bulk_garbage"); // it is for bodies that are not copied
  db_->exec(("PRAGMA application_id = " + std::to_string(kArchiveApplication)).c_str());
  db_->run("INSERT INTO backup(format, made_at) VALUES(?, ?)", kArchiveFormat, now);
  db_->exec("COMMIT");
  bodies_ = static_cast<std::uint64_t>(db_->number("SELECT sum(size) FROM body WHERE bulk <> 0", 0));
  phase_ = Phase::bodies;
  return {};
}

/// A slice of the chunks of the bodies that the copied paquebot.db owns.
Result<> ArchiveMaker::add_bodies(Db& bulk) {
  db_->run("BEGIN");
  int room = kArchivedChunks;
  while (room > 0) {
    if (last_start_ < 0) {
      const Id next =
          db_->number("SELECT bulk FROM body WHERE bulk <> 0 AND bulk > ? ORDER BY bulk LIMIT 1", 0, last_bulk_);
      if (next == 0) break;
      last_bulk_ = next;
      Query row = bulk.query("SELECT epoch, state, size FROM bulk WHERE id = ?", next);
      if (row.row())
        db_->run("INSERT INTO bulk(id, epoch, state, size) VALUES(?, ?, ?, ?)", next, row.i64(0), row.i64(1),
                 row.i64(2));
    }
    Query chunks = bulk.query("SELECT start, sum, data FROM chunk WHERE bulk = ? AND start > ? ORDER BY start LIMIT ?",
                              last_bulk_, last_start_, room);
    int got = 0;
    for (; chunks.row(); ++got) {
      db_->run("INSERT INTO chunk(bulk, start, sum, data) VALUES(?, ?, ?, ?)", last_bulk_, chunks.i64(0), chunks.i64(1),
               Blob{chunks.view(2)});
      last_start_ = chunks.i64(0);
      taken_ += chunks.view(2).size();
    }
    if (got < room) last_start_ = -1; // the next body
    room -= std::max(got, 1);
  }
  db_->run("COMMIT");
  const Id given = bulk.number("SELECT seq FROM sqlite_sequence WHERE name = 'bulk'", 0);
  const Id more = db_->number("SELECT 1 FROM body WHERE bulk <> 0 AND bulk > ? LIMIT 1", 0, last_bulk_);
  if (last_start_ < 0 && more == 0) {
    begin_ids_above(*db_, given);
    return begin_check();
  }
  return {};
}

/// What was written is synced, let go of, and read again from the start.
Result<> ArchiveMaker::begin_check() {
  db_.reset();
  if (auto synced = sync_path(part(), O_RDONLY); !synced) return synced;
  db_.emplace(open_for_reading(part()));
  phase_ = Phase::checking;
  return {};
}

Result<> ArchiveMaker::check() {
  const Id epoch = db_->number("SELECT epoch FROM node WHERE id = 1", 0);
  const CheckStep step = check_step(*db_, *db_, epoch, at_);
  for (const Finding& finding : step.findings) {
    if (pages_damaged(finding))
      return fail(Errc::io, "the backup is damaged: " + finding.what + "; look whether the store is: paquebot verify");
    findings_.push_back(finding);
  }
  checked_ = 1000 * step.done / step.total;
  if (!step.next) return publish();
  at_ = *step.next;
  return {};
}

Result<> ArchiveMaker::publish() {
  db_.reset();
  if (::rename(part().c_str(), path_.c_str()) != 0) return failed("name the backup " + path_);
  phase_ = Phase::done;
  return sync_path(folder_of(path_), O_RDONLY | O_DIRECTORY);
}

} // namespace paquebot::store::sqlite
