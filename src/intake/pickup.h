#pragma once

#include "directory/directory.h"
#include "intake/drop.h"
#include "intake/drop_scan.h"
#include "intake/incoming.h"

#include <map>
#include <string>
#include <vector>

namespace paquebot::intake {

/// What is known of a drop directory between two rounds.
class DropDesk {
public:
  explicit DropDesk(std::string directory) : directory_(directory), scan_(std::move(directory)) {}

  const std::string& directory() const { return directory_; }
  /// Those whose turn it is, at most 100: as many of each user as of every other, of each the oldest first, the users
  /// in turn.
  std::vector<DropEntry> choose(Instant now);
  /// It was taken, or is gone.
  void forget(const DropEntry& entry) { postponed_.erase(entry.name); }
  /// It can't be taken now: it is tried again after 5 seconds, 10, 20 … up to 10 minutes.
  void postpone(const DropEntry& entry, Instant now);
  /// It can't be taken: it is set aside, within bounds for each user (DropScan). What is beyond them is removed if it
  /// was `seen` to be no message, else it stays and is postponed. One line a minute in the log for each user.
  void set_aside(const DropEntry& entry, const std::string& why, bool seen, Instant now);
  std::size_t postponed() const { return postponed_.size(); }

private:
  struct Wait {
    Instant next;
    std::chrono::seconds length;
    std::uint32_t uid;
  };
  /// What is to be told of a user's useless files.
  struct Misfits {
    Instant told;
    bool ever_told = false;
    std::uint64_t files = 0, removed = 0;
  };

  std::string directory_;
  DropScan scan_;
  std::map<std::string, Wait> postponed_;
  std::map<std::uint32_t, Misfits> misfits_;
  std::uint32_t last_uid_ = 0; ///< whose turn it was last
};

/// Takes one round of dropped messages into the queue. Files that were accepted are removed, those that can't be taken
/// now stay and hold up nobody, and malformed or unreadable ones are set aside. Nobody waits for the answer: a
/// recipient that a session would refuse fails, and the sender gets a report; so it is with a message that can't be
/// taken at all, since it is too large or goes round in a loop. Returns how many were taken.
Task<std::size_t> pick_up(DropDesk& desk, IntakeMeans means, directory::Directory& directory, const Options& options);

} // namespace paquebot::intake
