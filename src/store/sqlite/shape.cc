#include "store/sqlite/shape.h"

#include "base/text.h"

#include <algorithm>

namespace paquebot::store::sqlite {
namespace {

struct Thing {
  std::string type; ///< "table", "index"
  std::string name;
  std::string sql;
};

std::vector<Thing> things_of(Db& db) {
  std::vector<Thing> things;
  Query q = db.query("SELECT type, name, sql FROM main.sqlite_schema WHERE "
                     "name NOT LIKE 'sqlite_%' ORDER BY type DESC, name");
  while (q.row()) things.push_back({q.text(0), q.text(1), q.text(2)});
  return things;
}

/// Names, types, NOT NULL, defaults and key; how a statement was written does not matter.
std::vector<std::string> columns_of(Db& db, const std::string& table) {
  std::vector<std::string> columns;
  Query q =
      db.query("SELECT name, name || ' ' || type || ' ' || \"notnull\" || ' ' || ifnull(dflt_value, '') || ' ' || pk "
               "FROM pragma_table_info(?, 'main')",
               table);
  while (q.row()) columns.push_back(q.text(1));
  return columns;
}

} // namespace

std::vector<std::string> shape_faults(Db& db, const Schema& schema, bool with_others) {
  Schema until = schema;
  until.count = static_cast<int>(std::clamp<std::int64_t>(db.number("PRAGMA user_version", 0), 0, schema.count));
  Db wanted(":memory:", SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX);
  migrate(wanted, until);
  const std::vector<Thing> present = things_of(db);
  std::vector<std::string> faults;
  const std::vector<Thing> ours = things_of(wanted);
  for (const Thing& thing : ours) {
    const std::string named = "the " + thing.type + " " + thing.name;
    const auto same = [&thing](const Thing& t) { return t.type == thing.type && t.name == thing.name; };
    const auto found = std::ranges::find_if(present, same);
    if (found == present.end()) {
      faults.push_back(named + " is missing");
    } else if (thing.type == "index" ? found->sql != thing.sql
                                     : columns_of(db, thing.name) != columns_of(wanted, thing.name)) {
      faults.push_back(named + " is not as this program made it");
    }
  }
  for (const Thing& thing : present) {
    const auto same = [&thing](const Thing& t) { return t.type == thing.type && t.name == thing.name; };
    const bool acts = thing.type == "trigger" || thing.type == "view";
    if ((acts || !with_others) && std::ranges::none_of(ours, same))
      faults.push_back("the " + thing.type + " " + printable(thing.name) + " is none that this program made");
  }
  return faults;
}

} // namespace paquebot::store::sqlite
