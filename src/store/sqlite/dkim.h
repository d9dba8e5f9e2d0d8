#pragma once

#include "base/result.h"
#include "store/sqlite/tx.h"

#include <string>
#include <vector>

/// DKIM keys of our domains.
namespace paquebot::store::sqlite {

std::vector<DkimKey> list_dkim_keys(Db& db, const std::string& domain);
Result<> add_dkim_keys(Tx& tx, const std::string& domain, const std::vector<DkimKey>& keys);
Result<> activate_dkim_keys(Tx& tx, const std::string& domain);
Result<> remove_dkim_key(Tx& tx, const std::string& domain, const std::string& selector);

} // namespace paquebot::store::sqlite
