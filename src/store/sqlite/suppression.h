#pragma once

#include "base/result.h"
#include "store/sqlite/tx.h"
#include "store/suppression.h"

#include <optional>
#include <string>
#include <vector>

namespace paquebot::store::sqlite {

/// Whether there is any: without one nobody's mail costs a question.
bool anybody_suppressed(Db& db);
/// What keeps mail of this account from the address (of any case); the nearest scope first.
std::optional<Suppression> find_suppression(Db& db, Id account, const std::string& address, std::int64_t now);
/// Of a message by the API: whom it names and may not be sent to.
std::vector<std::uint32_t> suppressed_in(Db& db, const AcceptRequest& request, std::int64_t now);
/// Of a message that a person sent: a word about each.
std::vector<Event> warnings_for(Db& db, const AcceptRequest& request, std::int64_t now);

/// Errc::conflict when the address is there already, no_space when there are too many, not_found without its owner.
Result<Suppression> add_suppression(Tx& tx, Suppression one);
Result<Suppression> get_suppression(Db& db, Id id);
Result<> remove_suppression(Tx& tx, Id id);
/// By id, behind `after`, which has not ended.
std::vector<Suppression> list_suppressions(Db& db, const SuppressionFilter& filter, Id after, std::size_t most,
                                           std::int64_t now);

/// What an outcome says of the address: relayed, it exists; failed, it may be suppressed from now on.
void judge_outcome(Tx& tx, const Outcome& outcome);
/// False when as many have come as belong to the message, or it is not known.
bool note_proven_return(Tx& tx, const ProvenReturn& proven);
/// False when nobody can be meant, or it was told before.
bool note_complaint(Tx& tx, const Complaint& complaint);

/// The account or domain is gone.
void drop_suppressions_of(Tx& tx, SuppressScope scope, Id of);
/// True when there may be more to drop.
bool drop_old_suppressions(Tx& tx, std::int64_t now);

} // namespace paquebot::store::sqlite
