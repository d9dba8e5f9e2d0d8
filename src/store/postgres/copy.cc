#include "store/postgres/side.h"
#include "store/sqlite/moved.h"
#include "store/sqlite/verify.h"
#include "store/store.h"
#include "store/store_copy.h"

#include <algorithm>
#include <map>
#include <memory>
#include <utility>

namespace paquebot::store {
namespace {

using postgres::Column;
using postgres::Held;
using postgres::Side;
using sqlite::kCopyingSetting;
using sqlite::kMovedSetting;

constexpr std::uint64_t kRowsAtOnce = 2000; // of one transaction
constexpr std::size_t kOctetsAtOnce = 4u << 20;

/// Settings that say of a place what it is, and are not copied.
bool is_of_place(std::string_view key) { return key == kMovedSetting || key == kCopyingSetting || key == "store.id"; }

void set(sqlite::Db& db, const char* key, const std::string& value) {
  db.run("DELETE FROM setting WHERE key = ?", std::string_view(key));
  if (!value.empty()) db.run("INSERT INTO setting(key, value) VALUES(?, ?)", std::string_view(key), value);
}

class Copying {
public:
  Copying(Side& from, Side& to, const std::function<void(std::uint64_t, std::uint64_t)>& progress)
      : from_(from), to_(to), progress_(progress) {}

  Result<std::uint64_t> run() {
    const auto there = to_.tables();
    auto here = from_.tables();
    if (auto same = match(here, there); !same) return std::unexpected(same.error());
    for (const auto& [table, columns] : here) total_ += from_.count(table);
    for (const auto& [table, columns] : there) to_.clear(table);
    for (const auto& [table, columns] : here) copy(table, from_.is_database() ? columns : there.at(table));
    for (const auto& [table, id] : from_.given()) to_.give_behind(table, id);
    to_.main().run("UPDATE node SET next_body = ?, heartbeat = ? WHERE id = 1",
                   from_.main().number("SELECT next_body FROM node WHERE id = 1", 1),
                   from_.main().number("SELECT heartbeat FROM node WHERE id = 1", 0));
    // Only SQLite counts what waits (WaitingCount).
    to_.main().run(to_.is_database() ? "UPDATE destination SET waiting = 0"
                                     : "UPDATE destination SET waiting = (SELECT count(*) FROM recipient r WHERE "
                                       "r.destination = destination.id AND r.state = 2)");
    return compare(here);
  }

private:
  using Tables = std::map<std::string, std::vector<Column>>;

  static Result<> match(const Tables& here, const Tables& there) {
    for (const auto* one : {&here, &there}) {
      const Tables& other = one == &here ? there : here;
      for (const auto& [table, columns] : *one) {
        const auto twin = other.find(table);
        if (twin != other.end() && std::ranges::equal(columns, twin->second, {}, &Column::name, &Column::name))
          continue;
        return fail(Errc::unsupported, "the table " + table + " is not the same in both stores: please report it");
      }
    }
    return {};
  }

  void copy(const std::string& table, const std::vector<Column>& columns) {
    std::string names, places;
    for (const Column& one : columns) {
      names += (names.empty() ? "\"" : ", \"") + one.name + "\"";
      places += places.empty() ? "?" : ", ?";
    }
    sqlite::Db& db = to_.of(table);
    const auto insert = db.prepare("INSERT INTO \"" + table + "\"(" + names + ") VALUES(" + places + ")");
    std::uint64_t rows = 0;
    std::size_t octets = 0;
    db.run("BEGIN");
    from_.read(table, columns, [&](const sqlite::Statement& row) {
      if (table == "setting" && is_of_place(text_of(row, columns, "key"))) return;
      for (std::size_t i = 0; i < columns.size(); ++i)
        octets += bind(*insert, table, columns[i], row, static_cast<int>(i));
      insert->step();
      insert->reset();
      ++done_;
      if (++rows % kRowsAtOnce != 0 && octets < kOctetsAtOnce) return;
      octets = 0;
      db.run("COMMIT");
      progress_(done_, total_);
      db.run("BEGIN");
    });
    db.run("COMMIT");
    progress_(done_, total_);
  }

  static std::string text_of(const sqlite::Statement& row, const std::vector<Column>& columns, std::string_view name) {
    for (std::size_t i = 0; i < columns.size(); ++i)
      if (columns[i].name == name) return std::string(row.octets(static_cast<int>(i)));
    return {};
  }

  /// Gives the octets of it.
  std::size_t bind(sqlite::Statement& insert, const std::string& table, const Column& column,
                   const sqlite::Statement& row, int place) {
    const int index = place + 1;
    if (row.type(place) == sqlite::Statement::Type::null) return insert.bind_null(index), 0;
    if (table == "bulk" && column.name == "epoch") return insert.bind_number(index, 1), 8; // of before
    if (column.held == Held::number) return insert.bind_number(index, row.number(place)), 8;
    const std::string_view octets = row.octets(place);
    // A UIDL that was kept is a text, one that was made octets (schema.cc, typeof).
    const bool kept =
        table == "entry" && column.name == "uidl" && !(octets.size() == 16 && octets[0] >= 0 && octets[0] <= 32);
    if (column.held == Held::text || (kept && !to_.is_database()))
      insert.bind_text(index, octets, false);
    else
      insert.bind_blob(index, octets, false);
    return octets.size();
  }

  Result<std::uint64_t> compare(const Tables& tables) {
    for (const auto& [table, columns] : tables) {
      if (table == "setting") continue; // but for what is of a place
      const std::uint64_t here = from_.count(table), there = to_.count(table);
      if (here != there)
        return fail(Errc::io, "of " + std::to_string(here) + " rows of the table " + table + " " +
                                  std::to_string(there) + " came to the copy: please report it");
    }
    return done_;
  }

  Side& from_;
  Side& to_;
  const std::function<void(std::uint64_t, std::uint64_t)>& progress_;
  std::uint64_t done_ = 0, total_ = 0;
};

std::vector<Finding> check(Side& side) {
  std::vector<Finding> findings;
  sqlite::CheckPlace at;
  const Id epoch = side.main().number("SELECT max(epoch) FROM node", 0);
  for (bool more = true; more && findings.size() < 1000;) {
    sqlite::CheckStep step = sqlite::check_step(side.main(), side.of("bulk"), epoch, at);
    std::ranges::move(step.findings, std::back_inserter(findings));
    more = step.next.has_value();
    if (more) at = std::move(*step.next);
  }
  return findings;
}

Result<StoreCopy> copy_sides(Side& from, Side& to, bool keep,
                             const std::function<void(std::uint64_t, std::uint64_t)>& progress) {
  const bool again = to.main().number("SELECT 1 FROM setting WHERE key = ?", 0, std::string_view(kCopyingSetting)) != 0;
  if (!again && !postgres::is_empty(to.main()))
    return fail(Errc::conflict, "there is a store already where the copy is to be: it wants an empty place");
  set(from.main(), kMovedSetting, "a copy of it is being made");
  set(to.main(), kCopyingSetting, "from another store");
  set(to.main(), kMovedSetting, "");
  StoreCopy done;
  const auto copied = Copying(from, to, progress).run();
  if (copied) done.rows = *copied, done.findings = check(to);
  if (copied && to.is_database()) to.main().exec("SET synchronous_commit TO DEFAULT");
  if (copied) set(to.main(), kCopyingSetting, "");
  set(from.main(), kMovedSetting, copied && !keep ? (to.is_database() ? "to a database" : "to a directory") : "");
  if (!copied) return std::unexpected(copied.error());
  return done;
}

} // namespace

Result<StoreCopy> copy_store(const std::string& from, const std::string& to, bool keep,
                             const std::function<void(std::uint64_t done, std::uint64_t total)>& progress) {
  if (is_database(from) == is_database(to))
    return fail(Errc::invalid, is_database(from)
                                   ? "both are databases: copy one with PostgreSQL's own programs (pg_dump)"
                                   : "both are directories: use `paquebot backup` and `paquebot restore`");
  try {
    const auto source = Side::open(from, false);
    if (!source) return std::unexpected(source.error());
    const auto target = Side::open(to, true);
    if (!target) return std::unexpected(target.error());
    try {
      return copy_sides(**source, **target, keep, progress);
    } catch (const sqlite::DbError&) { // nothing was moved
      set((*source)->main(), kMovedSetting, "");
      throw;
    }
  } catch (const sqlite::DbError& error) {
    return fail(error.full() ? Errc::no_space : Errc::io, "the copy was broken off: " + error.message);
  }
}

} // namespace paquebot::store
