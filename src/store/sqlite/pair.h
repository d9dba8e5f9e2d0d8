#pragma once

#include "base/result.h"
#include "store/sqlite/db.h"

#include <string>

/// paquebot.db and bulk.db belong together: both carry the same random id.
namespace paquebot::store::sqlite {

/// A file that is there and holds something.
bool has_content(const std::string& path);

/// Large bodies without the file that says whose they are: a new one in its place would have them swept away. Looked at
/// before anything is made.
Result<> check_company(const std::string& directory);
/// paquebot.db without the bulk.db that belongs to it: a new or a foreign one in its place would give its ids again,
/// and show other mail under them. Looked at before either file is opened for writing; what can't be read is passed
/// over, for who opens it tells better. io, with what to do.
Result<> check_bulk_file(const std::string& directory);
/// Whether that bulk.db may be read as this store's: both have the same id, or paquebot.db is of before there were ids.
/// False also for what is no bulk.db that this program knows. Errors: DbError when paquebot.db can't be read.
bool is_pair(Db& main, Db& bulk);
/// Whether both have an id, and the same one. Throws DbError.
bool carry_one_id(Db& main, Db& bulk);
/// Gives both one id, unless they have it: bulk.db first, so that it has the one which paquebot.db names. Durable.
void pair_files(Db& main, Db& bulk);
/// A new id for both, which no other file has. Durable when the connections sync.
void pair_anew(Db& main, Db& bulk);

} // namespace paquebot::store::sqlite
