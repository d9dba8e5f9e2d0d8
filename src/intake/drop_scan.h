#pragma once

#include <cstdint>
#include <dirent.h>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace paquebot::intake {

/// A complete file in the drop directory.
struct DropEntry {
  std::string name;      ///< its ULID
  std::uint32_t uid = 0; ///< who wrote it
};

/// What has been set aside of one user.
struct SetAside {
  std::uint64_t files = 0;
  std::uint64_t octets = 0;
};

/// Looks through the drop directory, where anybody may put anything: each look is bounded, and goes on where the last
/// one ended, so that a directory with very many entries costs time, and nobody's mail is overlooked.
class DropScan {
public:
  explicit DropScan(std::string directory) : directory_(std::move(directory)) {}

  /// The complete files among the next entries; all of them when there are at most `most` entries.
  std::vector<DropEntry> look(std::size_t most = 20'000);

  /// Renames a file that can't be used to "bad.NAME", for the operator. False when it stays: its owner has enough there
  /// already.
  bool set_aside(const DropEntry& entry);

  static constexpr std::uint64_t kMostFiles = 100;           ///< set aside, of one user
  static constexpr std::uint64_t kMostOctets = 100ull << 20; ///< likewise, all together

private:
  struct Close {
    void operator()(DIR* open) const { ::closedir(open); }
  };

  bool begin();

  std::string directory_;
  std::unique_ptr<DIR, Close> open_;
  std::map<std::uint32_t, SetAside> aside_;   ///< as far as known: of the last whole pass, and since
  std::map<std::uint32_t, SetAside> counted_; ///< in the pass under way
};

} // namespace paquebot::intake
