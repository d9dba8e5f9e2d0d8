#pragma once

#include "store/sqlite_db.h"
#include "store/types.h"

#include <string>
#include <vector>

namespace paquebot::store {

/// Checks the invariants of docs/life-of-a-message.md over both files, with every checksum; one line for each
/// violation, at most a hundred. Reads everything: for operators and tests, not for a server under load.
std::vector<std::string> verify_store(Db& main, Db& bulk, Id epoch);

} // namespace paquebot::store
