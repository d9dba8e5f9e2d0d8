#include "store/sqlite/frames.h"

#include "store/sqlite/db.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <new>
#include <sqlite3.h>
#include <utility>

namespace paquebot::store::sqlite {
namespace {

constexpr int kFrameHeader = 24;
constexpr int kBelow = 1024; // octets that the layer below may need for a file; SQLite's own needs some 120

/// The writes to one log, on their way to the layer below. All is under SQLite's rule that a connection's file is used
/// by one thread at a time.
class Frames {
public:
  explicit Frames(sqlite3_file* below) : below_(below) {}

  int write(const char* data, int size, sqlite3_int64 at) {
    const bool header = !in_frame_ && at == next_ && size == kFrameHeader;
    const bool page = in_frame_ && at == next_ && size <= kJoinedWrite;
    if (!header && !page) return pass(data, size, at);
    if (const int code = gather(data, size, at); code != SQLITE_OK) return code;
    in_frame_ = header;
    if (header) commits_ = std::any_of(data + 4, data + 8, [](char c) { return c != 0; });
    return page && commits_ ? flush() : SQLITE_OK;
  }

  /// Writes what is gathered. After an error it is dropped: its transaction has failed.
  int flush() {
    if (size_ == 0) return SQLITE_OK;
    const int code = below_->pMethods->xWrite(below_, bytes_.data(), std::exchange(size_, 0), start_);
    if (code != SQLITE_OK) forget();
    return code;
  }

  /// For all that is not a write: nothing is gathered when it is done, and frames join again from the next write on.
  int settle() {
    const int code = flush();
    forget();
    return code;
  }

private:
  void forget() {
    next_ = -1;
    in_frame_ = false;
  }

  int pass(const char* data, int size, sqlite3_int64 at) {
    if (const int code = settle(); code != SQLITE_OK) return code;
    const int code = below_->pMethods->xWrite(below_, data, size, at);
    if (code == SQLITE_OK) next_ = at + size;
    return code;
  }

  int gather(const char* data, int size, sqlite3_int64 at) {
    if (size_ + size > kJoinedWrite) {
      if (const int code = flush(); code != SQLITE_OK) return code;
    }
    if (size_ == 0) start_ = at;
    std::memcpy(bytes_.data() + size_, data, static_cast<std::size_t>(size));
    size_ += size;
    next_ = at + size;
    return SQLITE_OK;
  }

  sqlite3_file* below_;
  sqlite3_int64 next_ = -1; ///< where a frame may go on or begin; -1: unknown
  bool in_frame_ = false;   ///< its header was the last write
  bool commits_ = false;    ///< so that header says
  sqlite3_int64 start_ = 0; ///< where what is gathered belongs
  int size_ = 0;
  std::array<char, kJoinedWrite> bytes_;
};

/// Our part of an open log; the layer below has its own behind it in the same memory.
struct LogFile {
  sqlite3_file base;
  Frames* frames;
  sqlite3_file* below() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};

Frames& frames(sqlite3_file* file) { return *reinterpret_cast<LogFile*>(file)->frames; }
sqlite3_file* below(sqlite3_file* file) { return reinterpret_cast<LogFile*>(file)->below(); }
const sqlite3_io_methods* methods(sqlite3_file* file) { return below(file)->pMethods; }

int close_log(sqlite3_file* f) {
  const std::unique_ptr<Frames> mine(&frames(f));
  mine->settle(); // never of a commit
  return methods(f)->xClose(below(f));
}

int read_log(sqlite3_file* f, void* data, int size, sqlite3_int64 at) {
  const int code = frames(f).settle();
  return code != SQLITE_OK ? code : methods(f)->xRead(below(f), data, size, at);
}

int write_log(sqlite3_file* f, const void* data, int size, sqlite3_int64 at) {
  return frames(f).write(static_cast<const char*>(data), size, at);
}

int truncate_log(sqlite3_file* f, sqlite3_int64 size) {
  const int code = frames(f).settle();
  return code != SQLITE_OK ? code : methods(f)->xTruncate(below(f), size);
}

int sync_log(sqlite3_file* f, int flags) {
  const int code = frames(f).flush();
  return code != SQLITE_OK ? code : methods(f)->xSync(below(f), flags);
}

int size_log(sqlite3_file* f, sqlite3_int64* size) {
  const int code = frames(f).settle();
  return code != SQLITE_OK ? code : methods(f)->xFileSize(below(f), size);
}

/// Version 1: the shared memory and mappings belong to the database's own file.
const sqlite3_io_methods kLogMethods = {
    1,
    close_log,
    read_log,
    write_log,
    truncate_log,
    sync_log,
    size_log,
    [](sqlite3_file* f, int lock) { return methods(f)->xLock(below(f), lock); },
    [](sqlite3_file* f, int lock) { return methods(f)->xUnlock(below(f), lock); },
    [](sqlite3_file* f, int* out) { return methods(f)->xCheckReservedLock(below(f), out); },
    [](sqlite3_file* f, int op, void* argument) { return methods(f)->xFileControl(below(f), op, argument); },
    [](sqlite3_file* f) { return methods(f)->xSectorSize(below(f)); },
    [](sqlite3_file* f) { return methods(f)->xDeviceCharacteristics(below(f)); },
    nullptr,
    nullptr,
    nullptr,
    nullptr,
    nullptr,
    nullptr,
};

int open_file(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out_flags) {
  file->pMethods = nullptr;
  sqlite3_vfs* under = sqlite3_vfs_find(nullptr);
  if (under == nullptr || under->szOsFile > kBelow) return SQLITE_CANTOPEN;
  if ((flags & SQLITE_OPEN_WAL) == 0) return under->xOpen(under, name, file, flags, out_flags);
  std::unique_ptr<Frames> mine(new (std::nothrow) Frames(below(file)));
  if (!mine) return SQLITE_NOMEM;
  const int code = under->xOpen(under, name, below(file), flags, out_flags);
  if (code != SQLITE_OK) {
    if (methods(file) != nullptr) methods(file)->xClose(below(file)); // SQLite would have, of its own
    return code;
  }
  reinterpret_cast<LogFile*>(file)->frames = mine.release();
  file->pMethods = &kLogMethods;
  return SQLITE_OK;
}

int delete_file(sqlite3_vfs*, const char* name, int sync_directory) {
  sqlite3_vfs* under = sqlite3_vfs_find(nullptr);
  return under->xDelete(under, name, sync_directory);
}

/// What is not about an open file is as in SQLite's own layer.
sqlite3_vfs make_vfs() {
  sqlite3_vfs vfs = *sqlite3_vfs_find("unix");
  vfs.pNext = nullptr;
  vfs.zName = "paquebot";
  vfs.szOsFile = static_cast<int>(sizeof(LogFile)) + kBelow;
  vfs.xOpen = open_file;
  vfs.xDelete = delete_file;
  return vfs;
}

} // namespace

const char* joining_vfs() {
  set_up_sqlite();
  static sqlite3_vfs vfs = make_vfs();
  static const int registered = sqlite3_vfs_register(&vfs, 0);
  static_cast<void>(registered);
  return vfs.zName;
}

} // namespace paquebot::store::sqlite
