#include "store/sqlite/greylist.h"

namespace paquebot::store::sqlite {
namespace {

constexpr std::size_t kGreylistSlice = 500;

GreyRow grey_row_of(const Query& q) {
  return {q.text(0), q.as<GreyRow::State>(1), q.i64(2), q.i64(3), q.u32(4), q.i64(5)};
}

} // namespace

void save_greylist(Tx& tx, const std::vector<GreyRow>& rows) {
  for (const GreyRow& row : rows) {
    if (row.state == GreyRow::State::gone)
      tx.db.run("DELETE FROM greylist WHERE key = ?", row.key);
    else
      tx.db.run("INSERT INTO greylist(key, state, first, last, count, expires) VALUES(?, ?, ?, ?, ?, ?) "
                "ON CONFLICT(key) DO UPDATE SET state = max(greylist.state, excluded.state), "
                "first = min(greylist.first, excluded.first), last = max(greylist.last, excluded.last), "
                "count = max(greylist.count, excluded.count), expires = max(greylist.expires, excluded.expires)",
                row.key, row.state, row.first, row.last, row.count, row.expires);
  }
}

std::vector<GreyRow> find_greylist(Db& db, const std::vector<std::string>& keys) {
  std::vector<GreyRow> rows;
  for (const std::string& key : keys) {
    Query q = db.query("SELECT key, state, first, last, count, expires FROM greylist WHERE key = ?", key);
    if (q.row()) rows.push_back(grey_row_of(q));
  }
  return rows;
}

std::vector<GreyRow> load_greylist(Db& db, const std::string& after, std::size_t most) {
  Query q = db.query("SELECT key, state, first, last, count, expires FROM greylist WHERE key > ? ORDER BY key LIMIT ?",
                     after, most);
  std::vector<GreyRow> rows;
  while (q.row()) rows.push_back(grey_row_of(q));
  return rows;
}

bool drop_old_greylist(Tx& tx, std::int64_t now) {
  tx.db.run("DELETE FROM greylist WHERE key IN (SELECT key FROM greylist WHERE expires < ? ORDER BY expires LIMIT ?)",
            now, kGreylistSlice);
  return tx.db.changes() == static_cast<std::int64_t>(kGreylistSlice);
}

} // namespace paquebot::store::sqlite
