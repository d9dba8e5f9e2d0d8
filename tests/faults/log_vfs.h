#pragma once

#include <cstdint>
#include <string>

namespace paquebot::faults {

/// What happened to a file, in the order in which it happened.
enum class Op : std::uint8_t {
  write = 1,
  truncate,
  remove,
  sync,
  failed_sync, ///< the system said so: what was not synced before is still readable, and never gets to the disk
  sync_names,  ///< the directory was synced: files that were removed stay removed
  note,        ///< not of a file: the workload says what it was promised
};

/// A layer under SQLite, the default for all that is opened while it lives, that writes down what is done to the
/// database files in a directory. The log is a file of its own and outlives the process.
class LogVfs {
public:
  struct Options {
    std::string directory; ///< files in it are logged, their log of index (-shm) is not
    std::string log;       ///< appended to
    bool sync = true;      ///< false: syncs are neither logged nor done, as on a disk that lies
    int fail_sync = -1;    ///< the sync of this number (from 0) fails
  };
  explicit LogVfs(Options options);
  ~LogVfs();
  LogVfs(const LogVfs&) = delete;
  LogVfs& operator=(const LogVfs&) = delete;

  /// Writes a promise down: all that comes later in the log came after it.
  void note(const std::string& text);
  int syncs() const;
};

} // namespace paquebot::faults
