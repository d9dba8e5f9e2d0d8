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

namespace sqlite {
class HolderCount;
}

/// Where a check of the whole store goes on.
struct VerifyPoint {
  unsigned part = 0; ///< number of the table or invariant
  std::string after; ///< within it: after this row, in letters, digits and "-"; empty: from its start
  /// What the step before has counted, bounded; without it that count begins again.
  std::shared_ptr<sqlite::HolderCount> counted;
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
