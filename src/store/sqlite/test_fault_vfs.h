#pragma once

#include <atomic>
#include <cstdint>
#include <string>

namespace paquebot::store::sqlite {

/// A layer between SQLite and the system that makes operations on files fail to order. Made the default for every
/// connection opened while it lives; only one at a time. Counts the writes, syncs and truncations of files whose names
/// hold `file`.
class FaultVfs {
public:
  explicit FaultVfs(std::string file);
  ~FaultVfs();
  FaultVfs(const FaultVfs&) = delete;
  FaultVfs& operator=(const FaultVfs&) = delete;

  /// Every write fails with SQLITE_FULL while set.
  std::atomic<bool> full = false;
  /// Every sync fails while set.
  std::atomic<bool> no_sync = false;
  /// No temporary file can be made while set, as in the server's sandbox.
  std::atomic<bool> no_temporary = false;
  /// The operation that makes this count reach 0 fails with an I/O error; never while negative.
  std::atomic<int> fail_in = -1;
  /// The process is killed there instead, with the operation not done.
  std::atomic<bool> dies = false;

  /// Reads wait while set.
  std::atomic<bool> no_reads = false;
  /// Microseconds that SQLite has waited for locks, of whatever file.
  std::atomic<std::int64_t> waited_us = 0;

  void next_read() const;
  /// SQLITE_OK, or what the next operation of this kind fails with.
  int next_write();
  int next_sync();
  int next_truncate();
  bool concerns(const char* name) const;

private:
  bool count_down();
  std::string file_;
};

} // namespace paquebot::store::sqlite
