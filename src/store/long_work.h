#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

/// Long work on a whole store is done in steps of well under a second, driven by who asked for it: so a running server
/// goes on serving, whoever waits sees how far it is, and who goes away leaves nothing running.
namespace paquebot::store {

/// An invariant that does not hold.
struct Finding {
  std::string what;   ///< which one, of which row
  std::string advice; ///< what to do about it
  std::string rule{}; ///< its name, for programs: "message.pending"
};

/// What a step of a check has counted for the next one, bounded. Each backend has its own.
class VerifyMemory {
public:
  VerifyMemory() = default;
  virtual ~VerifyMemory() = default;
  VerifyMemory(const VerifyMemory&) = delete;
  VerifyMemory& operator=(const VerifyMemory&) = delete;
};

/// Where a check of the whole store goes on: what it means knows only the store that said it.
struct VerifyPoint {
  std::string place; ///< at most 4096 lower-case letters, digits, "-" and "."; empty: from the beginning
  std::shared_ptr<VerifyMemory> memory{}; ///< may be lost on the way: what was counted is counted anew
};

struct VerifyStep {
  std::vector<Finding> findings; ///< at most 100 in one step
  std::optional<VerifyPoint> next;
  std::uint64_t done = 0; ///< of `total`, for showing progress
  std::uint64_t total = 0;
};

struct BackupStep {
  std::uint64_t done = 0; ///< octets, of about `total`
  std::uint64_t total = 0;
  bool finished = false;           ///< the file is complete, read again and checked, synced, and has its name
  std::vector<Finding> findings{}; ///< what this step found wrong in the store, and copied as it is
  std::uint64_t ticket = 0;        ///< begun: by what this backup is gone on with
};

} // namespace paquebot::store
