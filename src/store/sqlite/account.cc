#include "base/text.h"
#include "mail/names.h"
#include "store/settings.h"
#include "store/sqlite/access.h"
#include "store/sqlite/directory.h"
#include "store/sqlite/feed.h"
#include "store/sqlite/folders.h"
#include "store/sqlite/mailboxes.h"
#include "store/sqlite/suppression.h"
#include "store/sqlite/suspension.h"

namespace paquebot::store::sqlite {
namespace {

Error no_account(const std::string& login) { return {Errc::not_found, "there is no account " + printable(login)}; }

// What account_of() reads. A macro, since statements are literals (Db::query).
#define ACCOUNT_QUERY                                                                                                  \
  "SELECT a.id, login, password, disabled, quota, a.created, scram_salt, scram_iterations, scram_keys, "               \
  "(SELECT sum(bytes) FROM mailbox m WHERE m.account = a.id), "                                                        \
  "(SELECT sum(count) FROM mailbox m WHERE m.account = a.id), "                                                        \
  "EXISTS (SELECT 1 FROM second_factor f WHERE f.account = a.id AND f.confirmed = 1) FROM account a "

Account account_of(const Query& q) {
  Account a;
  a.id = q.i64(0);
  a.login = q.text(1);
  a.password = q.text(2);
  a.disabled = q.flag(3);
  a.quota = q.u64(4);
  a.created = q.i64(5);
  a.scram_salt = q.text(6);
  a.scram_iterations = q.u32(7);
  a.scram_keys = q.text(8);
  a.used = q.u64(9);
  a.messages = q.u64(10);
  a.second_factor = q.flag(11);
  return a;
}

/// Finds who takes over the domains that `account` owns: in each the account made next after those that are left. A
/// domain without accounts that names somebody else's account must be given another owner first; one whose only account
/// goes has none.
Result<> hand_over_domains(Tx& tx, const Account& account, Id home) {
  std::vector<Domain> owned;
  {
    Query q = tx.db.query("SELECT id, name, owner FROM domain WHERE owner = ?", account.id);
    while (q.row()) owned.push_back({q.i64(0), q.text(1), q.i64(2)});
  }
  for (const Domain& domain : owned) {
    const Id next = tx.db.number("SELECT id FROM account WHERE domain = ? AND id <> ? ORDER BY id LIMIT 1", 0,
                                 domain.id, account.id);
    if (next == 0 && domain.id != home) {
      return fail(Errc::conflict, account.login + " gets postmaster's mail of " + domain.name +
                                      ", which has no other account: set another owner of it first");
    }
    tx.db.run("UPDATE domain SET owner = ? WHERE id = ?", next, domain.id);
  }
  return {};
}

} // namespace

Result<Account> add_account(Tx& tx, const Account& account) {
  const std::string login = mail::comparable_name(account.login);
  const std::size_t at = login.rfind('@');
  if (at == std::string::npos || at == 0)
    return fail(Errc::invalid, printable(login) + " is not an address (local@domain)");
  const auto domain = find_domain(tx.db, login.substr(at + 1));
  if (!domain) {
    return fail(Errc::not_found,
                "the domain " + printable(login.substr(at + 1)) + " is not ours: `paquebot domain add` makes it so");
  }
  if (!domain->alias_of.empty()) return std::unexpected(is_alias(*domain));
  const std::string local = login.substr(0, at);
  if (local == "*") return fail(Errc::invalid, "* is the catch-all address: an account needs a name of its own");
  if (find_address(tx.db, local, domain->name).entry) {
    return fail(Errc::conflict, "the address " + printable(login) + " is taken");
  }
  Account made = account;
  made.login = login;
  made.created = account.created != 0 ? account.created : tx.now;
  made.used = made.messages = 0;
  made.second_factor = false;
  made.id = tx.db.number("INSERT INTO account(domain, login, password, disabled, quota, created, scram_salt, "
                         "scram_iterations, scram_keys) "
                         "VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
                         0, domain->id, made.login, made.password, made.disabled, made.quota, made.created,
                         Blob{made.scram_salt}, made.scram_iterations, Blob{made.scram_keys});
  tx.db.run("INSERT INTO address(domain, local, account) VALUES(?, ?, ?)", domain->id, local, made.id);
  make_first_folders(tx, made.id);
  if (domain->owner == 0) tx.db.run("UPDATE domain SET owner = ? WHERE id = ?", made.id, domain->id);
  return made;
}

namespace {

/// As it is kept; a name of before that clashes with another (settle_names) by its own spelling.
std::string kept_login(Db& db, const std::string& login) {
  std::string own = to_lower(login);
  if (is_ascii(own) || db.number("SELECT 1 FROM account WHERE login = ?", 0, own) != 0) return own;
  return mail::comparable_name(login);
}

} // namespace

Result<Account> find_account(Db& db, const std::string& login) {
  const std::string kept = kept_login(db, login);
  Query q = db.query(ACCOUNT_QUERY "WHERE login = ?", kept);
  if (!q.row()) return std::unexpected(no_account(login));
  return account_of(q);
}

Result<Account> get_account(Db& db, Id id) {
  Query q = db.query(ACCOUNT_QUERY "WHERE a.id = ?", id);
  if (!q.row()) return std::unexpected(no_account(std::to_string(id)));
  return account_of(q);
}

std::vector<Account> list_accounts(Db& db, const std::string& domain) {
  Query q = db.query(ACCOUNT_QUERY "JOIN domain d ON d.id = a.domain WHERE ?1 = '' OR d.name = ?1 ORDER BY login",
                     to_lower(domain));
  std::vector<Account> out;
  while (q.row()) out.push_back(account_of(q));
  return out;
}

Result<bool> update_account(Tx& tx, const Account& account) {
  const auto before = get_account(tx.db, account.id);
  if (!before) return std::unexpected(no_account(account.login));
  tx.db.run("UPDATE account SET password = ?, disabled = ?, quota = ?, scram_salt = ?, scram_iterations = ?, "
            "scram_keys = ? WHERE id = ?",
            account.password, account.disabled, account.quota, Blob{account.scram_salt}, account.scram_iterations,
            Blob{account.scram_keys}, account.id);
  const bool ended = account.password != before->password || (account.disabled && !before->disabled);
  if (ended) end_access(tx, account.id);
  return ended;
}

Result<Id> remove_account(Tx& tx, const std::string& login) {
  const auto account = find_account(tx.db, login);
  if (!account) return std::unexpected(account.error());
  const Id home = tx.db.number("SELECT domain FROM account WHERE id = ?", 0, account->id);
  if (auto handed = hand_over_domains(tx, *account, home); !handed) return std::unexpected(handed.error());
  tx.db.run("DELETE FROM address WHERE account = ? AND account <> 0", account->id);
  // Its mail goes in slices (maintain): a large mailbox would hold up every other commit.
  tx.db.run("UPDATE mailbox SET account = NULL WHERE account = ?", account->id);
  tx.db.run("DELETE FROM subscription WHERE account = ?", account->id);
  tx.db.run("DELETE FROM counter WHERE account = ?", account->id);
  tx.db.run("DELETE FROM account_limit WHERE account = ?", account->id);
  tx.db.run("DELETE FROM correspondent WHERE account = ?", account->id);
  tx.db.run("DELETE FROM account_suspicion WHERE account = ?", account->id);
  tx.db.run("DELETE FROM app_password WHERE account = ?", account->id);
  tx.db.run("DELETE FROM account_right WHERE account = ?", account->id);
  tx.db.run("DELETE FROM token WHERE account = ?", account->id);
  drop_access(tx, account->id);
  tx.db.run("DELETE FROM send_key WHERE account = ?", account->id);
  drop_hooks_of(tx, account->id);
  drop_suppressions_of(tx, SuppressScope::account, account->id);
  end_suspension_of(tx, account->login);
  // From where it logs in: whoever gets the name later is somebody else.
  tx.db.run("DELETE FROM setting WHERE key = ? || ?", kKnownNetworks, account->login);
  tx.db.run("DELETE FROM account WHERE id = ?", account->id);
  return account->id;
}

} // namespace paquebot::store::sqlite
