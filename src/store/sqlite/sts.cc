#include "store/sqlite/sts.h"

namespace paquebot::store::sqlite {

void save_sts(Tx& tx, const StsRow& row) {
  tx.db.run("INSERT INTO sts_policy(domain, id, text, fetched) VALUES(?, ?, ?, ?) ON CONFLICT(domain) DO UPDATE "
            "SET id = excluded.id, text = excluded.text, fetched = excluded.fetched",
            row.domain, row.id, Blob{row.text}, row.fetched);
}

void drop_sts(Tx& tx, const std::string& domain) { tx.db.run("DELETE FROM sts_policy WHERE domain = ?", domain); }

std::vector<StsRow> load_sts(Db& db, const std::string& after, std::size_t most) {
  Query q = db.query("SELECT domain, id, text, fetched FROM sts_policy WHERE domain > ? ORDER BY domain LIMIT ?", after,
                     most);
  std::vector<StsRow> rows;
  while (q.row()) rows.push_back({q.text(0), q.text(1), q.text(2), q.i64(3)});
  return rows;
}

} // namespace paquebot::store::sqlite
