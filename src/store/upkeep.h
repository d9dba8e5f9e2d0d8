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
  std::int64_t heartbeat = 0; ///< when it last wrote down that its clock is right (beat); 0: not yet

  // Of a store that several nodes work on:
  std::string name{};
  std::string version{};      ///< of its program
  std::int64_t since = 0;     ///< when its epoch began
  std::int64_t silent_ms = 0; ///< since it last said that it lives
  bool drained = false;       ///< it begins no work that another node can do
};

/// What the store looks like to who looks after it.
struct StoreFacts {
  std::string kind;                                 ///< "SQLite 3.40.1", "PostgreSQL 15.14"
  std::uint64_t size = 0;                           ///< octets on the disk
  std::uint64_t waiting = 0, in_hand = 0, held = 0; ///< recipients
  std::int64_t oldest_due = 0;                      ///< of what waits: since when it could be tried; 0: nothing does
  std::uint64_t locks = 0; ///< mailboxes that sessions of POP3 have for themselves, on all nodes that share it
  struct Lease {
    std::string name, node;
    std::int64_t left_ms = 0;
  };
  std::vector<Lease> leases{};
  /// A copy of the database, as that knows it.
  struct Copy {
    std::string name, state, wait; ///< `wait`: "sync", "quorum": commits wait for it; "async", "potential": not
    std::int64_t behind = 0;       ///< octets that it has not applied yet; -1: unknown
  };
  std::vector<Copy> copies{};
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
  virtual Task<Result<StoreFacts>> describe() = 0;
  /// Lets that node begin no work any more that another one can do, and have no leases; or take it up again. It hears
  /// of it as Change::Kind::node. not_found when none of that name lives; unsupported where there is only one.
  virtual Task<Result<>> drain_node(std::string name, bool drained) = 0;
  /// This node has given back what it had in hand: the others hear that work waits.
  virtual void hand_over() = 0;
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
