#include "store/sqlite/expiry.h"

#include "store/sqlite/mailboxes.h"

#include <limits>
#include <vector>

namespace paquebot::store::sqlite {
namespace {

constexpr std::size_t kMailboxesLookedAt = 1000; // looked at in one short read
constexpr std::size_t kEntriesLookedAt = 5000;   // likewise
constexpr std::int64_t kFromTheFuture = 24LL * 3600 * 1000;

/// Entries of before have no date of their own: their UIDL was made by this store when they came.
std::int64_t arrival(const Query& q, int arrived, int uidl) {
  const std::int64_t at = q.i64(arrived);
  if (at != 0) return at;
  if (q.view(uidl).size() != Ulid().bytes.size()) return std::numeric_limits<std::int64_t>::max(); // not one of ours
  return q.ulid(uidl).millis();
}

enum class ExpiryLook { found, clean, tired };

/// Looks through one mailbox from the round's place on, which moves along. `left`: how many entries may still be looked
/// at.
ExpiryLook look_through(Db& db, ExpiryRound& round, std::int64_t before, std::int64_t now, std::size_t& left) {
  Query q = db.query("SELECT uid, arrived, uidl FROM entry WHERE mailbox = ? AND uid > ? ORDER BY uid", round.mailbox,
                     round.uid);
  while (q.row()) {
    const std::int64_t at = arrival(q, 1, 2);
    if (at < before) return ExpiryLook::found;
    if (!round.thorough && at <= now + kFromTheFuture) return ExpiryLook::clean; // what is behind came later
    if (left == 0) return ExpiryLook::tired;
    --left;
    round.uid = q.u32(0);
  }
  return ExpiryLook::clean;
}

} // namespace

ExpiryRound next_mailbox(ExpiryRound round) {
  ++round.mailbox;
  round.uid = 0;
  return round;
}

ExpiryPage find_expired(Db& db, ExpiryRound round, std::int64_t before, std::int64_t now) {
  Query q = db.query("SELECT id FROM mailbox WHERE id >= ? AND account IS NOT NULL ORDER BY id LIMIT ?", round.mailbox,
                     kMailboxesLookedAt);
  std::size_t left = kEntriesLookedAt;
  std::size_t seen = 0;
  for (; q.row(); ++seen) {
    if (q.i64(0) != round.mailbox) round.uid = 0;
    round.mailbox = q.i64(0);
    ExpiryLook look{};
    try {
      look = look_through(db, round, before, now, left);
    } catch (const DbError& error) {
      const std::string where = "mailbox " + std::to_string(round.mailbox) + ": ";
      return {0, true, next_mailbox(round), Error{Errc::io, where + error.message}};
    }
    if (look == ExpiryLook::found) return {round.mailbox, true, round, std::nullopt};
    if (look == ExpiryLook::tired) return {0, true, round, std::nullopt};
  }
  return {0, seen == kMailboxesLookedAt, next_mailbox(round), std::nullopt};
}

ExpirySlice expire_slice(Tx& tx, Id mailbox, std::uint32_t uid, std::int64_t before, const std::string& who) {
  ExpirySlice slice{0, uid};
  std::vector<std::uint32_t> uids;
  {
    Query q = tx.db.query("SELECT uid, arrived, uidl FROM entry WHERE mailbox = ? AND uid > ? ORDER BY uid LIMIT ?",
                          mailbox, uid, kExpirySlice);
    while (q.row()) {
      slice.last = q.u32(0);
      if (arrival(q, 1, 2) < before) uids.push_back(slice.last);
    }
  }
  slice.removed = expunge(tx, mailbox, uids, who);
  return slice;
}

} // namespace paquebot::store::sqlite
