#pragma once

#include "store/store.h"

#include <memory>
#include <string>

namespace paquebot::store {

struct SqliteOptions : StoreOptions {
  std::string directory; ///< holds paquebot.db, bulk.db and the lock file
};

/// Opens (making it when absent) the SQLite store: takes the directory's lock (conflict when another process has it,
/// with its pid in the message), migrates, checks, ends the last epoch and starts a new one. A damaged or newer
/// database is refused, with what to do. Completes wal_checkpoint(TRUNCATE) before returning.
Result<std::unique_ptr<Store>> open_sqlite(SqliteOptions options);

} // namespace paquebot::store
