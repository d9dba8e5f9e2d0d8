#pragma once

#include "chance.h"

#include <cstdint>
#include <functional>
#include <string>

namespace paquebot::simulation {

/// A layer under SQLite, the default for all that is opened while it lives, that knows of one directory at a time what
/// a disk would have kept of it. Files lie in a file system in memory; nothing is ever synced for real. One at a time,
/// one thread.
class SimDisk {
public:
  explicit SimDisk(std::uint64_t seed);
  ~SimDisk();
  SimDisk(const SimDisk&) = delete;
  SimDisk& operator=(const SimDisk&) = delete;

  /// This directory from now on, which is empty or holds what the disk has of the last one. Whatever is still open
  /// elsewhere goes on as on an ordinary disk.
  void watch(const std::string& directory);
  /// How a process may end, and what of its files is there for the next one.
  enum class End : std::uint8_t {
    killed,  ///< all that was written
    power,   ///< what was synced; of the rest what chance has left: all, nothing, some writes, some sectors
    ordered, ///< it closed its files: all that was written
  };
  /// Makes the files as the next process finds them, in a new directory, and watches that one.
  void end(End how, const std::string& next);

  /// What goes wrong from now on, in a thousand operations.
  struct Trouble {
    unsigned writes = 0; ///< EIO
    unsigned syncs = 0;  ///< EIO, and what they should have written never gets to the disk
    bool full = false;   ///< no file grows
  };
  void trouble(Trouble what);
  bool troubled() const;
  /// `then` is called before the n-th write or sync of paquebot.db or bulk.db, or their logs, from now on, within it.
  void call_before(unsigned n, std::function<void()> then);
  std::uint64_t operations() const;
};

} // namespace paquebot::simulation
