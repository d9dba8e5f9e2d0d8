// Lists in pages, by what they are sorted by: each reads its own rows, however many there are.

#include "base/text.h"
#include "store/sqlite/directory.h"
#include "store/sqlite/queue.h"

#include <optional>

namespace paquebot::store::sqlite {

std::string fenced(const std::vector<std::string>& names) {
  std::string all = "\n";
  for (const std::string& name : names) all += to_lower(name) + "\n";
  return all;
}

std::vector<Account> page_accounts(Db& db, const Within& within, const std::string& after, std::size_t most) {
  std::vector<Id> ids;
  {
    // The plus keeps the walk to the names, which are in order.
    Query q =
        db.query("SELECT a.id FROM account a JOIN domain d ON d.id = +a.domain WHERE a.login > ?1 AND "
                 "(?2 <> 0 OR a.login = ?4 OR instr(?3, char(10) || d.name || char(10)) > 0) ORDER BY a.login LIMIT ?5",
                 after, within.all, fenced(within.domains), within.login, most);
    while (q.row()) ids.push_back(q.i64(0));
  }
  std::vector<Account> out;
  for (const Id id : ids)
    if (auto account = get_account(db, id)) out.push_back(std::move(*account));
  return out;
}

std::vector<Domain> page_domains(Db& db, const Within& within, const std::string& after, std::size_t most) {
  Query q = db.query("SELECT d.id, d.name, d.owner, d.created, ifnull(t.name, '') FROM domain d "
                     "LEFT JOIN domain t ON d.alias_of <> 0 AND t.id = d.alias_of WHERE d.name > ?1 AND "
                     "(?2 <> 0 OR instr(?3, char(10) || d.name || char(10)) > 0) ORDER BY d.name LIMIT ?4",
                     to_lower(after), within.all, fenced(within.domains), most);
  std::vector<Domain> out;
  while (q.row()) out.push_back({q.i64(0), q.text(1), q.i64(2), q.i64(3), q.text(4)});
  return out;
}

std::vector<AddressEntry> page_aliases(Db& db, const Within& within, const std::string& after, std::size_t most) {
  struct Row {
    Id domain;
    std::string name, local;
  };
  const std::size_t at = after.rfind('@');
  const std::string domain = at == std::string::npos ? std::string() : to_lower(after.substr(at + 1));
  const std::string local = after.substr(0, at == std::string::npos ? 0 : at);
  std::vector<Row> rows;
  {
    Query q =
        db.query("SELECT d.id, d.name, a.local FROM domain d JOIN address a ON a.domain = d.id WHERE d.name >= ?1 AND "
                 "(d.name > ?1 OR a.local > ?2) AND (?3 <> 0 OR instr(?4, char(10) || d.name || char(10)) > 0) AND "
                 "NOT EXISTS (SELECT 1 FROM account x WHERE x.id = a.account AND x.login = a.local || '@' || d.name) "
                 "ORDER BY d.name, a.local LIMIT ?5",
                 domain, local, within.all, fenced(within.domains), most);
    while (q.row()) rows.push_back({q.i64(0), q.text(1), q.text(2)});
  }
  std::vector<AddressEntry> out;
  for (const Row& row : rows)
    if (auto entry = exact_address(db, {.id = row.domain, .name = row.name}, row.local))
      out.push_back(std::move(*entry));
  return out;
}

std::vector<std::string> aliases_to(Db& db, const std::string& address, std::size_t most) {
  // Each by its index.
  const char* sql = db.is_sqlite()
                        ? "SELECT t.local || '@' || d.name FROM address_target t JOIN domain d ON d.id = t.domain "
                          "WHERE t.target = ? COLLATE NOCASE ORDER BY d.name, t.local LIMIT ?"
                        : "SELECT t.local || '@' || d.name FROM address_target t JOIN domain d ON d.id = t.domain "
                          "WHERE lower(t.target) = lower(?) ORDER BY d.name, t.local LIMIT ?";
  Query q = db.query(sql, address, most);
  std::vector<std::string> out;
  while (q.row()) out.push_back(q.text(0));
  return out;
}

std::vector<std::string> domains_owned_by(Db& db, Id account, std::size_t most) {
  Query q = db.query("SELECT name FROM domain WHERE owner = ? AND owner <> 0 ORDER BY name LIMIT ?", account, most);
  std::vector<std::string> out;
  while (q.row()) out.push_back(q.text(0));
  return out;
}

void count_waiting(Db& db, DestinationFacts& place) {
  // Ids grow with the time of acceptance.
  std::optional<Ulid> first;
  {
    Query q = db.query("SELECT message FROM recipient INDEXED BY recipient_waiting WHERE destination = ? AND state = 2 "
                       "ORDER BY message LIMIT 1",
                       place.id);
    if (q.row()) first = q.ulid(0);
  }
  if (!first) return;
  place.oldest = db.number("SELECT accepted_at FROM message WHERE id = ?", 0, *first);
  const char* sql = db.is_sqlite() ? "SELECT waiting FROM destination WHERE id = ?"
                                   : "SELECT count(*) FROM recipient WHERE destination = ? AND state = 2";
  place.waiting = static_cast<std::uint64_t>(db.number(sql, 0, place.id));
}

std::vector<DestinationFacts> page_destinations(Db& db, const std::string& after, std::size_t most) {
  std::vector<DestinationFacts> out;
  {
    Query q = db.query("SELECT id, key, backoff_until, failures, last_error, soonest FROM (SELECT d.*, "
                       "(SELECT min(due) FROM recipient r WHERE r.state = 2 AND r.destination = d.id) AS soonest "
                       "FROM destination d WHERE key > ?) f WHERE soonest IS NOT NULL ORDER BY key LIMIT ?",
                       after, most);
    while (q.row()) {
      DestinationFacts d;
      d.id = q.i64(0);
      d.key = q.text(1);
      d.backoff_until = q.i64(2);
      d.failures = q.u32(3);
      d.last_error = q.text(4);
      d.earliest_due = q.i64(5);
      out.push_back(std::move(d));
    }
  }
  for (DestinationFacts& d : out) count_waiting(db, d);
  return out;
}

} // namespace paquebot::store::sqlite
