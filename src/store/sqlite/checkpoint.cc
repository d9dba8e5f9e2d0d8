#include "store/sqlite/checkpoint.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <string>

namespace paquebot::store::sqlite {
namespace {

// The wal-index (https://www.sqlite.org/walformat.html section 2): its first block, where in it the number of frames
// stands that are moved, and the lock under which that may be changed.
constexpr int kBlock = 32768;
constexpr std::size_t kMovedAt = 96;
constexpr int kCheckpointLock = 1;
constexpr std::int64_t kPiece = 64 << 10; // of the log that is written again; SQLite writes less than 128 KiB at once

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

/// Whether the log is on the disk nobody knows: after a sync that failed, in this process or in one before, it may be
/// in memory alone, and no later sync would write it. With its pages half moved the database would then be nothing at
/// all after a power cut. The same octets, written once more, have to be synced.
void write_log_again(Db& db) {
  sqlite3_file* file = nullptr;
  const int code = sqlite3_file_control(db.raw(), "main", SQLITE_FCNTL_JOURNAL_POINTER, static_cast<void*>(&file));
  if (code != SQLITE_OK) db.raise(code, "the file of the log");
  if (file == nullptr || file->pMethods == nullptr) return; // there is none
  const sqlite3_io_methods& methods = *file->pMethods;
  sqlite3_int64 size = 0;
  if (const int sized = methods.xFileSize(file, &size); sized != SQLITE_OK) db.raise(sized, "the size of the log");
  if (size == 0) return;
  std::string piece;
  for (sqlite3_int64 at = 0; at < size; at += kPiece) {
    piece.resize(static_cast<std::size_t>(std::min<sqlite3_int64>(kPiece, size - at)));
    int done = methods.xRead(file, piece.data(), static_cast<int>(piece.size()), at);
    if (done == SQLITE_OK) done = methods.xWrite(file, piece.data(), static_cast<int>(piece.size()), at);
    if (done != SQLITE_OK) db.raise(done, "writing the log again");
  }
  if (const int synced = methods.xSync(file, SQLITE_SYNC_NORMAL); synced != SQLITE_OK) db.raise(synced, "the log");
}

} // namespace

void checkpoint_fully(Db& db) {
  forget_moved(db);
  write_log_again(db);
  int frames = 0;
  int moved = 0;
  const int code = sqlite3_wal_checkpoint_v2(db.raw(), nullptr, SQLITE_CHECKPOINT_TRUNCATE, &frames, &moved);
  if (code != SQLITE_OK) db.raise(code, "wal_checkpoint(TRUNCATE)");
}

} // namespace paquebot::store::sqlite
