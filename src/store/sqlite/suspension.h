#pragma once

#include "base/result.h"
#include "store/sqlite/tx.h"
#include "store/suspension.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace paquebot::store::sqlite {

/// QueueStore's. A row of `setting` each.
Result<> suspend(Tx& tx, Suspension one);
Result<> end_suspension(Tx& tx, Suspension::Of of, const std::string& name);
bool advance_suspension(Tx& tx, const Suspension& seen, Suspension::Phase to);
std::vector<Suspension> list_suspensions(Db& db);

/// The one that holds back, at `now`, what `account` (0: nobody) sends to `address`; one of the account comes first.
std::optional<Suspension> suspension_for(Db& db, Id account, std::string_view address, std::int64_t now);
/// Of the account alone.
std::optional<Suspension> suspension_of(Db& db, Id account, std::int64_t now);
/// The request with those recipients held, in `whom` as well, whose domain is suspended; nothing: there are none.
std::optional<AcceptRequest> without_suspended(Tx& tx, const AcceptRequest& request, std::vector<std::uint32_t>& whom);
/// The account is removed: what is held of its mail goes on.
void end_suspension_of(Tx& tx, const std::string& login);

} // namespace paquebot::store::sqlite
