#include "store/sqlite/credentials.h"

#include "base/text.h"
#include "store/sqlite/core.h"
#include "store/sqlite/parts.h"

namespace paquebot::store::sqlite {
namespace {

/// Each costs some microseconds at every login.
constexpr std::int64_t kMostAppPasswords = 100;

} // namespace

Result<> set_scram(Tx& tx, const Account& account) {
  tx.db.run("UPDATE account SET scram_salt = ?, scram_iterations = ?, scram_keys = ? WHERE id = ? AND password = ?",
            Blob{account.scram_salt}, account.scram_iterations, Blob{account.scram_keys}, account.id, account.password);
  if (tx.db.changes() == 0) return fail(Errc::conflict, account.login + " has another password by now");
  return {};
}

std::vector<AppPassword> list_app_passwords(Db& db, Id account) {
  Query q = db.query("SELECT id, account, label, created, used, used_from, hash, scram_keys FROM app_password "
                     "WHERE account = ? ORDER BY label",
                     account);
  std::vector<AppPassword> out;
  while (q.row()) out.push_back({q.i64(0), q.i64(1), q.text(2), q.i64(3), q.i64(4), q.text(5), q.text(6), q.text(7)});
  return out;
}

Result<AppPassword> add_app_password(Tx& tx, const AppPassword& password) {
  if (tx.db.number("SELECT 1 FROM account WHERE id = ?", 0, password.account) == 0)
    return fail(Errc::not_found, "there is no such account");
  if (tx.db.number("SELECT 1 FROM app_password WHERE account = ? AND label = ?", 0, password.account, password.label) !=
      0)
    return fail(Errc::conflict, "the account has an app password called " + printable(password.label) + " already");
  if (tx.db.number("SELECT count(*) FROM app_password WHERE account = ?", 0, password.account) >= kMostAppPasswords)
    return fail(Errc::no_space, "the account has 100 app passwords: revoke one that is not used any more");
  AppPassword made = password;
  made.created = password.created != 0 ? password.created : tx.now;
  made.used = 0;
  made.used_from.clear();
  made.id = tx.db.number(
      "INSERT INTO app_password(account, label, created, hash, scram_keys) VALUES(?, ?, ?, ?, ?) RETURNING id", 0,
      made.account, made.label, made.created, Blob{made.hash}, Blob{made.scram_keys});
  return made;
}

Result<> remove_app_password(Tx& tx, Id account, Id id) {
  tx.db.run("DELETE FROM app_password WHERE account = ? AND id = ?", account, id);
  if (tx.db.changes() == 0) return fail(Errc::not_found, "the account has no such app password");
  return {};
}

void use_app_password(Tx& tx, Id id, std::int64_t when, const std::string& from) {
  tx.db.run("UPDATE app_password SET used = ?, used_from = ? WHERE id = ? AND used <= ?", when, from, id, when);
}

namespace {

class SqliteCredentials final : public Credentials {
public:
  explicit SqliteCredentials(Core& core) : core_(core) {}

  Task<Result<>> set_scram(Account account) override {
    return core_.write([account = std::move(account)](Tx& tx) { return sqlite::set_scram(tx, account); });
  }
  Task<Result<std::vector<AppPassword>>> list_app_passwords(Id account) override {
    return core_.read([account](Db& db) { return sqlite::list_app_passwords(db, account); });
  }
  Task<Result<AppPassword>> add_app_password(AppPassword password) override {
    return core_.change_directory(
        [password = std::move(password)](Tx& tx) { return sqlite::add_app_password(tx, password); });
  }
  Task<Result<>> remove_app_password(Id account, Id id) override {
    auto job = core_.change_directory([account, id](Tx& tx) { return sqlite::remove_app_password(tx, account, id); });
    const Result<> done = co_await std::move(job);
    // Sessions do not remember which password opened them.
    if (done) core_.tell({.kind = Change::Kind::account_ended, .id = account});
    co_return done;
  }
  Task<Result<>> use_app_password(Id id, std::int64_t when, std::string from) override {
    return core_.write([id, when, from = std::move(from)](Tx& tx) { sqlite::use_app_password(tx, id, when, from); });
  }

private:
  Core& core_;
};

} // namespace

std::unique_ptr<Credentials> make_credentials(Core& core) { return std::make_unique<SqliteCredentials>(core); }

} // namespace paquebot::store::sqlite
