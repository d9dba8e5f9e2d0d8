#include "store/sqlite/dmarc.h"

namespace paquebot::store::sqlite {
namespace {

using Kind = DmarcDay::Kind;

/// As what a report's domain is kept: no domain has a slash in it.
std::string key_of(const DmarcDay& of) { return (of.kind == Kind::tls ? "tls/" : "") + of.domain; }

DmarcDay day_of(std::int64_t day, const std::string& key, Kind kind) {
  return {day, kind == Kind::tls ? key.substr(4) : key, kind};
}

bool add_to_row(Db& db, const DmarcCount& count) {
  db.run("UPDATE dmarc_row SET count = count + ? WHERE day = ? AND domain = ? AND source = ? AND detail = ?",
         count.row.count, count.of.day, key_of(count.of), count.row.source, Blob{count.row.detail});
  return db.changes() != 0;
}

/// Adds rows while there is room for them.
class Counter {
public:
  Counter(Db& db, Kind kind)
      : db_(db), rows_(static_cast<std::uint64_t>(db.number(
                     "SELECT sum(rows) FROM dmarc_day WHERE (domain GLOB 'tls/*') = (? <> 0)", 0, kind == Kind::tls))),
        reports_(static_cast<std::uint64_t>(
            db.number("SELECT count(*) FROM dmarc_day WHERE (domain GLOB 'tls/*') = (? <> 0)", 0, kind == Kind::tls))) {
  }

  bool add(const DmarcCount& count) {
    if (count.row.detail.size() > kMaxDmarcDetail || count.policy.size() > kMaxDmarcPolicy) return false;
    const std::int64_t known =
        db_.number("SELECT rows FROM dmarc_day WHERE day = ? AND domain = ?", -1, count.of.day, key_of(count.of));
    const bool counted = known >= 0 && add_to_row(db_, count);
    if (!counted && !has_room(known)) return false;
    note_policy(count, known, counted ? 0 : 1);
    if (counted) return true;
    db_.run("INSERT INTO dmarc_row(day, domain, source, detail, count) VALUES(?, ?, ?, ?, ?)", count.of.day,
            key_of(count.of), count.row.source, Blob{count.row.detail}, count.row.count);
    return true;
  }

private:
  bool has_room(std::int64_t known) const {
    if (rows_ >= kMaxDmarcRows) return false;
    return known < 0 ? reports_ < kMaxDmarcReports : static_cast<std::uint64_t>(known) < kMaxDmarcRowsOfReport;
  }

  void note_policy(const DmarcCount& count, std::int64_t known, std::uint64_t new_rows) {
    db_.run("INSERT INTO dmarc_day(day, domain, policy, rows) VALUES(?, ?, ?, ?) ON CONFLICT(day, domain) DO UPDATE "
            "SET policy = excluded.policy, rows = dmarc_day.rows + excluded.rows",
            count.of.day, key_of(count.of), count.policy, new_rows);
    rows_ += new_rows;
    if (known < 0) ++reports_;
  }

  Db& db_;
  std::uint64_t rows_;
  std::uint64_t reports_;
};

} // namespace

std::uint64_t count_dmarc(Tx& tx, const std::vector<DmarcCount>& counts) {
  Counter dmarc(tx.db, Kind::dmarc), tls(tx.db, Kind::tls);
  std::uint64_t lost = 0;
  for (const DmarcCount& count : counts)
    if (!(count.of.kind == Kind::tls ? tls : dmarc).add(count)) lost += count.row.count;
  return lost;
}

std::vector<DmarcDue> list_dmarc(Db& db, std::int64_t day, const DmarcDay& after, std::size_t most) {
  Query q = db.query("SELECT day, domain, policy, rows FROM dmarc_day WHERE day < ? AND (day, domain) > (?, ?) "
                     "AND (domain GLOB 'tls/*') = (? <> 0) ORDER BY day, domain LIMIT ?",
                     day, after.day, key_of(after), after.kind == Kind::tls, most);
  std::vector<DmarcDue> out;
  while (q.row()) out.push_back({day_of(q.i64(0), q.text(1), after.kind), q.text(2), q.u64(3)});
  return out;
}

std::vector<DmarcRow> read_dmarc(Db& db, const DmarcDay& of, const std::optional<DmarcRow>& after, std::size_t most) {
  const DmarcRow from = after.value_or(DmarcRow{});
  Query q = db.query("SELECT source, detail, count FROM dmarc_row WHERE day = ? AND domain = ? AND "
                     "(source, detail) > (?, ?) ORDER BY source, detail LIMIT ?",
                     of.day, key_of(of), from.source, Blob{from.detail}, most);
  std::vector<DmarcRow> out;
  while (q.row()) out.push_back({q.text(0), q.text(1), q.u64(2)});
  return out;
}

bool has_dmarc(Db& db, const DmarcDay& of) {
  return db.number("SELECT 1 FROM dmarc_day WHERE day = ? AND domain = ?", 0, of.day, key_of(of)) != 0;
}

bool drop_dmarc(Tx& tx, const DmarcDay& of) {
  tx.db.run("DELETE FROM dmarc_row WHERE day = ? AND domain = ?", of.day, key_of(of));
  tx.db.run("DELETE FROM dmarc_day WHERE day = ? AND domain = ?", of.day, key_of(of));
  return tx.db.changes() != 0;
}

bool drop_old_dmarc(Tx& tx, std::int64_t day) {
  bool some = false;
  for (const Kind kind : {Kind::dmarc, Kind::tls}) {
    const std::vector<DmarcDue> oldest = list_dmarc(tx.db, day, {.kind = kind}, 1);
    some = (!oldest.empty() && drop_dmarc(tx, oldest.front().of)) || some;
  }
  return some;
}

} // namespace paquebot::store::sqlite
