#pragma once

#include "store/sqlite/tx.h"
#include "store/sts.h"

#include <string>
#include <vector>

namespace paquebot::store::sqlite {

/// Takes the place of the one before.
void save_sts(Tx& tx, const StsRow& row);
void drop_sts(Tx& tx, const std::string& domain);
/// By domain, behind `after`.
std::vector<StsRow> load_sts(Db& db, const std::string& after, std::size_t most);

} // namespace paquebot::store::sqlite
