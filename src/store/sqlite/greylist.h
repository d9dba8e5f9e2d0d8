#pragma once

#include "store/greylist.h"
#include "store/sqlite/tx.h"

#include <string>
#include <vector>

namespace paquebot::store::sqlite {

/// Merges rows with what is there; those that are gone are deleted.
void save_greylist(Tx& tx, const std::vector<GreyRow>& rows);
/// Those of these keys that there are.
std::vector<GreyRow> find_greylist(Db& db, const std::vector<std::string>& keys);
/// Rows with key > `after`, by key.
std::vector<GreyRow> load_greylist(Db& db, const std::string& after, std::size_t most);
/// Deletes a slice of what has expired before `now`; true when there may be more.
bool drop_old_greylist(Tx& tx, std::int64_t now);

} // namespace paquebot::store::sqlite
