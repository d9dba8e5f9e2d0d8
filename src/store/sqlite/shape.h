#pragma once

#include "store/sqlite/schema.h"

#include <string>
#include <vector>

namespace paquebot::store::sqlite {

/// What a file lacks of the tables, columns and indexes that the steps of its schema (user_version) make, or has
/// otherwise: "the table event is missing". What it has beside them is not looked at. Throws DbError.
std::vector<std::string> shape_faults(Db& db, const Schema& schema, bool with_others);

} // namespace paquebot::store::sqlite
