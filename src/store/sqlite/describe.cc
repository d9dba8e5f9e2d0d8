#include "store/sqlite/describe.h"

#include <algorithm>
#include <sqlite3.h>

namespace paquebot::store::sqlite {
namespace {

void add_work(Db& db, StoreFacts& facts) {
  const auto count = [&db](int state) {
    return static_cast<std::uint64_t>(db.number("SELECT count(*) FROM recipient WHERE state = ?", 0, state));
  };
  facts.held = count(1);
  facts.waiting = count(2);
  facts.in_hand = count(3);
  facts.oldest_due = db.number("SELECT min(due) FROM recipient WHERE state = 2", 0);
}

std::uint64_t size_of(Db& db) {
  return static_cast<std::uint64_t>(db.number("SELECT page_count FROM pragma_page_count", 0) *
                                    db.number("SELECT page_size FROM pragma_page_size", 0));
}

/// What several nodes share.
void add_shares(Db& db, StoreFacts& facts) {
  facts.locks = static_cast<std::uint64_t>(db.number("SELECT count(*) FROM mailbox_lock", 0));
  Query q = db.query("SELECT l.name, n.name, l.until - database_ms() FROM lease l JOIN node n ON n.epoch = l.epoch "
                     "AND n.id <> 1 WHERE l.until > database_ms() ORDER BY l.name");
  while (q.row()) facts.leases.push_back({q.text(0), q.text(1), std::max<std::int64_t>(q.i64(2), 0)});
}

/// Without the right to see all, the database tells of its copies only that they are there.
void add_copies(Db& db, StoreFacts& facts) {
  Query q = db.query("SELECT coalesce(application_name, ''), coalesce(state, ''), coalesce(sync_state, ''), "
                     "coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn)::bigint, -1) FROM pg_stat_replication "
                     "ORDER BY 1");
  while (q.row()) facts.copies.push_back({q.text(0), q.text(1), q.text(2), q.i64(3)});
}

} // namespace

StoreFacts describe(Db& main, Db& bulk) {
  StoreFacts facts;
  add_work(main, facts);
  if (main.is_sqlite()) {
    facts.kind = std::string("SQLite ") + sqlite3_libversion();
    facts.size = size_of(main) + size_of(bulk);
    return facts;
  }
  Query q =
      main.query("SELECT split_part(current_setting('server_version'), ' ', 1), pg_database_size(current_database())");
  if (q.row()) facts.kind = "PostgreSQL " + q.text(0), facts.size = q.u64(1);
  add_shares(main, facts);
  add_copies(main, facts);
  return facts;
}

} // namespace paquebot::store::sqlite
