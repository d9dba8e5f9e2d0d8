#include "store/sqlite/maintain.h"

#include "base/log.h"
#include "store/sqlite/content.h"
#include "store/sqlite/rows.h"
#include "store/sqlite/view.h"

#include <algorithm>

namespace paquebot::store::sqlite {
namespace {

constexpr std::size_t kMessages = 200; // dropped in one transaction
constexpr std::size_t kTrails = 2000;  // looked at in one
constexpr std::int64_t kAhead = 24LL * 3600 * 1000;
constexpr std::size_t kEntries = 200;
constexpr std::size_t kDestinations = 500;
constexpr std::size_t kDigests = 5000;
constexpr std::int64_t kWorthShrinking = 4096; // free pages: 64 MiB

struct Entry {
  std::uint32_t uid;
  Id head;
  Id body;
  std::uint64_t size;
  std::uint64_t flags;
};

} // namespace

bool drop_old_trails(Tx& tx, std::int64_t before, std::int64_t now) {
  Ulid last;
  last.bytes.fill(0xFF);
  std::vector<Ulid> ids;
  std::size_t seen = 0;
  const auto look = [&](const Ulid& above, const Ulid& below) {
    if (above >= below) return;
    Query q = tx.db.query("SELECT id, pending = 0 AND accepted_at < ?1 AND NOT EXISTS (SELECT 1 FROM recipient r WHERE "
                          "r.message = m.id AND r.changed_at >= ?1) FROM message m "
                          "WHERE id > ?2 AND id <= ?3 ORDER BY id LIMIT ?4",
                          before, above, below, kTrails - seen);
    for (; ids.size() < kMessages && q.row(); ++seen) {
      tx.memory.swept_trail = q.ulid(0);
      if (q.flag(1)) ids.push_back(q.ulid(0));
    }
  };
  look(tx.memory.swept_trail, first_ulid_of(before));
  if (seen < kTrails && ids.size() < kMessages)
    look(std::max(tx.memory.swept_trail, first_ulid_of(now + kAhead)), last);
  for (const Ulid& id : ids) {
    tx.db.run("DELETE FROM event WHERE message = ?", id);
    tx.db.run("DELETE FROM recipient WHERE message = ?", id);
    tx.db.run("DELETE FROM message WHERE id = ?", id);
    tx.db.run("DELETE FROM metadata WHERE message = ?", id);
  }
  if (seen == kTrails || ids.size() == kMessages) return true;
  tx.memory.swept_trail = Ulid();
  return false;
}

bool empty_dropped_mailboxes(Tx& tx) {
  const Id mailbox = tx.db.number("SELECT id FROM mailbox WHERE account IS NULL LIMIT 1", 0);
  if (mailbox == 0) return false;
  std::vector<Entry> slice;
  {
    Query q = tx.db.query("SELECT uid, head, body, size, flags FROM entry WHERE mailbox = ? ORDER BY uid LIMIT ?",
                          mailbox, kEntries);
    while (q.row()) slice.push_back({q.u32(0), q.i64(1), q.i64(2), q.u64(3), q.u64(4)});
  }
  std::uint64_t bytes = 0;
  std::uint64_t unseen = 0;
  std::uint64_t deleted = 0;
  for (const Entry& entry : slice) {
    bytes += entry.size;
    unseen += (entry.flags & kSeen) == 0 ? 1 : 0;
    deleted += (entry.flags & kDeleted) != 0 ? 1 : 0;
    tx.db.run("DELETE FROM entry WHERE mailbox = ? AND uid = ?", mailbox, entry.uid);
    release_content(tx.db, entry.head, entry.body);
  }
  if (slice.empty()) {
    // What was imported into it, a bounded number at a time.
    tx.db.run("DELETE FROM imported WHERE mailbox = ?1 AND digest IN (SELECT digest FROM imported WHERE mailbox = ?1 "
              "LIMIT ?2)",
              mailbox, kDigests);
    if (tx.db.changes() > 0 || drop_expunged(tx, mailbox)) return true;
    tx.db.run("DELETE FROM keyword WHERE mailbox = ?", mailbox); // few
    tx.db.run("DELETE FROM mailbox WHERE id = ?", mailbox);
  } else {
    tx.db.run("UPDATE mailbox SET count = count - ?, bytes = bytes - ?, unseen = unseen - ?, deleted = deleted - ? "
              "WHERE id = ?",
              slice.size(), bytes, unseen, deleted, mailbox);
  }
  return true;
}

bool drop_idle_destinations(Tx& tx, std::int64_t before) {
  std::vector<Id> old;
  std::vector<Id> failing;
  std::size_t seen = 0;
  {
    Query q = tx.db.query(
        "SELECT id, NOT EXISTS (SELECT 1 FROM recipient WHERE destination = d.id AND state = 1) "
        "AND NOT EXISTS (SELECT 1 FROM recipient WHERE destination = d.id AND state = 2) "
        "AND NOT EXISTS (SELECT 1 FROM recipient WHERE destination = d.id AND state = 3), "
        "changed_at < ?, failures <> 0 OR backoff_until <> 0 FROM destination d WHERE id > ? ORDER BY id LIMIT ?",
        before, tx.memory.swept_destination, kDestinations);
    for (; q.row(); ++seen) {
      tx.memory.swept_destination = q.i64(0);
      if (q.flag(1) && q.flag(2))
        old.push_back(q.i64(0));
      else if (q.flag(1) && q.flag(3))
        failing.push_back(q.i64(0));
    }
  }
  for (const Id id : old) tx.db.run("DELETE FROM destination WHERE id = ?", id);
  for (const Id id : failing)
    tx.db.run("UPDATE destination SET backoff_until = 0, failures = 0, last_error = '' WHERE id = ?", id);
  if (!old.empty()) tx.memory.destinations.clear();
  if (seen == kDestinations) return true;
  tx.memory.swept_destination = 0;
  return false;
}

bool shrink(Db& db, bool short_of_room) {
  if (!db.is_sqlite()) return false;
  const std::int64_t free = db.number("PRAGMA freelist_count", 0);
  const std::int64_t pages = db.number("PRAGMA page_count", 0);
  if (free == 0 || (!short_of_room && (free < kWorthShrinking || free * 4 < pages))) return false;
  db.run("PRAGMA incremental_vacuum(64)"); // pages: 1 MiB
  return true;
}

std::vector<Id> list_garbage(Tx& tx, std::size_t most) {
  std::vector<Id> out;
  std::vector<Id> owned;
  {
    Query q = tx.db.query("SELECT bulk, EXISTS(SELECT 1 FROM body b WHERE b.bulk = g.bulk AND b.bulk <> 0) "
                          "FROM bulk_garbage g ORDER BY bulk LIMIT ?",
                          most);
    while (q.row()) (q.flag(1) ? owned : out).push_back(q.i64(0));
  }
  if (!owned.empty()) log::error("garbage-owned", {{"bodies", owned.size()}, {"advice", "please report it"}});
  forget_garbage(tx.db, owned);
  return out;
}

void forget_garbage(Db& db, const std::vector<Id>& bulks) {
  for (const Id bulk : bulks) db.run("DELETE FROM bulk_garbage WHERE bulk = ?", bulk);
}

} // namespace paquebot::store::sqlite
