#pragma once

#include "store/sqlite/db.h"

#include <string>
#include <vector>

namespace paquebot::store::postgres {

/// What of the database's settings makes its promises less than a commit's: a sentence each, with what to do. Throws
/// DbError.
std::vector<std::string> doubts_about(sqlite::Db& db);

} // namespace paquebot::store::postgres
