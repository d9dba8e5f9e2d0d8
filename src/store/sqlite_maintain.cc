#include "store/sqlite_maintain.h"

#include "base/log.h"
#include "store/sqlite_content.h"
#include "store/sqlite_rows.h"

namespace paquebot::store {
namespace {

constexpr std::size_t kMessages = 200;
constexpr std::size_t kEntries = 200;
constexpr std::size_t kDestinations = 500;
constexpr std::size_t kDigests = 5000;
constexpr std::int64_t kWorthShrinking = 4096; // free pages: 64 MiB

struct Entry {
  std::uint32_t uid;
  Id head;
  Id body;
  std::uint64_t size;
};

} // namespace

bool drop_old_trails(Tx& tx, std::int64_t before) {
  std::vector<Ulid> ids;
  {
    Query q = tx.db.query("SELECT id FROM message WHERE id < ? AND pending = 0 ORDER BY id LIMIT ?",
                          first_ulid_of(before), kMessages);
    while (q.row()) ids.push_back(q.ulid(0));
  }
  for (const Ulid& id : ids) {
    tx.db.run("DELETE FROM event WHERE message = ?", id);
    tx.db.run("DELETE FROM recipient WHERE message = ?", id);
    tx.db.run("DELETE FROM message WHERE id = ?", id);
  }
  return ids.size() == kMessages;
}

bool empty_dropped_mailboxes(Tx& tx) {
  const Id mailbox = tx.db.number("SELECT id FROM mailbox WHERE account IS NULL LIMIT 1", 0);
  if (mailbox == 0) return false;
  std::vector<Entry> slice;
  {
    Query q = tx.db.query("SELECT uid, head, body, size FROM entry WHERE mailbox = ? ORDER BY uid LIMIT ?", mailbox,
                          kEntries);
    while (q.row()) slice.push_back({q.u32(0), q.i64(1), q.i64(2), q.u64(3)});
  }
  std::uint64_t bytes = 0;
  for (const Entry& entry : slice) {
    bytes += entry.size;
    tx.db.run("DELETE FROM entry WHERE mailbox = ? AND uid = ?", mailbox, entry.uid);
    release_content(tx.db, entry.head, entry.body);
  }
  if (slice.empty()) {
    // What was imported into it, a bounded number at a time.
    tx.db.run("DELETE FROM imported WHERE mailbox = ?1 AND digest IN (SELECT digest FROM imported WHERE mailbox = ?1 "
              "LIMIT ?2)",
              mailbox, kDigests);
    if (tx.db.changes() > 0) return true;
    tx.db.run("DELETE FROM mailbox WHERE id = ?", mailbox);
  } else {
    tx.db.run("UPDATE mailbox SET count = count - ?, bytes = bytes - ? WHERE id = ?", slice.size(), bytes, mailbox);
  }
  return true;
}

bool drop_idle_destinations(Tx& tx, std::int64_t before) {
  std::vector<Id> idle;
  std::size_t seen = 0;
  {
    Query q = tx.db.query(
        "SELECT id, changed_at < ? AND NOT EXISTS (SELECT 1 FROM recipient WHERE destination = d.id AND state = 1) "
        "AND NOT EXISTS (SELECT 1 FROM recipient WHERE destination = d.id AND state = 2) "
        "AND NOT EXISTS (SELECT 1 FROM recipient WHERE destination = d.id AND state = 3) "
        "FROM destination d WHERE id > ? ORDER BY id LIMIT ?",
        before, tx.memory.swept_destination, kDestinations);
    for (; q.row(); ++seen) {
      tx.memory.swept_destination = q.i64(0);
      if (q.flag(1)) idle.push_back(q.i64(0));
    }
  }
  for (const Id id : idle) tx.db.run("DELETE FROM destination WHERE id = ?", id);
  if (!idle.empty()) tx.memory.destinations.clear();
  if (seen == kDestinations) return true;
  tx.memory.swept_destination = 0;
  return false;
}

bool shrink(Db& db, bool short_of_room) {
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

} // namespace paquebot::store
