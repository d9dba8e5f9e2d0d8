#pragma once

#include "base/result.h"
#include "store/sqlite/db.h"
#include "store/types.h"

#include <string>

/// The nodes that work on a database: how an epoch begins and ends. Functions throw DbError.
namespace paquebot::store::postgres {

inline constexpr int kMailLane = 1, kBulkLane = 2;

struct NodeIdentity {
  std::string name;    ///< shown
  std::string key;     ///< of its data directory: no two nodes have it at the same time; empty: it has none
  std::string version; ///< of its program
};

/// A key that was made when the directory had none yet, and is kept there.
Result<std::string> key_of(const std::string& directory);

/// Begins an epoch. One that a process with the same key has left behind is ended first; conflict when that process
/// lives, which is waited for.
Result<Id> begin_epoch(sqlite::Db& db, const NodeIdentity& own);

/// Ends an epoch of another node that is taken for dead: its connections are cut, its transactions under way waited
/// for, and nothing that it sends later counts; its work in hand waits again, its locks and leases are free. False when
/// it had ended already. Not within a transaction.
bool end_epoch(sqlite::Db& db, Id dead, Id by);

/// Ends the own epoch, in the last transaction of the lane for mail.
void leave(sqlite::Db& db, Id own);

/// For changes of mail in a transaction, one node at a time: waits for the turn, and gives who had it last.
Id take_turn(sqlite::Db& db);

} // namespace paquebot::store::postgres
