#pragma once

#include "base/clock.h"
#include "store/sqlite/db.h"
#include "store/takeover.h"
#include "store/types.h"

#include <algorithm>
#include <atomic>
#include <string>
#include <unordered_map>
#include <utility>

namespace paquebot::store::sqlite {

/// What the writer knows of the feed.
struct FeedState {
  std::atomic<std::int64_t> watched_until = 0; ///< Feed::watch; any thread
  std::atomic<Id> last = 0;                    ///< row; any thread may look
  bool hooks = false;                          ///< there are some
  bool unbroken = false;                       ///< all that happened since the last row is in it
  Id gap = 0;                                  ///< the row that said last that something is missing
};

/// What the writer thread remembers between transactions; forgotten after every rollback.
struct WriterMemory {
  WriterMemory(const Clock& clock, Db& db) : ulids(clock) { reload(db); }

  UlidSource ulids;     ///< for uidl
  Id next_body = 1;     ///< never goes back, not even when the rows are: somebody may still know an id of them
  Id reserved_body = 1; ///< those below were put aside by a commit, so that the next start goes on behind them
  std::unordered_map<std::string, Id> destinations; ///< ids by key, bounded
  std::int64_t heartbeat = 0;                       ///< Upkeep::last_beat

  TakeoverRules takeover;               ///< Books::watch_accounts
  std::atomic<std::uint64_t> marks = 1; ///< rises with each account that is marked; any thread may look

  FeedState feed;
  bool suspensions = false; ///< there are some (Suspension)

  Id swept_destination = 0; ///< how far drop_idle_destinations has come
  Id swept_expunged = 0;    ///< how far forget_expunged has come: this mailbox is done
  Ulid swept_trail;         ///< how far drop_old_trails has come

  /// Milliseconds since 1970 that it is at least, whatever the wall clock says: the heartbeat, and what has passed
  /// since this run has known it; 0 without one.
  std::int64_t least(Instant now) {
    if (std::exchange(counted_, heartbeat) != heartbeat) counted_at_ = now;
    return heartbeat == 0 ? 0 : heartbeat + std::chrono::floor<std::chrono::milliseconds>(now - counted_at_).count();
  }

  /// Reads the next free ids and drops what a rollback may have made untrue.
  void reload(Db& db) {
    destinations.clear();
    heartbeat = db.number("SELECT heartbeat FROM node WHERE id = 1", 0);
    // Also of others: what was left of a block is given up.
    reserved_body = db.number("SELECT next_body FROM node WHERE id = 1", 0);
    next_body = std::max({next_body, reserved_body, db.number("SELECT max(id) FROM body", 0) + 1});
    suspensions = db.number("SELECT 1 FROM setting WHERE key > 'suspension.' AND key < 'suspension/' LIMIT 1", 0) != 0;
    feed.hooks = db.number("SELECT 1 FROM hook LIMIT 1", 0) != 0;
    feed.last = db.number("SELECT seq FROM sqlite_sequence WHERE name = 'feed'", 0);
    feed.unbroken = feed.hooks || (feed.unbroken && feed.gap != 0 && feed.gap <= feed.last);
  }

private:
  std::int64_t counted_ = 0; ///< the heartbeat that least() saw last, and since when
  Instant counted_at_{};
};

/// The view that a job has of the transaction it runs in.
struct Tx {
  Db& db;
  WriterMemory& memory;
  Id epoch;
  std::int64_t now;   ///< wall clock, milliseconds
  std::int64_t least; ///< WriterMemory::least
};

} // namespace paquebot::store::sqlite
