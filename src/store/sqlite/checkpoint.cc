#include "store/sqlite/checkpoint.h"

#include <atomic>

namespace paquebot::store::sqlite {
namespace {

// The wal-index (https://www.sqlite.org/walformat.html section 2): its first block, where in it the number of frames
// stands that are moved, and the lock under which that may be changed.
constexpr int kBlock = 32768;
constexpr std::size_t kMovedAt = 96;
constexpr int kCheckpointLock = 1;

sqlite3_file& file_of(Db& db) {
  sqlite3_file* file = nullptr;
  const int code = sqlite3_file_control(db.raw(), "main", SQLITE_FCNTL_FILE_POINTER, static_cast<void*>(&file));
  if (code != SQLITE_OK || file == nullptr || file->pMethods == nullptr || file->pMethods->iVersion < 2)
    db.raise(SQLITE_CANTOPEN, "the file of the database");
  return *file;
}

/// Has the next checkpoint begin at the log's first frame. What it writes again is what is there or should be, and a
/// number too low is what SQLite itself begins with after a crash.
void forget_moved(Db& db) {
  db.number("SELECT count(*) FROM sqlite_schema", 0); // the first look opens the log
  sqlite3_file& file = file_of(db);
  const sqlite3_io_methods& methods = *file.pMethods;
  void volatile* index = nullptr;
  if (const int code = methods.xShmMap(&file, 0, kBlock, 0, &index); code != SQLITE_OK)
    db.raise(code, "the index of the log");
  if (index == nullptr) return; // there is no log
  const int lock = methods.xShmLock(&file, kCheckpointLock, 1, SQLITE_SHM_LOCK | SQLITE_SHM_EXCLUSIVE);
  if (lock != SQLITE_OK) db.raise(lock, "the lock of checkpoints");
  auto* moved = reinterpret_cast<std::uint32_t*>(const_cast<char*>(static_cast<char volatile*>(index)) + kMovedAt);
  std::atomic_ref(*moved).store(0);
  methods.xShmLock(&file, kCheckpointLock, 1, SQLITE_SHM_UNLOCK | SQLITE_SHM_EXCLUSIVE);
}

} // namespace

void checkpoint_fully(Db& db) {
  forget_moved(db);
  int frames = 0;
  int moved = 0;
  const int code = sqlite3_wal_checkpoint_v2(db.raw(), nullptr, SQLITE_CHECKPOINT_TRUNCATE, &frames, &moved);
  if (code != SQLITE_OK) db.raise(code, "wal_checkpoint(TRUNCATE)");
}

} // namespace paquebot::store::sqlite
