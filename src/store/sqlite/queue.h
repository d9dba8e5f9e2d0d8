#pragma once

#include "base/result.h"
#include "store/sqlite/tx.h"
#include "store/store.h"

#include <optional>
#include <string>
#include <vector>

/// Waiting work: what is due, what came of it, and what operators order.
namespace paquebot::store::sqlite {

std::vector<DestinationFacts> list_destinations(Db& db, bool with_counts);
std::vector<DestinationFacts> page_destinations(Db& db, const std::string& after, std::size_t most);
/// Fills `waiting` and `oldest`.
void count_waiting(Db& db, DestinationFacts& place);

std::int64_t earliest_due(Db& db, const std::string& destination);
std::int64_t earliest_deadline(Db& db);

/// Takes waiting recipients of a destination in hand: those due by `now` (priorities above 0 first, then the oldest
/// due), or, when `expired`, those whose message has expired by then. Grouped by message in the order in which each
/// first appeared.
Claim claim(Tx& tx, const std::string& destination, std::int64_t now, std::size_t most, bool expired);
/// The same for those whose deadline has passed, of any destination.
std::vector<WorkItem> claim_overdue(Tx& tx, std::int64_t now, std::size_t most);
/// Outcomes of recipients that this epoch does not hold are passed over and logged.
/// How many counted.
std::size_t record(Tx& tx, const std::vector<Outcome>& outcomes, const std::optional<DestinationUpdate>& destination);
/// In-hand recipients of ended epochs wait again, their due time unchanged.
void return_orphans(Db& db, Id epoch);

void keep_sites(Tx& tx, const std::vector<SiteFacts>& sites);
std::vector<SiteFacts> list_sites(Db& db);

OwedPage owed_reports(Db& db, const std::optional<Ulid>& after, std::size_t most, std::int64_t now);
void waive_reports(Tx& tx, const Ulid& message, const std::vector<std::uint32_t>& recipients);

/// Some messages that QueueStore::pull_forward has to mend.
std::vector<Ulid> find_ahead(Db& db, std::int64_t latest);
std::size_t pull_forward(Tx& tx, const std::vector<Ulid>& ids, std::int64_t now, std::int64_t latest);

/// One page of a walk over the unfinished messages.
struct QueuePage {
  std::vector<WorkItem> items;
  std::optional<Ulid> next; ///< go on after this one; none: the walk is over
};
/// Looks at a bounded number of messages after `after` and gives at most `most` that match.
QueuePage list_queue(Db& db, const QueueFilter& filter, const std::optional<Ulid>& after, std::size_t most);
/// QueueStore::count_held.
std::uint64_t count_held(Db& db);
/// Whether the order would change that recipient of the item now.
bool would_change(QueueAction action, const QueueFilter& filter, const WorkItem& item, const RecipientFacts& recipient,
                  std::int64_t now);
/// Applies an operator's order to the recipients listed; those in hand are left alone. Returns how many were changed.
std::size_t operate(Tx& tx, QueueAction action, const QueueFilter& filter, const std::vector<WorkItem>& items,
                    const std::string& who, std::int64_t now);

} // namespace paquebot::store::sqlite
