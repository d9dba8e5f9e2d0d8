#include "log_vfs.h"

#include <atomic>
#include <cassert>
#include <cstring>
#include <fcntl.h>
#include <mutex>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

namespace paquebot::faults {
namespace {

struct State {
  LogVfs::Options options;
  int log = -1;
  std::mutex mutex;
  std::atomic<int> syncs = 0;
};
State* active = nullptr;
sqlite3_vfs* real_vfs = nullptr;
sqlite3_vfs log_vfs;

constexpr std::size_t kName = 32;

/// Our part of an open file; the real one lies behind it in the same memory.
struct LogFile {
  sqlite3_file base;
  char name[kName]; ///< within the directory; empty: not logged
  sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};

LogFile* own(sqlite3_file* file) { return reinterpret_cast<LogFile*>(file); }
sqlite3_file* real(sqlite3_file* file) { return own(file)->real(); }
const sqlite3_io_methods* methods(sqlite3_file* file) { return real(file)->pMethods; }
bool logged(sqlite3_file* file) { return active != nullptr && own(file)->name[0] != 0; }

void append(Op op, const char* name, std::int64_t at, const void* data, std::int64_t size) {
  struct Head {
    char name[kName];
    std::int64_t at;
    std::int64_t size;
    std::int64_t op;
  } head{};
  std::strncpy(head.name, name, kName - 1);
  head.at = at;
  head.size = size;
  head.op = static_cast<std::int64_t>(op);
  iovec parts[] = {{&head, sizeof(head)}, {const_cast<void*>(data), static_cast<std::size_t>(data ? size : 0)}};
  const std::lock_guard lock(active->mutex);
  const ssize_t done = ::writev(active->log, parts, 2);
  assert(done > 0);
  static_cast<void>(done);
}

int write_file(sqlite3_file* f, const void* data, int size, sqlite3_int64 at) {
  if (logged(f)) append(Op::write, own(f)->name, at, data, size);
  return methods(f)->xWrite(real(f), data, size, at);
}

int truncate_file(sqlite3_file* f, sqlite3_int64 size) {
  if (logged(f)) append(Op::truncate, own(f)->name, size, nullptr, 0);
  return methods(f)->xTruncate(real(f), size);
}

/// The real sync is left out: only the images matter, and they are made from the log.
int sync_file(sqlite3_file* f, int flags) {
  if (!logged(f)) return methods(f)->xSync(real(f), flags);
  if (!active->options.sync) return SQLITE_OK;
  const bool fails = active->syncs++ == active->options.fail_sync;
  append(fails ? Op::failed_sync : Op::sync, own(f)->name, 0, nullptr, 0);
  return fails ? SQLITE_IOERR_FSYNC : SQLITE_OK;
}

const sqlite3_io_methods kMethods = {
    2,
    [](sqlite3_file* f) { return methods(f)->xClose(real(f)); },
    [](sqlite3_file* f, void* data, int size, sqlite3_int64 at) { return methods(f)->xRead(real(f), data, size, at); },
    write_file,
    truncate_file,
    sync_file,
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
    nullptr,
    nullptr,
};

/// Its name within the directory, or an empty one.
void set_name(char* out, const char* path) {
  out[0] = 0;
  const std::string& directory = active->options.directory;
  if (path == nullptr || std::strncmp(path, directory.c_str(), directory.size()) != 0) return;
  std::strncpy(out, path + directory.size() + 1, kName - 1);
  out[kName - 1] = 0;
}

int open_file(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out_flags) {
  file->pMethods = nullptr;
  own(file)->name[0] = 0;
  if (active != nullptr) set_name(own(file)->name, name);
  const int code = real_vfs->xOpen(real_vfs, name, real(file), flags, out_flags);
  if (code == SQLITE_OK) file->pMethods = &kMethods;
  return code;
}

int delete_file(sqlite3_vfs*, const char* name, int sync_directory) {
  char ours[kName] = {};
  if (active != nullptr) set_name(ours, name);
  if (ours[0] != 0) append(Op::remove, ours, sync_directory != 0, nullptr, 0);
  return real_vfs->xDelete(real_vfs, name, sync_directory);
}

} // namespace

/// In place of the system's, for the whole program: the store syncs its directory with it.
extern "C" int fsync(int fd) {
  struct stat facts{};
  if (active != nullptr && ::fstat(fd, &facts) == 0 && S_ISDIR(facts.st_mode) && active->options.sync)
    append(Op::sync_names, "", 0, nullptr, 0);
  return 0;
}

LogVfs::LogVfs(Options options) {
  assert(active == nullptr);
  active = new State;
  active->log = ::open(options.log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  active->options = std::move(options);
  real_vfs = sqlite3_vfs_find(nullptr);
  log_vfs = *real_vfs;
  log_vfs.pNext = nullptr;
  log_vfs.zName = "log";
  log_vfs.szOsFile = real_vfs->szOsFile + static_cast<int>(sizeof(LogFile));
  log_vfs.xOpen = open_file;
  log_vfs.xDelete = delete_file;
  sqlite3_vfs_register(&log_vfs, 1);
}

LogVfs::~LogVfs() {
  sqlite3_vfs_unregister(&log_vfs);
  sqlite3_vfs_register(real_vfs, 1);
  ::close(active->log);
  delete active;
  active = nullptr;
}

void LogVfs::note(const std::string& text) {
  append(Op::note, "", 0, text.data(), static_cast<std::int64_t>(text.size()));
}

int LogVfs::syncs() const { return active->syncs; }

} // namespace paquebot::faults
