#pragma once

#include "store/sqlite_db.h"
#include "store/types.h"
#include "store/upkeep.h"

#include <string>
#include <vector>

namespace paquebot::store {

/// One step of checking every invariant of docs/durability.md that the two files show. `epoch` is the one that works
/// now or worked last: what it is staging is not yet owned. `main` must be in a transaction or in none at all; what
/// changes while the steps go on does not lead to findings.
VerifyStep verify_step(Db& main, Db& bulk, Id epoch, const VerifyPoint& from);

/// All steps at once, as lines.
std::vector<std::string> verify_store(Db& main, Db& bulk, Id epoch);

} // namespace paquebot::store
