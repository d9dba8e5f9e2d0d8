#pragma once

#include "base/result.h"
#include "store/postgres/connection.h"

#include <memory>

namespace paquebot::store::postgres {

/// Refuses a database whose settings are not what the store needs: its encoding, its version. Throws DbError.
Result<> check_settings(sqlite::Db& db);
/// Refuses a database whose settings are not what the store needs (its encoding, its version), that holds something
/// else, or was made by a newer program; brings an older or empty one up to date, each step in one transaction. Throws
/// DbError.
Result<> prepare_schema(const std::shared_ptr<PgConnection>& connection);

} // namespace paquebot::store::postgres
