#pragma once

#include "store/dmarc_days.h"
#include "store/sqlite/tx.h"

#include <optional>
#include <vector>

namespace paquebot::store::sqlite {

/// Adds these to what is kept. How many messages did not fit into the bounds of dmarc_days.h.
std::uint64_t count_dmarc(Tx& tx, const std::vector<DmarcCount>& counts);
/// Reports about days before `day`, oldest first, behind `after`.
std::vector<DmarcDue> list_dmarc(Db& db, std::int64_t day, const DmarcDay& after, std::size_t most);
/// The rows of a report behind `after`, by source and detail.
std::vector<DmarcRow> read_dmarc(Db& db, const DmarcDay& of, const std::optional<DmarcRow>& after, std::size_t most);
bool has_dmarc(Db& db, const DmarcDay& of);
/// Forgets what a report is about. False when there is nothing.
bool drop_dmarc(Tx& tx, const DmarcDay& of);
/// Forgets one report about a day before `day`; true when there was one.
bool drop_old_dmarc(Tx& tx, std::int64_t day);

} // namespace paquebot::store::sqlite
