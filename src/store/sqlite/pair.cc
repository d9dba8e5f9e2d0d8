#include "store/sqlite/pair.h"

#include "store/sqlite/schema.h"

#include <sys/stat.h>

namespace paquebot::store::sqlite {
namespace {

std::string text_of(Db& db, const char* sql) {
  Query q = db.query(sql);
  return q.row() ? q.text(0) : std::string();
}

bool has_table(Db& db, std::string_view name) {
  return db.number("SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = ?", 0, name) != 0;
}

/// Empty: it has none yet.
std::string id_of_main(Db& main) { return text_of(main, "SELECT value FROM setting WHERE key = 'store.id'"); }
std::string id_of_bulk(Db& bulk) {
  return has_table(bulk, "origin") ? text_of(bulk, "SELECT store FROM origin WHERE id = 1") : std::string();
}

Error not_its_own(const std::string& main, const std::string& bulk, const std::string& what) {
  return {Errc::io,
          bulk + " " + what + ": nothing was changed. Put the one back that belongs to " + main +
              ", or restore a backup into a new directory. If it is lost for good: move this directory away, and "
              "paquebot restore --force DIRECTORY/paquebot.db keeps all mail but the large"};
}

} // namespace

bool has_content(const std::string& path) {
  struct stat status{};
  return ::stat(path.c_str(), &status) == 0 && status.st_size > 0;
}

Result<> check_company(const std::string& directory) {
  const std::string main = directory + "/" + kMainSchema.file;
  const std::string bulk = directory + "/" + kBulkSchema.file;
  if (has_content(main) || !has_content(bulk)) return {};
  Db db = open_for_reading(bulk);
  if (!has_table(db, "bulk") || db.number("SELECT count(*) FROM (SELECT 1 FROM bulk LIMIT 1)", 0) == 0) return {};
  return fail(Errc::io, main + " is missing, but " + bulk +
                            " holds mail that belongs to it: restore both from a backup, or move " + bulk +
                            " away to begin anew");
}

Result<> check_bulk_file(const std::string& directory) {
  const std::string path = directory + "/" + kBulkSchema.file;
  const std::string own = directory + "/" + kMainSchema.file;
  if (!has_content(own)) return {};
  try {
    Db main = open_for_reading(own);
    const std::string id = id_of_main(main);
    if (!has_content(path)) {
      if (id.empty() && main.number("SELECT 1 FROM body WHERE bulk <> 0", 0) == 0) return {}; // the first start
      return std::unexpected(not_its_own(own, path, "is missing, which holds its large mail"));
    }
    if (id.empty()) return {};
    Db bulk = open_for_reading(path);
    if (auto known = check_identity(bulk, kBulkSchema, path); !known) return known;
    if (id_of_bulk(bulk) == id) return {};
    return std::unexpected(not_its_own(own, path, "belongs to another store"));
  } catch (const DbError&) {
    return {};
  }
}

bool is_pair(Db& main, Db& bulk) {
  const std::string id = id_of_main(main);
  try {
    return check_identity(bulk, kBulkSchema, kBulkSchema.file) && (id.empty() || id_of_bulk(bulk) == id);
  } catch (const DbError&) {
    return false;
  }
}

bool carry_one_id(Db& main, Db& bulk) {
  const std::string id = id_of_main(main);
  return !id.empty() && id == id_of_bulk(bulk);
}

void pair_files(Db& main, Db& bulk) {
  if (!id_of_main(main).empty()) return;
  bulk.run("INSERT OR IGNORE INTO origin(id, store) VALUES(1, lower(hex(randomblob(16))))");
  main.run("INSERT INTO setting(key, value) VALUES('store.id', ?)", id_of_bulk(bulk));
}

void pair_anew(Db& main, Db& bulk) {
  bulk.run("INSERT OR REPLACE INTO origin(id, store) VALUES(1, lower(hex(randomblob(16))))");
  main.run("INSERT OR REPLACE INTO setting(key, value) VALUES('store.id', ?)", id_of_bulk(bulk));
}

} // namespace paquebot::store::sqlite
