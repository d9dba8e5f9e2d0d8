#pragma once

#include "base/clock.h"
#include "store/sqlite_db.h"
#include "store/takeover.h"
#include "store/types.h"

#include <algorithm>
#include <atomic>
#include <string>
#include <unordered_map>

namespace paquebot::store {

/// What the writer thread remembers between transactions; forgotten after every rollback.
struct WriterMemory {
  WriterMemory(const Clock& clock, Db& db) : ulids(clock) { reload(db); }

  UlidSource ulids;     ///< for uidl
  Id next_body = 1;     ///< never goes back, not even when the rows are: somebody may still know an id of them
  Id reserved_body = 1; ///< those below were put aside by a commit, so that the next start goes on behind them
  std::unordered_map<std::string, Id> destinations; ///< ids by key, bounded
  std::int64_t heartbeat = 0;                       ///< Store::last_beat

  TakeoverRules takeover;               ///< Store::watch_accounts
  std::atomic<std::uint64_t> marks = 1; ///< rises with each account that is marked; any thread may look

  Id swept_destination = 0; ///< how far drop_idle_destinations has come
  Ulid swept_trail;         ///< how far drop_old_trails has come

  /// Reads the next free ids and drops what a rollback may have made untrue.
  void reload(Db& db) {
    destinations.clear();
    heartbeat = db.number("SELECT heartbeat FROM node WHERE id = 1", 0);
    reserved_body = db.number("SELECT next_body FROM node WHERE id = 1", 0);
    next_body = std::max({next_body, reserved_body, db.number("SELECT max(id) FROM body", 0) + 1});
  }
};

/// The view that a job has of the transaction it runs in.
struct Tx {
  Db& db;
  WriterMemory& memory;
  Id epoch;
  std::int64_t now; ///< wall clock, milliseconds
};

} // namespace paquebot::store
