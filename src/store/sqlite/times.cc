// What a wall clock that was ahead has left behind in the queue.
#include "store/sqlite/queue.h"
#include "store/sqlite/rows.h"

#include <algorithm>

namespace paquebot::store::sqlite {
namespace {

constexpr std::size_t kSlice = 200; // messages mended in one transaction

/// What was accepted by a clock that was believed is at most as far behind the heartbeat, which is written down each
/// minute, as that may be late; what was accepted by one that was ahead and doubted is days behind it.
constexpr std::int64_t kLateMost = 12LL * 3600 * 1000;

/// Only what was accepted later than this is of the future. By a clock that is behind, all that waits looks as if it
/// were; so the last time that was believed counts as well.
std::int64_t future_from(Db& db, std::int64_t latest) {
  return std::max(latest, db.number("SELECT heartbeat FROM node WHERE id = 1", 0) + kLateMost);
}

/// Unfinished messages from the future: their ids are as well.
void find_future_messages(Db& db, std::int64_t from, std::vector<Ulid>& ids) {
  Query q = db.query("SELECT id FROM message WHERE pending > 0 AND id > ? AND accepted_at > ? ORDER BY id LIMIT ?",
                     first_ulid_of(from), from, kSlice);
  while (q.row()) ids.push_back(q.ulid(0));
}

/// Messages with a recipient that waits for too long: one look into the index for each destination where all is well.
void find_late_messages(Db& db, std::int64_t latest, std::vector<Ulid>& ids) {
  Id at = 0;
  while (ids.size() < kSlice) {
    {
      Query next =
          db.query("SELECT destination FROM recipient WHERE state = 2 AND destination > ? ORDER BY destination "
                   "LIMIT 1",
                   at);
      if (!next.row()) return;
      at = next.i64(0);
    }
    Query q =
        db.query("SELECT message FROM recipient WHERE state = 2 AND destination = ?1 AND due > ?2 AND "
                 "due > (SELECT ifnull(max(hold_until), 0) FROM message WHERE id = message) ORDER BY due LIMIT ?3",
                 at, latest, kSlice);
    while (q.row()) ids.push_back(q.ulid(0));
  }
}

/// A message that was accepted in the future counts from now, or from the last time that was believed if that is later.
/// Nothing of a hold until a day that its sender named changes.
void count_from_now(Tx& tx, const Ulid& id, std::int64_t shift) {
  tx.db.run("UPDATE message SET accepted_at = accepted_at - ?1, expires_at = expires_at - ?1, "
            "deliver_by = iif(deliver_by > 0, deliver_by - ?1, deliver_by), "
            "hold_until = iif(hold_request LIKE 'for;%', hold_until - ?1, hold_until) WHERE id = ?2",
            shift, id);
  tx.db.run("UPDATE recipient SET expires = expires - ?1, deadline = iif(deadline > 0, deadline - ?1, deadline) "
            "WHERE message = ?2 AND state <= 3",
            shift, id);
}

std::size_t mend_message(Tx& tx, const Ulid& id, std::int64_t now, std::int64_t latest) {
  const std::int64_t accepted = tx.db.number("SELECT accepted_at FROM message WHERE id = ?", 0, id);
  const bool future = accepted > future_from(tx.db, latest);
  if (future) count_from_now(tx, id, accepted - std::max(now, tx.least));
  const std::int64_t hold = tx.db.number("SELECT hold_until FROM message WHERE id = ?", 0, id);
  // What is in hand may wait again, at the time when it was due.
  tx.db.run("UPDATE recipient SET due = ? WHERE message = ? AND state IN (2, 3) AND due > ?", std::max(now, hold), id,
            std::max(latest, hold));
  return static_cast<std::size_t>(tx.db.changes()) + (future ? 1 : 0);
}

} // namespace

std::vector<Ulid> find_ahead(Db& db, std::int64_t latest) {
  std::vector<Ulid> ids;
  find_future_messages(db, future_from(db, latest), ids);
  if (ids.size() < kSlice) find_late_messages(db, latest, ids);
  std::ranges::sort(ids);
  ids.erase(std::ranges::unique(ids).begin(), ids.end());
  return ids;
}

std::size_t pull_forward(Tx& tx, const std::vector<Ulid>& ids, std::int64_t now, std::int64_t latest) {
  std::size_t mended = 0;
  for (const Ulid& id : ids) mended += mend_message(tx, id, now, latest);
  return mended;
}

} // namespace paquebot::store::sqlite
