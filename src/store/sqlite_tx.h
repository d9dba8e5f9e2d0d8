#pragma once

#include "base/clock.h"
#include "store/sqlite_db.h"
#include "store/takeover.h"
#include "store/types.h"

#include <atomic>
#include <string>
#include <unordered_map>

namespace paquebot::store {

/// What the writer thread remembers between transactions; forgotten after every rollback.
struct WriterMemory {
  WriterMemory(const Clock& clock, Db& db) : ulids(clock) { reload(db); }

  UlidSource ulids; ///< for uidl
  Id next_body = 1;
  std::unordered_map<std::string, Id> destinations; ///< ids by key, bounded

  TakeoverRules takeover;               ///< Store::watch_accounts
  std::atomic<std::uint64_t> marks = 1; ///< rises with each account that is marked; any thread may look

  Id swept_destination = 0; ///< how far drop_idle_destinations has come

  /// Reads the next free ids and drops what a rollback may have made untrue.
  void reload(Db& db) {
    destinations.clear();
    next_body = db.number("SELECT max(id) FROM body", 0) + 1;
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
