#include "store/sqlite/archive.h"
#include "store/sqlite/pair.h"
#include "store/sqlite/rules.h"
#include "store/sqlite/shape.h"

namespace paquebot::store::sqlite {
namespace {

constexpr const char* kShape[] = {"file.schema"};
constexpr const char* kPair[] = {"file.pair"};
constexpr const char* kBulkSequence[] = {"sequence.bulk"};

/// A backup has the tables of bulk.db in its one file, without their indexes.
bool is_archive(Db& bulk) { return bulk.number("PRAGMA application_id", 0) == kArchiveApplication; }

/// Something empty in the place of a file that is lost: what it lacks is told of the bodies.
bool is_stand_in(Db& bulk) { return std::string_view(sqlite3_db_filename(bulk.raw(), "main")).empty(); }

// What is said of files is true of SQLite's: other databases look after their own.

std::optional<CheckPlace> check_shape(Check& check, const CheckPlace&) {
  if (!check.main.is_sqlite()) return {};
  const bool archive = is_archive(check.bulk);
  const auto look = [&check, archive](Db& db, const Schema& schema) {
    for (const std::string& fault : shape_faults(db, schema, archive))
      check.tell(kShape[0], std::string(schema.file) + ": " + fault, kDamaged);
  };
  look(check.main, kMainSchema);
  if (!archive) look(check.bulk, kBulkSchema);
  return {};
}

/// Both files carry one id, since these steps of their schemas.
std::optional<CheckPlace> check_pair(Check& check, const CheckPlace&) {
  if (!check.main.is_sqlite() || is_archive(check.bulk) || is_stand_in(check.bulk)) return {};
  if (check.main.number("PRAGMA user_version", 0) < 11 || check.bulk.number("PRAGMA user_version", 0) < 2) return {};
  if (!carry_one_id(check.main, check.bulk))
    check.tell(kPair[0], "bulk.db: it belongs to another store than paquebot.db", kForeign);
  return {};
}

/// The pages of one table after the other and of its indexes: the log can't be begun anew behind a read, so it is kept
/// short. What only a look at the whole file shows (pages that belong to nobody, or twice) is left to the check of a
/// backup, or of a store that nobody works on.
std::optional<CheckPlace> check_pages(Check& check, const CheckPlace& from, Db& db, const char* file) {
  if (!db.is_sqlite()) return {};
  const auto tell = [&check, file](Query q) {
    try {
      while (q.row()) {
        if (q.view(0) != "ok") check.tell(kPagesRule, std::string(file) + ": " + q.text(0), kDamaged);
      }
    } catch (const DbError& error) { // it looks at the rows as well
      if (!error.damaged()) throw;
      check.tell(kPagesRule, std::string(file) + ": " + error.message, kDamaged);
    }
  };
  const bool at_work = check.main.in_transaction();
  const std::int64_t size = db.number("PRAGMA page_count", 0) * db.number("PRAGMA page_size", 0);
  if (!at_work || size <= check.whole_file) {
    tell(db.query("PRAGMA quick_check(10)"));
    return {};
  }
  constexpr Ordered kTables{"main.sqlite_schema s", {"s.name"}, "s.type = 'table' AND s.rootpage > 0"};
  Slice tables(db, kTables, "", from.after);
  if (!tables.row()) return {};
  tell(db.query("SELECT quick_check FROM pragma_quick_check(?)", tables.at().text(0)));
  return CheckPlace{from.part, tables.next(), {}};
}

std::optional<CheckPlace> check_main_pages(Check& check, const CheckPlace& from) {
  return check_pages(check, from, check.main, "paquebot.db");
}

std::optional<CheckPlace> check_bulk_pages(Check& check, const CheckPlace& from) {
  return check_pages(check, from, check.bulk, "bulk.db");
}

/// The other file is asked last: meanwhile ids only rise there.
std::optional<CheckPlace> check_given_bulk(Check& check) {
  const Id known = check.main.number("SELECT max(ifnull((SELECT max(bulk) FROM body WHERE bulk <> 0), 0), "
                                     "ifnull((SELECT max(bulk) FROM bulk_garbage), 0))",
                                     0);
  const Id highest = std::max(known, check.bulk.number("SELECT max(id) FROM bulk", 0));
  const Id given = check.bulk.number("SELECT seq FROM sqlite_sequence WHERE name = 'bulk'", 0);
  if (given < highest)
    check.tell(kBulkSequence[0], "bulk.db: ids up to " + std::to_string(highest) + " would be given again",
               kGivenAgain);
  return {};
}

std::optional<CheckPlace> check_bulk_sequence(Check& check, const CheckPlace&) {
  if (!check.main.is_sqlite()) return check_given_bulk(check);
  if (is_archive(check.bulk) || is_stand_in(check.bulk)) return {};
  return check_given_bulk(check);
}

} // namespace

std::vector<Part> shape_parts() {
  return {
      Look{{kShape[0]}, check_shape},
      Look{{kPagesRule}, check_main_pages},
      Look{{kPagesRule}, check_bulk_pages},
      Look{{kPair[0]}, check_pair},
      Question{"node.row", "SELECT 1 WHERE (SELECT count(*) FROM node WHERE id = 1) <> 1",
               "paquebot.db: what it says of this node is missing", kDamaged},
      Question{"node.values",
               "SELECT id FROM node WHERE id NOT IN (1, epoch) OR epoch < 0 OR ended NOT BETWEEN 0 AND 1 OR heartbeat "
               "NOT BETWEEN 0 AND "
               "253402300799999",
               "node %: a value is out of its range"},
      Question{"tenant.default", "SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM tenant WHERE id = 1)",
               "paquebot.db: the tenant that every domain belongs to is missing", kDamaged},
      Question{"setting.secret", // since the fourth step
               "SELECT 1 WHERE (SELECT user_version FROM pragma_user_version) >= 4 AND NOT EXISTS "
               "(SELECT 1 FROM setting WHERE key = 'login.secret' AND length(value) = 64)",
               "paquebot.db: the secret is missing that return addresses and logins are made with", kDamaged},
      Question{"setting.uidvalidity",
               "SELECT 1 WHERE EXISTS (SELECT 1 FROM mailbox) AND NOT EXISTS (SELECT 1 FROM setting WHERE key = "
               "'mailbox.uidvalidity' AND CAST(value AS INTEGER) > 0)",
               "paquebot.db: it is not known which uidvalidity was given last", kGivenAgain},
      Question{
          "sequence.main",
          "SELECT name FROM (SELECT 'domain' AS name, max(id) AS id FROM domain UNION ALL "
          "SELECT 'account', max(id) FROM account UNION ALL SELECT 'mailbox', max(id) FROM mailbox UNION ALL "
          "SELECT 'destination', max(id) FROM destination UNION ALL SELECT 'dkim_key', max(id) FROM dkim_key UNION ALL "
          "SELECT 'app_password', max(id) FROM app_password UNION ALL SELECT 'token', max(id) FROM token UNION ALL "
          "SELECT 'tls_key', max(id) FROM tls_key UNION ALL SELECT 'audit', max(id) FROM audit UNION ALL "
          "SELECT 'hook', max(id) FROM hook UNION ALL SELECT 'feed', max(id) FROM feed) t "
          "WHERE t.id > ifnull((SELECT seq FROM sqlite_sequence s WHERE s.name = t.name), 0)",
          "paquebot.db: an id of % would be given again", kGivenAgain},
      Question{"sequence.body",
               "SELECT max(id) FROM body HAVING max(id) >= (SELECT next_body FROM node WHERE id = 1 AND next_body > 0)",
               "paquebot.db: ids of bodies up to % would be given again", kGivenAgain},
      Look{{kBulkSequence[0]}, check_bulk_sequence},
  };
}

} // namespace paquebot::store::sqlite
