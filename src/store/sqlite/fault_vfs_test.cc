#include "store/sqlite/test_fault_vfs.h"

#include <cassert>
#include <csignal>
#include <cstring>
#include <sqlite3.h>

namespace paquebot::store::sqlite {
namespace {

FaultVfs* active = nullptr;
sqlite3_vfs* real_vfs = nullptr;
sqlite3_vfs fault_vfs;

/// Our part of an open file; the real one lies behind it in the same memory.
struct FaultFile {
  sqlite3_file base;
  bool concerned;
  sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};

FaultFile* own(sqlite3_file* file) { return reinterpret_cast<FaultFile*>(file); }
sqlite3_file* real(sqlite3_file* file) { return own(file)->real(); }
const sqlite3_io_methods* methods(sqlite3_file* file) { return real(file)->pMethods; }
bool concerned(sqlite3_file* file) { return active != nullptr && own(file)->concerned; }

const sqlite3_io_methods kMethods = {
    3,
    [](sqlite3_file* f) { return methods(f)->xClose(real(f)); },
    [](sqlite3_file* f, void* data, int size, sqlite3_int64 at) {
      if (concerned(f)) active->next_read();
      return methods(f)->xRead(real(f), data, size, at);
    },
    [](sqlite3_file* f, const void* data, int size, sqlite3_int64 at) {
      const int fault = concerned(f) ? active->next_write() : SQLITE_OK;
      return fault != SQLITE_OK ? fault : methods(f)->xWrite(real(f), data, size, at);
    },
    [](sqlite3_file* f, sqlite3_int64 size) {
      const int fault = concerned(f) ? active->next_truncate() : SQLITE_OK;
      return fault != SQLITE_OK ? fault : methods(f)->xTruncate(real(f), size);
    },
    [](sqlite3_file* f, int flags) {
      const int fault = concerned(f) ? active->next_sync() : SQLITE_OK;
      return fault != SQLITE_OK ? fault : methods(f)->xSync(real(f), flags);
    },
    [](sqlite3_file* f, sqlite3_int64* size) { return methods(f)->xFileSize(real(f), size); },
    [](sqlite3_file* f, int lock) { return methods(f)->xLock(real(f), lock); },
    [](sqlite3_file* f, int lock) { return methods(f)->xUnlock(real(f), lock); },
    [](sqlite3_file* f, int* out) { return methods(f)->xCheckReservedLock(real(f), out); },
    [](sqlite3_file* f, int op, void* arg) { return methods(f)->xFileControl(real(f), op, arg); },
    [](sqlite3_file* f) { return methods(f)->xSectorSize(real(f)); },
    [](sqlite3_file* f) { return methods(f)->xDeviceCharacteristics(real(f)); },
    [](sqlite3_file* f, int page, int size, int extend, void volatile** out) {
      return methods(f)->xShmMap(real(f), page, size, extend, out);
    },
    [](sqlite3_file* f, int offset, int n, int flags) { return methods(f)->xShmLock(real(f), offset, n, flags); },
    [](sqlite3_file* f) { methods(f)->xShmBarrier(real(f)); },
    [](sqlite3_file* f, int remove) { return methods(f)->xShmUnmap(real(f), remove); },
    [](sqlite3_file* f, sqlite3_int64 at, int size, void** out) { return methods(f)->xFetch(real(f), at, size, out); },
    [](sqlite3_file* f, sqlite3_int64 at, void* data) { return methods(f)->xUnfetch(real(f), at, data); },
};

int open_file(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out_flags) {
  file->pMethods = nullptr;
  if (name == nullptr && active != nullptr && active->no_temporary) return SQLITE_CANTOPEN;
  own(file)->concerned = active != nullptr && active->concerns(name);
  const int code = real_vfs->xOpen(real_vfs, name, real(file), flags, out_flags);
  if (code == SQLITE_OK) file->pMethods = &kMethods;
  return code;
}

int wait_for_lock(sqlite3_vfs*, int microseconds) {
  if (active != nullptr) active->waited_us += microseconds;
  return real_vfs->xSleep(real_vfs, microseconds);
}

} // namespace

FaultVfs::FaultVfs(std::string file) : file_(std::move(file)) {
  assert(active == nullptr);
  active = this;
  if (real_vfs == nullptr) {
    real_vfs = sqlite3_vfs_find(nullptr);
    fault_vfs = *real_vfs;
    fault_vfs.pNext = nullptr;
    fault_vfs.zName = "fault";
    fault_vfs.szOsFile = real_vfs->szOsFile + static_cast<int>(sizeof(FaultFile));
    fault_vfs.xOpen = open_file;
    fault_vfs.xSleep = wait_for_lock;
  }
  sqlite3_vfs_register(&fault_vfs, 1);
}

FaultVfs::~FaultVfs() {
  active = nullptr;
  sqlite3_vfs_unregister(&fault_vfs);
  sqlite3_vfs_register(real_vfs, 1);
}

bool FaultVfs::concerns(const char* name) const {
  return name != nullptr && std::strstr(name, file_.c_str()) != nullptr;
}

bool FaultVfs::count_down() {
  int left = fail_in;
  while (left > 0 && !fail_in.compare_exchange_weak(left, left - 1)) {
  }
  if (left == 1 && dies) ::raise(SIGKILL);
  return left == 1;
}

void FaultVfs::next_read() const { no_reads.wait(true); }

int FaultVfs::next_write() {
  if (full) return SQLITE_FULL;
  return count_down() ? SQLITE_IOERR_WRITE : SQLITE_OK;
}

int FaultVfs::next_sync() {
  if (no_sync) return SQLITE_IOERR_FSYNC;
  return count_down() ? SQLITE_IOERR_FSYNC : SQLITE_OK;
}

int FaultVfs::next_truncate() { return count_down() ? SQLITE_IOERR_TRUNCATE : SQLITE_OK; }

} // namespace paquebot::store::sqlite
