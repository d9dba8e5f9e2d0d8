#pragma once

#include "store/sqlite/tx.h"

#include <optional>
#include <string>

/// What programs said with mail that they handed in by the API (sending.h).
namespace paquebot::store::sqlite {

/// An empty key is none.
std::optional<KeptSending> find_sending(Db& db, Id account, const std::string& key, std::int64_t now);
/// In the transaction that accepts it.
void keep_sending(Tx& tx, const NewMessage& message);
/// True when there may be more to drop.
bool drop_old_sendings(Tx& tx, std::int64_t now);

} // namespace paquebot::store::sqlite
