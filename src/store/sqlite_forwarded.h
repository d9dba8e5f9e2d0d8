#pragma once

#include "store/sqlite_tx.h"

#include <vector>

namespace paquebot::store {

/// Store::forwarded_at().
std::vector<Forwarded> forwarded_at(Db& db, std::int64_t time, std::size_t most);
/// Store::note_return().
bool note_return(Tx& tx, const Ulid& message, const Ulid& report, std::uint64_t most);

} // namespace paquebot::store
