#include "sim_disk.h"

#include "../faults/disk_image.h"
#include "base/random.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <random>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace paquebot::simulation {
namespace {

using faults::Op;
namespace fs = std::filesystem;

struct Inside {
  explicit Inside(std::uint64_t seed) : chance(seed), fate(static_cast<std::mt19937::result_type>(seed)) {}
  Chance chance;
  std::mt19937 fate; ///< of what was not synced
  std::string directory;
  ino_t inode = 0;       ///< of the directory
  std::uint64_t era = 0; ///< rises with each directory: who has files of an older one open is dead
  std::unique_ptr<faults::Disk> disk;
  SimDisk::Trouble trouble;
  unsigned count_down = 0;
  std::function<void()> then;
  std::uint64_t operations = 0;
};
Inside* active = nullptr;
sqlite3_vfs* real_vfs = nullptr;
sqlite3_vfs sim_vfs;

constexpr std::size_t kName = 32;

/// Our part of an open file; the real one lies behind it in the same memory.
struct SimFile {
  sqlite3_file base;
  char name[kName]; ///< within the directory; empty: somebody else's
  std::uint64_t era;
  sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};

SimFile* own(sqlite3_file* file) { return reinterpret_cast<SimFile*>(file); }
sqlite3_file* real(sqlite3_file* file) { return own(file)->real(); }
const sqlite3_io_methods* methods(sqlite3_file* file) { return real(file)->pMethods; }
bool watched(sqlite3_file* file) {
  return active != nullptr && own(file)->name[0] != 0 && own(file)->era == active->era;
}

void feed(Op op, const char* name, std::int64_t at, std::string data = {}) {
  active->disk->feed({.op = op, .name = name, .at = at, .data = std::move(data)});
}

/// Before a write or a sync: the world may end in it. False: the file is a dead process's from now on.
bool alive_before(sqlite3_file* file) {
  if (!watched(file)) return false;
  ++active->operations;
  if (active->count_down > 0 && --active->count_down == 0) std::exchange(active->then, nullptr)();
  return watched(file);
}

int write_file(sqlite3_file* f, const void* data, int size, sqlite3_int64 at) {
  if (alive_before(f)) {
    sqlite3_int64 length = 0;
    methods(f)->xFileSize(real(f), &length);
    if (active->trouble.full && at + size > length) return SQLITE_FULL;
    if (active->chance.per_mille(active->trouble.writes)) return SQLITE_IOERR_WRITE;
    feed(Op::write, own(f)->name, at, std::string(static_cast<const char*>(data), static_cast<std::size_t>(size)));
  }
  return methods(f)->xWrite(real(f), data, size, at);
}

int truncate_file(sqlite3_file* f, sqlite3_int64 size) {
  if (watched(f)) feed(Op::truncate, own(f)->name, size);
  return methods(f)->xTruncate(real(f), size);
}

int sync_file(sqlite3_file* f, int) {
  if (!alive_before(f)) return SQLITE_OK;
  const bool fails = active->chance.per_mille(active->trouble.syncs);
  feed(fails ? Op::failed_sync : Op::sync, own(f)->name, 0);
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
  const std::string& directory = active->directory;
  if (path == nullptr || directory.empty() || std::strncmp(path, directory.c_str(), directory.size()) != 0 ||
      path[directory.size()] != '/')
    return;
  std::strncpy(out, path + directory.size() + 1, kName - 1);
  out[kName - 1] = 0;
}

int open_file(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out_flags) {
  file->pMethods = nullptr;
  own(file)->name[0] = 0;
  own(file)->era = active->era;
  set_name(own(file)->name, name);
  const int code = real_vfs->xOpen(real_vfs, name, real(file), flags, out_flags);
  if (code == SQLITE_OK) file->pMethods = &kMethods;
  return code;
}

int delete_file(sqlite3_vfs*, const char* name, int sync_directory) {
  char ours[kName] = {};
  set_name(ours, name);
  if (ours[0] != 0) feed(Op::remove, ours, sync_directory != 0);
  return real_vfs->xDelete(real_vfs, name, sync_directory);
}

int draw(sqlite3_vfs*, int size, char* into) {
  const std::string drawn = random_bytes(static_cast<std::size_t>(size));
  std::ranges::copy(drawn, into);
  return size;
}

bool is_kept(const fs::path& file) {
  const std::string name = file.filename().string();
  return name.ends_with(".db") || name.ends_with(".db-wal") || name.ends_with(".db-journal");
}

std::string content_of(const fs::path& file) {
  std::string content(static_cast<std::size_t>(fs::file_size(file)), '\0');
  std::ifstream(file, std::ios::binary).read(content.data(), static_cast<std::streamsize>(content.size()));
  return content;
}

} // namespace

/// In place of the system's, for the whole program: the store syncs its directory with it.
extern "C" int fsync(int fd) {
  struct stat facts{};
  if (active != nullptr && active->disk && ::fstat(fd, &facts) == 0 && S_ISDIR(facts.st_mode) &&
      facts.st_ino == active->inode)
    feed(Op::sync_names, "", 0);
  return 0;
}

SimDisk::SimDisk(std::uint64_t seed) {
  assert(active == nullptr);
  active = new Inside(seed);
  real_vfs = sqlite3_vfs_find(nullptr);
  sim_vfs = *real_vfs;
  sim_vfs.pNext = nullptr;
  sim_vfs.zName = "simulation";
  sim_vfs.szOsFile = real_vfs->szOsFile + static_cast<int>(sizeof(SimFile));
  sim_vfs.xOpen = open_file;
  sim_vfs.xDelete = delete_file;
  sim_vfs.xRandomness = draw;
  sqlite3_vfs_register(&sim_vfs, 1);
  sqlite3_randomness(0, nullptr); // begins its own sequence anew, out of draw()
}

SimDisk::~SimDisk() {
  sqlite3_vfs_unregister(&sim_vfs);
  sqlite3_vfs_register(real_vfs, 1);
  delete std::exchange(active, nullptr);
}

namespace {

void look_at(const std::string& directory) {
  Inside& s = *active;
  s.directory = directory;
  ++s.era;
  struct stat facts{};
  if (::stat(directory.c_str(), &facts) == 0) s.inode = facts.st_ino;
}

} // namespace

void SimDisk::watch(const std::string& directory) {
  look_at(directory);
  active->disk = std::make_unique<faults::Disk>(true);
  for (const auto& entry : fs::directory_iterator(directory)) {
    if (!is_kept(entry.path())) continue;
    const std::string name = entry.path().filename().string();
    feed(Op::write, name.c_str(), 0, content_of(entry.path()));
    feed(Op::sync, name.c_str(), 0);
  }
}

void SimDisk::end(End how, const std::string& next) {
  Inside& s = *active;
  s.count_down = 0;
  fs::create_directories(next);
  if (how == End::power) {
    const faults::Fate fate = faults::kFates[s.chance.below(std::size(faults::kFates))];
    s.disk->write_image(next, fate, s.fate);
    return watch(next);
  }
  for (const auto& entry : fs::directory_iterator(s.directory))
    if (is_kept(entry.path())) fs::copy_file(entry.path(), next + "/" + entry.path().filename().string());
  look_at(next); // what was not synced still is not
}

void SimDisk::trouble(Trouble what) { active->trouble = what; }
bool SimDisk::troubled() const {
  return active->trouble.writes > 0 || active->trouble.syncs > 0 || active->trouble.full;
}

void SimDisk::call_before(unsigned n, std::function<void()> then) {
  active->count_down = n;
  active->then = std::move(then);
}

std::uint64_t SimDisk::operations() const { return active->operations; }

} // namespace paquebot::simulation
