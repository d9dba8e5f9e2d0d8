#include "store/sqlite/dkim.h"

#include "base/text.h"
#include "store/sqlite/core.h"
#include "store/sqlite/directory.h"
#include "store/sqlite/parts.h"

namespace paquebot::store::sqlite {
namespace {

using KeyState = DkimKey::State;

constexpr std::int64_t kMostKeys = 50;

std::int64_t number(KeyState state) { return static_cast<std::int64_t>(state); }

Result<> add_one(Tx& tx, const Domain& domain, const DkimKey& key) {
  const std::string selector = to_lower(key.selector);
  const auto algorithm = static_cast<std::int64_t>(key.algorithm);
  if (selector.empty()) return fail(Errc::invalid, "a DKIM key needs a selector");
  if (tx.db.number("SELECT 1 FROM dkim_key WHERE domain = ? AND selector = ?", 0, domain.id, selector) != 0)
    return fail(Errc::conflict, domain.name + " has a DKIM key " + printable(selector) + " already");
  if (key.state != KeyState::retired &&
      tx.db.number("SELECT 1 FROM dkim_key WHERE domain = ? AND algorithm = ? AND state = ?", 0, domain.id, algorithm,
                   number(key.state)) != 0)
    return fail(Errc::conflict, domain.name + " has such a DKIM key already");
  if (tx.db.number("SELECT count(*) FROM dkim_key WHERE domain = ?", 0, domain.id) >= kMostKeys)
    return fail(Errc::no_space, domain.name + " has " + std::to_string(kMostKeys) +
                                    " DKIM keys: delete old ones (paquebot dkim retire)");
  tx.db.run("INSERT INTO dkim_key(domain, selector, algorithm, state, created, changed, private_key) "
            "VALUES(?, ?, ?, ?, ?5, ?5, ?6)",
            domain.id, selector, algorithm, number(key.state), tx.now, key.private_key);
  return {};
}

} // namespace

std::vector<DkimKey> list_dkim_keys(Db& db, const std::string& domain) {
  Query q = db.query("SELECT k.id, d.name, k.selector, k.algorithm, k.state, k.created, k.changed, k.private_key "
                     "FROM dkim_key k JOIN domain d ON d.id = k.domain WHERE ?1 = '' OR d.name = ?1 "
                     "ORDER BY d.name, k.id",
                     to_lower(domain));
  std::vector<DkimKey> out;
  while (q.row())
    out.push_back({.id = q.i64(0),
                   .domain = q.text(1),
                   .selector = q.text(2),
                   .algorithm = static_cast<DkimKey::Algorithm>(q.i64(3)),
                   .state = static_cast<KeyState>(q.i64(4)),
                   .created = q.i64(5),
                   .changed = q.i64(6),
                   .private_key = q.text(7)});
  return out;
}

Result<> add_dkim_keys(Tx& tx, const std::string& domain, const std::vector<DkimKey>& keys) {
  const auto ours = find_domain(tx.db, domain);
  if (!ours) return std::unexpected(no_domain(domain));
  for (const DkimKey& key : keys)
    if (auto added = add_one(tx, *ours, key); !added) return added;
  return {};
}

Result<> activate_dkim_keys(Tx& tx, const std::string& domain) {
  const auto ours = find_domain(tx.db, domain);
  if (!ours) return std::unexpected(no_domain(domain));
  if (tx.db.number("SELECT 1 FROM dkim_key WHERE domain = ? AND state = ?", 0, ours->id, number(KeyState::next)) == 0)
    return fail(Errc::not_found,
                ours->name + " has no new DKIM keys (make some: paquebot dkim rotate " + ours->name + ")");
  tx.db.run("UPDATE dkim_key SET state = ?1, changed = ?2 WHERE domain = ?3 AND state = ?4 AND algorithm IN "
            "(SELECT algorithm FROM dkim_key WHERE domain = ?3 AND state = ?5)",
            number(KeyState::retired), tx.now, ours->id, number(KeyState::active), number(KeyState::next));
  tx.db.run("UPDATE dkim_key SET state = ?, changed = ? WHERE domain = ? AND state = ?", number(KeyState::active),
            tx.now, ours->id, number(KeyState::next));
  return {};
}

Result<> remove_dkim_key(Tx& tx, const std::string& domain, const std::string& selector) {
  const auto ours = find_domain(tx.db, domain);
  if (!ours) return std::unexpected(no_domain(domain));
  tx.db.run("DELETE FROM dkim_key WHERE domain = ? AND selector = ?", ours->id, to_lower(selector));
  if (tx.db.changes() == 0) return fail(Errc::not_found, ours->name + " has no DKIM key " + printable(selector, 64));
  return {};
}

namespace {

class SqliteKeys final : public SigningKeys {
public:
  explicit SqliteKeys(Core& core) : core_(core) {}

  Task<Result<std::vector<DkimKey>>> list_dkim_keys(std::string domain) override {
    return core_.read([domain = std::move(domain)](Db& db) { return sqlite::list_dkim_keys(db, domain); });
  }
  Task<Result<>> add_dkim_keys(std::string domain, std::vector<DkimKey> keys) override {
    return core_.change_directory([domain = std::move(domain), keys = std::move(keys)](Tx& tx) {
      return sqlite::add_dkim_keys(tx, domain, keys);
    });
  }
  Task<Result<>> activate_dkim_keys(std::string domain) override {
    return core_.change_directory(
        [domain = std::move(domain)](Tx& tx) { return sqlite::activate_dkim_keys(tx, domain); });
  }
  Task<Result<>> remove_dkim_key(std::string domain, std::string selector) override {
    return core_.change_directory([domain = std::move(domain), selector = std::move(selector)](Tx& tx) {
      return sqlite::remove_dkim_key(tx, domain, selector);
    });
  }

private:
  Core& core_;
};

} // namespace

std::unique_ptr<SigningKeys> make_keys(Core& core) { return std::make_unique<SqliteKeys>(core); }

} // namespace paquebot::store::sqlite
