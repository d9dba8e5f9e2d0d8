#pragma once

#include "base/result.h"
#include "store/sqlite/tx.h"

#include <string>
#include <vector>

/// App passwords, and the keys of SCRAM.
namespace paquebot::store::sqlite {

Result<> set_scram(Tx& tx, const Account& account);
std::vector<AppPassword> list_app_passwords(Db& db, Id account);
Result<AppPassword> add_app_password(Tx& tx, const AppPassword& password);
Result<> remove_app_password(Tx& tx, Id account, Id id);
void use_app_password(Tx& tx, Id id, std::int64_t when, const std::string& from);

} // namespace paquebot::store::sqlite
