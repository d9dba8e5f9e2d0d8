#pragma once

#include "store/sqlite/db.h"

namespace paquebot::store::sqlite {

/// Moves all of the write-ahead log into the database, synced, and empties it: also what SQLite holds for moved
/// already. It counts as that what an earlier checkpoint wrote but could not sync yet, as a reader kept it from the end
/// of the log; if the sync failed afterwards, that much is lost, and only the log has it still. The log is written
/// again before: it may be in memory only. Nobody else may write meanwhile. Throws DbError when it is not possible, or
/// another checkpoint is under way.
void checkpoint_fully(Db& db);

} // namespace paquebot::store::sqlite
