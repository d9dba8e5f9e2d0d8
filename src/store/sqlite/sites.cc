#include "store/sqlite/queue.h"

namespace paquebot::store::sqlite {

void keep_sites(Tx& tx, const std::vector<SiteFacts>& sites) {
  for (const SiteFacts& one : sites) {
    tx.db.run("DELETE FROM site WHERE key = ?", one.key);
    if (one.empty()) continue;
    tx.db.run("INSERT INTO site(key, most, pace, per_connection, pause_until, blocks, why, learned_at) "
              "VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
              one.key, one.most, one.pace, one.per_connection, one.pause_until, one.blocks, one.why, one.learned_at);
  }
}

std::vector<SiteFacts> list_sites(Db& db) {
  std::vector<SiteFacts> sites;
  Query q = db.query("SELECT key, most, pace, per_connection, pause_until, blocks, why, learned_at FROM site");
  while (q.row())
    sites.push_back({.key = q.text(0),
                     .most = q.u32(1),
                     .pace = q.i64(2),
                     .per_connection = q.u32(3),
                     .pause_until = q.i64(4),
                     .blocks = q.u32(5),
                     .why = q.text(6),
                     .learned_at = q.i64(7)});
  return sites;
}

} // namespace paquebot::store::sqlite
