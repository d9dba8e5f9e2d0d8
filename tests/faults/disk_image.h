#pragma once

#include "log_vfs.h"

#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace paquebot::faults {

struct Record {
  Op op = Op::note;
  std::string name;
  std::int64_t at = 0;
  std::string data;
};

/// The log of LogVfs, in order.
std::vector<Record> read_log(const std::string& path);

/// What becomes of what was written and not synced.
enum class Fate { kept, dropped, partly, torn };
inline constexpr Fate kFates[] = {Fate::kept, Fate::dropped, Fate::partly, Fate::torn};

/// A disk that is fed the log, and can be looked at as it would be after the power had gone at that point.
class Disk {
public:
  /// `syncs`: false for a disk that never syncs by itself.
  explicit Disk(bool syncs) : syncs_(syncs) {}
  void feed(const Record& record);
  /// Writes the files of an image into an empty directory. `partly`: each unsynced operation is kept or not; torn: of
  /// each unsynced write each sector of 512 octets.
  void write_image(const std::string& directory, Fate fate, std::mt19937& chance) const;

private:
  struct File {
    std::string synced;
    std::vector<Record> pending;
    bool removed = false; ///< and not made again; whether the disk knows is another matter
  };
  const bool syncs_;
  std::map<std::string, File> files_;
};

} // namespace paquebot::faults
