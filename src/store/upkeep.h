#pragma once

#include "base/result.h"
#include "base/task.h"
#include "store/long_work.h"
#include "store/types.h"

#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace paquebot::store {

/// The setting that says for how many milliseconds the clock has been synchronised since it is doubted; unset when it
/// is not.
inline constexpr const char* kClockSetting = "clock.synchronised";

/// A server that has the store open.
struct NodeFacts {
  Id epoch = 0;               ///< what it has in hand belongs to
  bool own = false;           ///< it is this one
  std::int64_t heartbeat = 0; ///< when it last wrote down that it lives and its clock is right (beat); 0: not yet
};

/// What belongs to the store as a whole: small values, the clock, upkeep, checks and backups.
class Upkeep {
public:
  virtual ~Upkeep() = default;

  /// Small values that belong to the store (e.g. "queue.held"). Empty when unset. "login.secret" is there from the
  /// beginning: 64 random hex digits of this store, which never change.
  virtual Task<Result<std::string>> get_setting(std::string key) = 0;
  virtual Task<Result<>> set_setting(std::string key, std::string value) = 0; ///< an empty value unsets it
  /// At most `most` keys that begin with `prefix`, with their values, by key, behind the key `after`.
  virtual Task<Result<std::vector<std::pair<std::string, std::string>>>>
  list_settings(std::string prefix, std::size_t most, std::string after) = 0;
  /// Whether this node may do for so long what only one of them does at a time ("upkeep"): nobody has it, or this one,
  /// which keeps it by asking again. Ends with this node's epoch.
  virtual Task<Result<bool>> lease(std::string name, std::chrono::seconds time) = 0;
  /// The nodes whose epoch has not ended, by epoch. This one is among them.
  virtual Task<Result<std::vector<NodeFacts>>> list_nodes() = 0;
  /// When this node last wrote down that the clock was right (ClockTrust, kClockSetting); 0: never.
  virtual Task<Result<std::int64_t>> last_beat() = 0;
  virtual Task<Result<>> beat(std::int64_t now) = 0;
  /// One slice of upkeep (trails of what was accepted and came to its end long before `now`, dropped bodies, idle
  /// destinations, expired greylisting). True while there is more to do now.
  virtual Task<Result<bool>> maintain(std::int64_t now) = 0;
  /// Checks the invariants; a line for each violation, none when all hold.
  virtual Task<Result<std::vector<std::string>>> verify() = 0;
  /// One step of the same, beginning with VerifyPoint{}: for stores of any size, while work goes on. invalid when it
  /// can't begin there.
  virtual Task<Result<VerifyStep>> verify_step(VerifyPoint from) = 0;
  /// unsupported, with what to do instead, where the store is kept by others than us. Begins a backup of the whole
  /// store as the file `path` (absolute; conflict when it exists, or another backup is under way). It is consistent
  /// while work goes on: of one moment after this call. One with which nobody has gone on for two seconds is given up
  /// for it: whoever made it has gone.
  virtual Task<Result<BackupStep>> begin_backup(std::string path) = 0;
  /// Goes on with the backup of that ticket, again and again until `finished`; an error ends it and leaves no file.
  /// Nobody goes on for a minute: it is given up. not_found when there is none; conflict when another one was begun
  /// since.
  virtual Task<Result<BackupStep>> go_on_with_backup(std::uint64_t ticket) = 0;
};

} // namespace paquebot::store
