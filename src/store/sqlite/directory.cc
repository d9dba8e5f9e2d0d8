#include "store/sqlite/directory.h"

#include "base/text.h"
#include "mail/names.h"
#include "store/sqlite/core.h"
#include "store/sqlite/parts.h"
#include "store/sqlite/suppression.h"

#include <algorithm>

namespace paquebot::store::sqlite {
namespace {

/// One a line: an address may hold anything else.
std::string pack(const std::vector<std::string>& senders) {
  std::string text;
  for (const std::string& one : senders) text += (text.empty() ? "" : "\n") + one;
  return text;
}

std::vector<std::string> unpack(std::string_view text) {
  std::vector<std::string> senders;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    senders.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return senders;
}

struct AddressRow {
  Id domain;
  std::string local;
  std::string name;
  Id account;
  std::string senders;
};

AddressEntry entry_of(Db& db, const AddressRow& row) {
  AddressEntry entry{row.local, row.name, row.account, {}, unpack(row.senders)};
  if (row.account != 0) return entry;
  Query q = db.query("SELECT target FROM address_target WHERE domain = ? AND local = ? ORDER BY target", row.domain,
                     row.local);
  while (q.row()) entry.targets.push_back(q.text(0));
  return entry;
}

/// A local part as it is kept; one of before that clashes with another (settle_names) by its own spelling.
std::string kept_local(Db& db, const Domain& domain, const std::string& local) {
  std::string own = to_lower(local);
  if (is_ascii(own) || db.number("SELECT 1 FROM address WHERE domain = ? AND local = ?", 0, domain.id, own) != 0)
    return own;
  return mail::comparable_name(local);
}

std::vector<AddressEntry> entries_of(Db& db, Query q) {
  std::vector<AddressRow> rows;
  while (q.row()) rows.push_back({q.i64(0), q.text(1), q.text(2), q.i64(3), q.text(4)});
  std::vector<AddressEntry> out;
  out.reserve(rows.size());
  for (const AddressRow& row : rows) out.push_back(entry_of(db, row));
  return out;
}

} // namespace

std::optional<AddressEntry> exact_address(Db& db, const Domain& domain, const std::string& local) {
  AddressRow row{domain.id, local, domain.name, 0, {}};
  {
    Query q = db.query("SELECT account, senders FROM address WHERE domain = ? AND local = ?", domain.id, local);
    if (!q.row()) return {};
    row.account = q.i64(0);
    row.senders = q.text(1);
  }
  return entry_of(db, row);
}

Error no_domain(const std::string& name) {
  return {Errc::not_found, "the domain " + printable(name) + " is not ours: `paquebot domain add` makes it so"};
}

Error is_alias(const Domain& domain) {
  return {Errc::invalid,
          domain.name + " is an alias of " + domain.alias_of + ", and has the addresses of that: add it there"};
}

std::optional<Domain> find_domain(Db& db, const std::string& name) {
  Query q = db.query("SELECT d.id, d.name, d.owner, d.created, ifnull(t.name, '') FROM domain d "
                     "LEFT JOIN domain t ON d.alias_of <> 0 AND t.id = d.alias_of WHERE d.name = ?",
                     to_lower(name));
  if (!q.row()) return {};
  return Domain{q.i64(0), q.text(1), q.i64(2), q.i64(3), q.text(4)};
}

Result<Domain> add_domain(Tx& tx, const std::string& name) {
  if (find_domain(tx.db, name)) return fail(Errc::conflict, "the domain " + printable(name) + " is ours already");
  const std::string lower = to_lower(name);
  const Id id = tx.db.number("INSERT INTO domain(name, created) VALUES(?, ?) RETURNING id", 0, lower, tx.now);
  return Domain{id, lower, 0, tx.now, {}};
}

Result<Domain> add_alias_domain(Tx& tx, const std::string& name, const std::string& of) {
  const auto target = find_domain(tx.db, of);
  if (!target) return std::unexpected(no_domain(of));
  if (!target->alias_of.empty())
    return fail(Errc::invalid, target->name + " is itself an alias, of " + target->alias_of + ": name that one");
  auto added = add_domain(tx, name);
  if (!added) return added;
  tx.db.run("UPDATE domain SET alias_of = ? WHERE id = ?", target->id, added->id);
  added->alias_of = target->name;
  return added;
}

Result<> remove_domain(Tx& tx, const std::string& name) {
  const auto domain = find_domain(tx.db, name);
  if (!domain) return std::unexpected(no_domain(name));
  const bool used =
      tx.db.number("SELECT 1 FROM account WHERE domain = ?1 UNION ALL SELECT 1 FROM address WHERE domain = ?1 LIMIT 1",
                   0, domain->id) != 0;
  if (used)
    return fail(Errc::conflict, "the domain " + domain->name + " still has accounts or addresses: remove them first");
  Query alias = tx.db.query("SELECT name FROM domain WHERE alias_of = ? AND alias_of <> 0", domain->id);
  if (alias.row())
    return fail(Errc::conflict,
                "the domain " + alias.text(0) + " is an alias of " + domain->name + ": remove it first");
  tx.db.run("DELETE FROM dkim_key WHERE domain = ?", domain->id);
  tx.db.run("DELETE FROM account_right WHERE domain = ?", domain->id);
  drop_suppressions_of(tx, SuppressScope::domain, domain->id);
  // Whoever gets the name later is somebody else.
  tx.db.run("DELETE FROM token WHERE instr(char(10) || domains || char(10), char(10) || ? || char(10)) > 0",
            domain->name);
  tx.db.run("DELETE FROM domain WHERE id = ?", domain->id);
  return {};
}

std::vector<Domain> list_domains(Db& db) {
  Query q = db.query("SELECT d.id, d.name, d.owner, d.created, ifnull(t.name, '') FROM domain d "
                     "LEFT JOIN domain t ON d.alias_of <> 0 AND t.id = d.alias_of ORDER BY d.name");
  std::vector<Domain> out;
  while (q.row()) out.push_back({q.i64(0), q.text(1), q.i64(2), q.i64(3), q.text(4)});
  return out;
}

Result<> set_domain_owner(Tx& tx, const std::string& name, Id account) {
  const auto domain = find_domain(tx.db, name);
  if (!domain) return std::unexpected(no_domain(name));
  if (!domain->alias_of.empty())
    return fail(Errc::invalid, domain->name + " is an alias of " + domain->alias_of + ", whose owner is its own");
  if (tx.db.number("SELECT 1 FROM account WHERE id = ?", 0, account) == 0)
    return fail(Errc::not_found, "there is no such account");
  tx.db.run("UPDATE domain SET owner = ? WHERE id = ?", account, domain->id);
  return {};
}

AddressLookup find_address(Db& db, const std::string& local, const std::string& domain) {
  AddressLookup found;
  auto ours = find_domain(db, domain);
  if (!ours) return found;
  found.domain_is_ours = true;
  found.alias_of = ours->alias_of;
  found.created = ours->created;
  if (!found.alias_of.empty()) ours = find_domain(db, found.alias_of);
  if (!ours) return found;
  found.owner = ours->owner;
  found.entry = exact_address(db, *ours, kept_local(db, *ours, local));
  found.catch_all = exact_address(db, *ours, "*");
  return found;
}

Result<> add_address(Tx& tx, const AddressEntry& entry) {
  const auto domain = find_domain(tx.db, entry.domain);
  if (!domain) return std::unexpected(no_domain(entry.domain));
  if (!domain->alias_of.empty()) return std::unexpected(is_alias(*domain));
  if (entry.local.empty()) return fail(Errc::invalid, "the address has no local part");
  const std::string local = kept_local(tx.db, *domain, entry.local);
  const std::string shown = printable(local + "@" + domain->name);
  const bool to_account = entry.account != 0;
  if (to_account == !entry.targets.empty()) return fail(Errc::invalid, shown + " needs either an account or targets");
  if (to_account && tx.db.number("SELECT 1 FROM account WHERE id = ?", 0, entry.account) == 0) {
    return fail(Errc::not_found, "there is no such account");
  }
  const auto present = exact_address(tx.db, *domain, local);
  if (present && (to_account || present->account != 0)) {
    if (to_account && present->account == entry.account)
      return entry.senders.empty() ? Result<>() : set_senders(tx, local, entry.domain, entry.senders);
    return fail(Errc::conflict,
                "the address " + shown + " is taken: " +
                    (present->account != 0 ? "it leads to an account" : "it is an alias; remove it first"));
  }
  if (!present)
    tx.db.run("INSERT INTO address(domain, local, account) VALUES(?, ?, ?)", domain->id, local, entry.account);
  for (const std::string& target : entry.targets) {
    tx.db.run("INSERT OR IGNORE INTO address_target(domain, local, target) VALUES(?, ?, ?)", domain->id, local, target);
  }
  if (entry.senders.empty()) return {};
  return set_senders(tx, local, entry.domain, entry.senders);
}

Result<> set_senders(Tx& tx, const std::string& local, const std::string& domain_name,
                     const std::vector<std::string>& senders) {
  const auto domain = find_domain(tx.db, domain_name);
  if (!domain) return std::unexpected(no_domain(domain_name));
  const std::string lower = kept_local(tx.db, *domain, local);
  tx.db.run("UPDATE address SET senders = ? WHERE domain = ? AND local = ?", pack(senders), domain->id, lower);
  if (tx.db.changes() == 0)
    return fail(Errc::not_found, "there is no address " + printable(lower + "@" + domain->name));
  return {};
}

Result<> remove_address(Tx& tx, const std::string& local, const std::string& domain_name, const std::string& target) {
  const auto domain = find_domain(tx.db, domain_name);
  if (!domain) return std::unexpected(no_domain(domain_name));
  const std::string lower = kept_local(tx.db, *domain, local);
  const std::string shown = printable(lower + "@" + domain->name);
  const auto present = exact_address(tx.db, *domain, lower);
  if (!present) return fail(Errc::not_found, "there is no address " + shown);
  const std::string login = lower + "@" + domain->name;
  if (tx.db.number("SELECT 1 FROM account WHERE login = ?", 0, login) != 0) {
    return fail(Errc::conflict, shown + " is an account's own address: remove the account instead");
  }
  if (!target.empty()) {
    tx.db.run("DELETE FROM address_target WHERE domain = ? AND local = ? AND target = ?", domain->id, lower, target);
    if (tx.db.changes() == 0) return fail(Errc::not_found, shown + " does not lead to " + printable(target));
    if (present->targets.size() > 1) return {};
  }
  tx.db.run("DELETE FROM address_target WHERE domain = ? AND local = ?", domain->id, lower);
  tx.db.run("DELETE FROM address WHERE domain = ? AND local = ?", domain->id, lower);
  return {};
}

std::vector<AddressEntry> list_addresses(Db& db, const std::string& domain) {
  return entries_of(
      db,
      db.query("SELECT a.domain, a.local, d.name, a.account, a.senders FROM domain d JOIN address a ON a.domain = d.id "
               "WHERE ?1 = '' OR d.name = ?1 ORDER BY d.name, a.local",
               to_lower(domain)));
}

std::vector<AddressEntry> account_addresses(Db& db, Id account) {
  return entries_of(
      db,
      db.query("SELECT a.domain, a.local, d.name, a.account, a.senders FROM address a JOIN domain d ON a.domain = d.id "
               "WHERE a.account = ? AND a.account <> 0 ORDER BY d.name, a.local",
               account));
}

namespace {

class SqliteDirectory final : public DirectoryStore {
public:
  explicit SqliteDirectory(Core& core) : core_(core) {}

  std::uint64_t generation() override { return core_.directory_generation; }
  Task<Result<Domain>> add_domain(std::string name) override {
    return core_.change_directory([name = std::move(name)](Tx& tx) { return sqlite::add_domain(tx, name); });
  }
  Task<Result<Domain>> add_alias_domain(std::string name, std::string of) override {
    return core_.change_directory(
        [name = std::move(name), of = std::move(of)](Tx& tx) { return sqlite::add_alias_domain(tx, name, of); });
  }
  Task<Result<>> remove_domain(std::string name) override {
    return core_.change_directory([name = std::move(name)](Tx& tx) { return sqlite::remove_domain(tx, name); });
  }
  Task<Result<std::vector<Domain>>> list_domains() override {
    return core_.read([](Db& db) { return sqlite::list_domains(db); });
  }
  Task<Result<>> set_domain_owner(std::string name, Id account) override {
    return core_.change_directory(
        [name = std::move(name), account](Tx& tx) { return sqlite::set_domain_owner(tx, name, account); });
  }
  Task<Result<Account>> add_account(Account account) override {
    return core_.change_directory([account = std::move(account)](Tx& tx) { return sqlite::add_account(tx, account); });
  }
  Task<Result<Account>> find_account(std::string login) override {
    return core_.read([login = std::move(login)](Db& db) { return sqlite::find_account(db, login); });
  }
  Task<Result<Account>> get_account(Id id) override {
    return core_.read([id](Db& db) { return sqlite::get_account(db, id); });
  }
  Task<Result<std::vector<Account>>> list_accounts(std::string domain) override {
    return core_.read([domain = std::move(domain)](Db& db) { return sqlite::list_accounts(db, domain); });
  }
  Task<Result<>> update_account(Account account) override {
    const Id id = account.id;
    auto job = core_.write([account = std::move(account)](Tx& tx) { return sqlite::update_account(tx, account); });
    const Result<bool> ended = co_await std::move(job);
    core_.directory_changed();
    if (!ended) co_return std::unexpected(ended.error());
    if (*ended) core_.tell({.kind = Change::Kind::account_ended, .id = id});
    co_return Result<>();
  }
  Task<Result<>> remove_account(std::string login) override {
    auto job = core_.write([login = std::move(login)](Tx& tx) { return sqlite::remove_account(tx, login); });
    const Result<Id> gone = co_await std::move(job);
    core_.directory_changed();
    if (!gone) co_return std::unexpected(gone.error());
    core_.tell({.kind = Change::Kind::account_ended, .id = *gone});
    co_return Result<>();
  }
  Task<Result<AddressLookup>> find_address(std::string local, std::string domain) override {
    return core_.read([local = std::move(local), domain = std::move(domain)](Db& db) {
      return sqlite::find_address(db, local, domain);
    });
  }
  Task<Result<>> add_address(AddressEntry entry) override {
    return core_.change_directory([entry = std::move(entry)](Tx& tx) { return sqlite::add_address(tx, entry); });
  }
  Task<Result<>> set_senders(std::string local, std::string domain, std::vector<std::string> senders) override {
    return core_.change_directory([local = std::move(local), domain = std::move(domain), senders = std::move(senders)](
                                      Tx& tx) { return sqlite::set_senders(tx, local, domain, senders); });
  }
  Task<Result<>> remove_address(std::string local, std::string domain, std::string target) override {
    return core_.change_directory([local = std::move(local), domain = std::move(domain), target = std::move(target)](
                                      Tx& tx) { return sqlite::remove_address(tx, local, domain, target); });
  }
  Task<Result<std::vector<AddressEntry>>> list_addresses(std::string domain) override {
    return core_.read([domain = std::move(domain)](Db& db) { return sqlite::list_addresses(db, domain); });
  }
  Task<Result<std::vector<AddressEntry>>> account_addresses(Id account) override {
    return core_.read([account](Db& db) { return sqlite::account_addresses(db, account); });
  }
  Task<Result<std::vector<Account>>> page_accounts(Within within, std::string after, std::size_t most) override {
    return core_.read_long([within = std::move(within), after = std::move(after), most](Db& db) {
      return sqlite::page_accounts(db, within, after, most);
    });
  }
  Task<Result<std::vector<Domain>>> page_domains(Within within, std::string after, std::size_t most) override {
    return core_.read_long([within = std::move(within), after = std::move(after), most](Db& db) {
      return sqlite::page_domains(db, within, after, most);
    });
  }
  Task<Result<std::vector<AddressEntry>>> page_aliases(Within within, std::string after, std::size_t most) override {
    return core_.read_long([within = std::move(within), after = std::move(after), most](Db& db) {
      return sqlite::page_aliases(db, within, after, most);
    });
  }
  Task<Result<Domain>> get_domain(std::string name) override {
    return core_.read([name = std::move(name)](Db& db) -> Result<Domain> {
      auto found = find_domain(db, name);
      if (!found) return std::unexpected(no_domain(name));
      return std::move(*found);
    });
  }
  Task<Result<std::vector<std::string>>> aliases_to(std::string address, std::size_t most) override {
    return core_.read([address = std::move(address), most](Db& db) { return sqlite::aliases_to(db, address, most); });
  }
  Task<Result<std::vector<std::string>>> domains_owned_by(Id account, std::size_t most) override {
    return core_.read([account, most](Db& db) { return sqlite::domains_owned_by(db, account, most); });
  }

private:
  Core& core_;
};

} // namespace

std::unique_ptr<DirectoryStore> make_directory(Core& core) { return std::make_unique<SqliteDirectory>(core); }

} // namespace paquebot::store::sqlite
