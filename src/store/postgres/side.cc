#include "store/postgres/side.h"

#include "store/postgres/connection.h"
#include "store/postgres/open.h"
#include "store/sqlite/open.h"
#include "store/sqlite/schema.h"
#include "store/store.h"

#include <algorithm>
#include <array>
#include <set>

namespace paquebot::store::postgres {
namespace {

// Of one place alone: nodes and their epochs, and which two files belong together.
constexpr std::array kOwn = {"node",   "origin", "probe",        "writer",         "turn",
                             "change", "lease",  "mailbox_lock", "paquebot_schema"};
constexpr int kFetched = 100; // rows; a piece of a body is up to 256 KiB

bool is_bulk(const std::string& table) { return table == "bulk" || table == "chunk"; }

std::set<std::string> names(sqlite::Db& db, const char* sql) {
  std::set<std::string> all;
  sqlite::Query q = db.query(sql);
  while (q.row()) all.insert(q.text(0));
  for (const char* own : kOwn) all.erase(own);
  return all;
}

std::vector<Column> columns_in(sqlite::Db& db, const std::string& table) {
  std::vector<Column> all;
  if (db.is_sqlite()) {
    sqlite::Query q = db.query("SELECT name FROM pragma_table_info(?) ORDER BY name", table);
    while (q.row()) all.push_back({q.text(0), Held::text});
    return all;
  }
  sqlite::Query q =
      db.query("SELECT column_name::text, data_type::text FROM information_schema.columns WHERE "
               "table_schema = current_schema() AND table_name = ? ORDER BY column_name::text COLLATE \"C\"",
               table);
  while (q.row()) {
    const std::string_view type = q.view(1);
    all.push_back({q.text(0), type == "bytea" ? Held::octets : type == "text" ? Held::text : Held::number});
  }
  return all;
}

std::string list_of(const std::vector<Column>& columns) {
  std::string list;
  for (const Column& one : columns) list += (list.empty() ? "\"" : ", \"") + one.name + "\"";
  return list;
}

StoreOptions quiet() {
  StoreOptions options;
  options.node = "copy";
  options.moved_too = true;
  return options;
}

/// Makes it, brings it up to date, ends what was in hand: by opening and closing it as a server would.
Result<> settle(const std::string& place) {
  auto opened = open_store(place, quiet());
  if (!opened) return std::unexpected(opened.error());
  return {};
}

} // namespace

Result<std::unique_ptr<Side>> Side::open(const std::string& place, bool writes) {
  if (auto settled = settle(place); !settled) return std::unexpected(settled.error());
  auto side = std::make_unique<Side>();
  if (!store::is_database(place)) {
    const std::string directory = place.starts_with("sqlite:") ? place.substr(7) : place;
    auto lock = LockFile::take(directory + "/paquebot.lock");
    if (!lock) return std::unexpected(lock.error());
    side->lock_.emplace(std::move(*lock));
    side->main_.emplace(sqlite::open_for_writing(directory + "/" + sqlite::kMainSchema.file));
    side->bulk_.emplace(sqlite::open_for_writing(directory + "/" + sqlite::kBulkSchema.file));
    return side;
  }
  const auto target = target_of(place);
  if (!target) return std::unexpected(target.error());
  side->main_.emplace(std::make_shared<PgConnection>(*target, PgConnection::Use::writing));
  if (writes) side->main_->exec("SET synchronous_commit TO off"); // the last commit waits for all
  sqlite::Query q = side->main_->query("SELECT name FROM node WHERE ended = 0 AND id <> 1 ORDER BY id LIMIT 1");
  if (q.row())
    return fail(Errc::conflict, "the server " + q.text(0) + " works on the database: stop all of them first");
  return side;
}

sqlite::Db& Side::of(const std::string& table) { return bulk_ && is_bulk(table) ? *bulk_ : *main_; }

std::map<std::string, std::vector<Column>> Side::tables() {
  std::set<std::string> all;
  if (is_database()) {
    all = names(*main_, "SELECT tablename::text FROM pg_tables WHERE schemaname = current_schema()");
  } else {
    constexpr const char* kTables =
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND substr(name, 1, 7) <> 'sqlite_'";
    all = names(*main_, kTables);
    all.merge(names(*bulk_, kTables));
  }
  std::map<std::string, std::vector<Column>> found;
  for (const std::string& table : all) found[table] = columns_in(of(table), table);
  return found;
}

void Side::read(const std::string& table, const std::vector<Column>& columns,
                const std::function<void(const sqlite::Statement&)>& row) {
  const std::string select = "SELECT " + list_of(columns) + " FROM \"" + table + "\"";
  sqlite::Db& db = of(table);
  if (!is_database()) {
    const auto statement = db.prepare(select);
    while (statement->step()) row(*statement);
    return;
  }
  db.exec(("BEGIN; DECLARE walk CURSOR FOR " + select).c_str());
  const auto fetch = db.prepare("FETCH " + std::to_string(kFetched) + " FROM walk");
  for (int got = kFetched; got == kFetched; fetch->reset())
    for (got = 0; fetch->step(); ++got) row(*fetch);
  db.exec("COMMIT");
}

std::uint64_t Side::count(const std::string& table) {
  const auto statement = of(table).prepare("SELECT count(*) FROM \"" + table + "\"");
  return statement->step() ? static_cast<std::uint64_t>(statement->number(0)) : 0;
}

void Side::clear(const std::string& table) {
  if (table == "setting") // what says of the place what it is, and that the copy is not whole
    return of(table).exec("DELETE FROM setting WHERE key NOT IN ('store.id', 'store.moved', 'store.copying')");
  of(table).exec(((is_database() ? "TRUNCATE \"" : "DELETE FROM \"") + table + "\"").c_str());
}

std::map<std::string, std::int64_t> Side::given() {
  std::map<std::string, std::int64_t> all;
  for (sqlite::Db* db : {&*main_, bulk_ ? &*bulk_ : nullptr}) {
    if (db == nullptr) continue;
    sqlite::Query q = db->query("SELECT name, seq FROM sqlite_sequence");
    while (q.row()) all[q.text(0)] = q.i64(1);
  }
  for (const char* own : kOwn) all.erase(own);
  return all;
}

void Side::give_behind(const std::string& table, std::int64_t id) {
  sqlite::Db& db = of(table);
  if (!is_database()) {
    db.run("DELETE FROM sqlite_sequence WHERE name = ?", table);
    db.run("INSERT INTO sqlite_sequence(name, seq) VALUES(?, ?)", table, id);
  } else if (id > 0) {
    db.number("SELECT setval((?1 || '_id_seq')::regclass, ?2)", 0, table, id);
  }
}

bool is_empty(sqlite::Db& main) {
  return main.number("SELECT (SELECT count(*) FROM domain) + (SELECT count(*) FROM account) + "
                     "(SELECT count(*) FROM (SELECT 1 FROM message LIMIT 1) m)",
                     1) == 0;
}

} // namespace paquebot::store::postgres
