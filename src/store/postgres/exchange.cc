#include "store/postgres/exchange.h"

#include <utility>

namespace paquebot::store::postgres {
namespace {

constexpr std::int64_t kAnything = -1;
constexpr std::int64_t kSlice = 500;
constexpr std::int64_t kKeptMs = 10 * 60 * 1000; // whoever is silent for so long has been ended

} // namespace

void write_changes(sqlite::Db& db, Id epoch, const std::vector<std::optional<Change>>& changes) {
  const std::int64_t last = db.number("UPDATE turn SET seq = seq + ? WHERE id = 2 RETURNING seq", 0, changes.size());
  std::int64_t id = last - static_cast<std::int64_t>(changes.size());
  for (const std::optional<Change>& one : changes)
    db.run("INSERT INTO change(id, epoch, kind, key, about, at) VALUES(?, ?, ?, ?, ?, database_ms())", ++id, epoch,
           one ? static_cast<std::int64_t>(one->kind) : kAnything, one ? one->key : std::string(), one ? one->id : 0);
}

void tell_all(const std::function<void(const Change&)>& told) {
  using Kind = Change::Kind;
  for (const Kind kind :
       {Kind::directory, Kind::suspicion, Kind::setting, Kind::mailbox, Kind::certificate, Kind::node, Kind::queue})
    told({.kind = kind});
}

void Exchange::put(const Change& change) {
  const std::lock_guard lock(mutex_);
  if (all_) return;
  waiting_.emplace(change.kind, change.key, change.id);
  all_ = waiting_.size() > kMost;
  if (all_) waiting_.clear();
}

bool Exchange::waits() const {
  const std::lock_guard lock(mutex_);
  return all_ || !waiting_.empty();
}

void Exchange::send(sqlite::Db& db, Id own) {
  std::set<Key> taken;
  bool all = false;
  {
    const std::lock_guard lock(mutex_);
    taken = std::exchange(waiting_, {});
    all = std::exchange(all_, false);
  }
  std::vector<std::optional<Change>> changes;
  for (const auto& [kind, key, id] : taken) changes.emplace_back(Change{kind, key, id});
  if (all) changes.emplace_back(std::nullopt);
  if (changes.empty()) return;
  try {
    db.run("BEGIN");
    write_changes(db, own, changes);
    db.run("COMMIT");
  } catch (const sqlite::DbError&) {
    const std::lock_guard lock(mutex_);
    waiting_.merge(taken);
    all_ = all_ || all;
    throw;
  }
}

void Exchange::begin(sqlite::Db& db) { last_ = db.number("SELECT seq FROM turn WHERE id = 2", 0); }

void Exchange::receive(sqlite::Db& db, Id own, std::int64_t newest, const std::function<void(const Change&)>& told) {
  while (last_ < newest) {
    std::vector<std::optional<Change>> heard;
    const std::int64_t before = last_;
    std::int64_t rows = 0;
    {
      sqlite::Query q =
          db.query("SELECT id, epoch, kind, key, about FROM change WHERE id > ? ORDER BY id LIMIT ?", last_, kSlice);
      for (; q.row(); ++rows) {
        const bool lost = rows == 0 && q.i64(0) != before + 1; // forgotten before it was read
        last_ = q.i64(0);
        if (lost || (q.i64(2) == kAnything && q.i64(1) != own)) heard.emplace_back(std::nullopt);
        if (q.i64(1) == own || q.i64(2) == kAnything) continue;
        heard.emplace_back(Change{q.as<Change::Kind>(2), q.text(3), q.i64(4)});
      }
    }
    for (const std::optional<Change>& one : heard) one ? told(*one) : tell_all(told);
    if (rows == 0) last_ = newest;
    if (rows < kSlice) break;
  }
}

void Exchange::prune(sqlite::Db& db) { db.run("DELETE FROM change WHERE at < database_ms() - ?", kKeptMs); }

} // namespace paquebot::store::postgres
