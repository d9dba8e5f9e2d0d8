#pragma once

#include "store/sqlite/tx.h"

#include <vector>

/// Upkeep in slices, so that no commit of mail waits long behind it. Each function does one slice and says whether
/// there is more.
namespace paquebot::store::sqlite {

/// Forgets messages that were accepted and came to their end before `before`, with their recipients and events. Goes
/// through all whose ids are of that time, or of the future (later than a day after `now`), a slice at a time; false
/// when it has come round.
bool drop_old_trails(Tx& tx, std::int64_t before, std::int64_t now);
/// Empties mailboxes of accounts that are gone.
bool empty_dropped_mailboxes(Tx& tx);
/// Forgets destinations that no unfinished recipient names and where nothing has changed since `before`, and that
/// others of which no unfinished recipient is left ever failed. Goes through all of them in turn, a slice at a time;
/// false when it has come round.
bool drop_idle_destinations(Tx& tx, std::int64_t before);
/// Gives free pages back to the file system when there are many; when it is `short_of_room`, all of them.
bool shrink(Db& db, bool short_of_room);
/// Bodies in bulk.db that nobody owns any more, at most `most`. What somebody owns all the same is taken off the list.
std::vector<Id> list_garbage(Tx& tx, std::size_t most);
void forget_garbage(Db& db, const std::vector<Id>& bulks);

} // namespace paquebot::store::sqlite
