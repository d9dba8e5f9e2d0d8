#pragma once

#include "store/store.h"

#include <functional>
#include <memory>
#include <string>

namespace paquebot::store {

/// Runs what it is given once, at once or later, but never two at a time and in the order in which they came.
using Carrier = std::function<void(std::move_only_function<void()>)>;

struct SqliteOptions : StoreOptions {
  std::string directory; ///< holds paquebot.db, bulk.db and the lock file
  /// Does what threads of the store's would do, so that a process of one thread can live in simulated time. Null:
  /// threads. It must outlive the store; what it has not run when the store ends is done then.
  Carrier carrier{};
};

/// Opens (making it when absent) the SQLite store: takes the directory's lock (conflict when another process has it,
/// with its pid in the message), migrates, checks, ends the last epoch and starts a new one. A damaged or newer
/// database is refused, with what to do. Completes wal_checkpoint(TRUNCATE) before returning.
Result<std::unique_ptr<Store>> open_sqlite(SqliteOptions options);

} // namespace paquebot::store
