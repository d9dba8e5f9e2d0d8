#pragma once

#include "store/sqlite/tx.h"
#include "store/takeover.h"
#include "store/within.h"

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

/// Marks of accounts that look taken over, and the counting that leads to them.
namespace paquebot::store::sqlite {

/// Marks an account; false when it is marked already or does not exist.
bool suspect(Tx& tx, Id account, TakeoverSign signal, const std::string& reason);
/// The reason with which mail of a marked account is held; nothing when it is not marked.
std::optional<std::string> hold_reason(Db& db, Id account);
bool anybody_suspected(Db& db);
/// All of them, oldest first. `with_counts` fills `held` by one walk over what is held.
std::vector<Suspicion> list_suspicions(Db& db, bool with_counts);
std::vector<Suspicion> page_suspicions(Db& db, const Within& within, const std::string& after, std::size_t most);
std::optional<Suspicion> get_suspicion(Db& db, Id account);
void suspicion_told(Tx& tx, Id account);
/// Takes the mark away and lets the counting begin anew, so that it does not come back at once. False when there was
/// none.
bool clear_suspicion(Tx& tx, Id account);

/// In the accepting transaction, after the charge: the account has written to `today` first-time recipients now.
void watch_new_recipients(Tx& tx, Id account, std::uint64_t today, std::int64_t now);

/// Recipients that failed for good, counted for the day on which their message was submitted.
class FailureCount {
public:
  /// One failed. Only whom a submitting account named itself counts.
  void add(Tx& tx, const Ulid& message, std::uint32_t index);
  /// Writes the counts, and marks the accounts for which they are too many.
  void write(Tx& tx) const;

private:
  std::map<std::pair<Id, std::int64_t>, std::uint64_t> counts_; ///< by account and day
};

/// Counts what a report that came by mail tells, as far as the trail bears it out; how many recipients.
std::size_t note_bounces(Tx& tx, const LateBounces& bounces);

/// The oldest window of `kind` that is still of use in the one that began at `start`.
std::int64_t kept_from(LimitKind kind, std::int64_t start);

/// What waits or comes back unsent is held as long as its account is marked.
std::optional<std::string> hold_reason_of(Db& db, const Ulid& message);

/// The message of an account that looks taken over: all whom it names are held, as named. What an alias of ours leads
/// to is looked up when they are let go.
AcceptRequest held_whole(const AcceptRequest& request, HoldKind kind, const std::string& reason);

} // namespace paquebot::store::sqlite
