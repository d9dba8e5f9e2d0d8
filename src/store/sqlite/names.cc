#include "store/sqlite/names.h"

#include "base/text.h"
#include "mail/names.h"
#include "store/types.h"

#include <map>
#include <utility>

namespace paquebot::store::sqlite {
namespace {

constexpr const char* kSettled = "names.comparable";
constexpr std::size_t kMostClashes = 100;

struct OldName {
  Id domain = 0;
  std::string old_form, new_form;
};

/// Those of `sql`, (domain, name), whose form changes; what would be the same name is in `clashes`.
std::vector<OldName> names_to_change(Db& db, const char* sql, std::vector<std::string>& clashes) {
  std::vector<OldName> changes;
  std::map<std::pair<Id, std::string>, std::string> beyond_ascii;
  {
    Query q = db.query(sql);
    while (q.row()) {
      std::string name = q.text(1);
      if (is_ascii(name)) continue;
      std::string form = mail::comparable_name(name);
      const auto [there, fresh] = beyond_ascii.emplace(std::pair(q.i64(0), form), name);
      if (!fresh && clashes.size() < kMostClashes)
        clashes.push_back(printable(there->second) + " and " + printable(name));
      if (form != name) changes.push_back({q.i64(0), std::move(name), std::move(form)});
    }
  }
  return changes;
}

} // namespace

std::vector<std::string> settle_names(Db& db) {
  if (db.number("SELECT 1 FROM setting WHERE key = ?", 0, kSettled) != 0) return {};
  std::vector<std::string> clashes;
  const auto locals = names_to_change(db, "SELECT domain, local FROM address", clashes);
  const auto logins = names_to_change(db, "SELECT domain, login FROM account", clashes);
  // Full-width letters can become plain ones.
  for (const OldName& one : locals)
    if (is_ascii(one.new_form) &&
        db.number("SELECT 1 FROM address WHERE domain = ? AND local = ?", 0, one.domain, one.new_form) != 0)
      clashes.push_back(one.new_form + " and " + printable(one.old_form));
  if (!clashes.empty()) return clashes;
  db.exec("BEGIN IMMEDIATE");
  for (const OldName& one : locals) {
    db.run("UPDATE address SET local = ? WHERE domain = ? AND local = ?", one.new_form, one.domain, one.old_form);
    db.run("UPDATE address_target SET local = ? WHERE domain = ? AND local = ?", one.new_form, one.domain,
           one.old_form);
  }
  for (const OldName& one : logins) db.run("UPDATE account SET login = ? WHERE login = ?", one.new_form, one.old_form);
  db.run("INSERT OR REPLACE INTO setting(key, value) VALUES(?, '1')", kSettled);
  db.exec("COMMIT");
  return {};
}

} // namespace paquebot::store::sqlite
