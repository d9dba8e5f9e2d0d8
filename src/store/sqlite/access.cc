#include "store/access.h"

#include "store/sqlite/access.h"
#include "store/sqlite/core.h"
#include "store/sqlite/parts.h"

namespace paquebot::store::sqlite {
namespace {

constexpr int kAccessSlice = 1000;

bool may_enter(Db& db, Id account) {
  return account == 0 || db.number("SELECT 1 FROM account WHERE id = ?", 0, account) != 0;
}

std::unexpected<Error> nobody_there() { return fail(Errc::not_found, "there is no such account"); }

Result<> add_session(Tx& tx, const WebSession& session) {
  if (!may_enter(tx.db, session.account)) return nobody_there();
  tx.db.run("DELETE FROM web_session WHERE hash IN (SELECT hash FROM web_session WHERE account = ? "
            "ORDER BY used DESC LIMIT -1 OFFSET ?)",
            session.account, kMostSessions - 1);
  const std::int64_t created = session.created != 0 ? session.created : tx.now;
  tx.db.run("INSERT INTO web_session(hash, account, created, used, source) VALUES(?, ?, ?, ?, ?)", Blob{session.hash},
            session.account, created, created, session.from);
  return {};
}

Result<WebSession> find_session(Db& db, const std::string& hash) {
  Query q = db.query("SELECT hash, account, created, used, source FROM web_session WHERE hash = ?", Blob{hash});
  if (!q.row()) return fail(Errc::not_found, "there is no such session");
  return WebSession{q.text(0), q.i64(1), q.i64(2), q.i64(3), q.text(4)};
}

std::vector<WebSession> list_sessions(Db& db, Id account) {
  Query q = db.query("SELECT hash, account, created, used, source FROM web_session WHERE account = ? "
                     "ORDER BY created, hash LIMIT ?",
                     account, kMostSessions);
  std::vector<WebSession> all;
  while (q.row()) all.push_back({q.text(0), q.i64(1), q.i64(2), q.i64(3), q.text(4)});
  return all;
}

Result<> add_link(Tx& tx, const OnceLink& link) {
  if (!may_enter(tx.db, link.account)) return nobody_there();
  tx.db.run(
      "INSERT INTO once_link(account, purpose, hash, created, expires) VALUES(?, ?, ?, ?, ?) ON CONFLICT(account, "
      "purpose) DO UPDATE SET hash = excluded.hash, created = excluded.created, expires = excluded.expires",
      link.account, link.purpose, Blob{link.hash}, tx.now, link.expires);
  return {};
}

Result<OnceLink> find_link(Db& db, const std::string& hash, OnceLink::Purpose purpose, std::int64_t now) {
  Query q =
      db.query("SELECT hash, account, created, expires FROM once_link WHERE hash = ? AND purpose = ? AND expires > ?",
               Blob{hash}, purpose, now);
  if (!q.row()) return fail(Errc::not_found, "there is no such link");
  return OnceLink{q.text(0), purpose, q.i64(1), q.i64(2), q.i64(3)};
}

Result<OnceLink> take_link(Tx& tx, const std::string& hash, OnceLink::Purpose purpose) {
  auto found = find_link(tx.db, hash, purpose, tx.now);
  if (found) tx.db.run("DELETE FROM once_link WHERE hash = ?", Blob{hash});
  return found;
}

Result<SecondFactor> get_factor(Db& db, Id account) {
  Query q =
      db.query("SELECT secret, confirmed, step, (SELECT count(*) FROM recovery_code c WHERE c.account = f.account) "
               "FROM second_factor f WHERE account = ?",
               account);
  if (!q.row()) return fail(Errc::not_found, "the account has no second factor");
  return SecondFactor{q.text(0), q.flag(1), q.i64(2), static_cast<std::size_t>(q.i64(3))};
}

Result<> begin_factor(Tx& tx, Id account, const std::string& secret) {
  if (account == 0 || !may_enter(tx.db, account)) return nobody_there();
  if (const auto found = get_factor(tx.db, account); found && found->confirmed)
    return fail(Errc::conflict, "the account has a second factor already");
  tx.db.run(
      "INSERT INTO second_factor(account, secret, confirmed, step, created) VALUES(?, ?, 0, 0, ?) ON CONFLICT(account) "
      "DO UPDATE SET secret = excluded.secret, confirmed = 0, step = 0, created = excluded.created",
      account, Blob{secret}, tx.now);
  return {};
}

Result<> confirm_factor(Tx& tx, Id account, const std::string& secret, std::int64_t step,
                        const std::vector<std::string>& codes) {
  tx.db.run("UPDATE second_factor SET confirmed = 1, step = ? WHERE account = ? AND confirmed = 0 AND secret = ?", step,
            account, Blob{secret});
  if (tx.db.changes() == 0) return fail(Errc::conflict, "the second factor is another one by now");
  for (const std::string& code : codes)
    tx.db.run("INSERT OR IGNORE INTO recovery_code(account, hash) VALUES(?, ?)", account, Blob{code});
  return {};
}

Result<> use_factor(Tx& tx, Id account, std::int64_t step) {
  tx.db.run("UPDATE second_factor SET step = ?1 WHERE account = ?2 AND confirmed = 1 AND step < ?1", step, account);
  if (tx.db.changes() == 0) return fail(Errc::conflict, "the code was used before");
  return {};
}

Result<> use_recovery(Tx& tx, Id account, const std::string& hash) {
  tx.db.run("DELETE FROM recovery_code WHERE account = ? AND hash = ?", account, Blob{hash});
  if (tx.db.changes() == 0) return fail(Errc::not_found, "the account has no such recovery code");
  return {};
}

Result<> remove_factor(Tx& tx, Id account) {
  tx.db.run("DELETE FROM recovery_code WHERE account = ?", account);
  tx.db.run("DELETE FROM second_factor WHERE account = ?", account);
  if (tx.db.changes() == 0) return fail(Errc::not_found, "the account has no second factor");
  return {};
}

class SqliteAccess final : public Access {
public:
  explicit SqliteAccess(Core& core) : core_(core) {}

  Task<Result<>> add_session(WebSession session) override {
    return core_.write([session = std::move(session)](Tx& tx) { return sqlite::add_session(tx, session); });
  }
  Task<Result<WebSession>> find_session(std::string hash) override {
    return core_.read([hash = std::move(hash)](Db& db) { return sqlite::find_session(db, hash); });
  }
  Task<Result<>> use_session(std::string hash, std::int64_t when) override {
    return core_.write([hash = std::move(hash), when](Tx& tx) {
      tx.db.run("UPDATE web_session SET used = max(used, ?) WHERE hash = ?", when, Blob{hash});
    });
  }
  Task<Result<>> end_session(std::string hash) override {
    return core_.write(
        [hash = std::move(hash)](Tx& tx) { tx.db.run("DELETE FROM web_session WHERE hash = ?", Blob{hash}); });
  }
  Task<Result<std::size_t>> end_sessions(Id account, std::string but) override {
    return core_.write([account, but = std::move(but)](Tx& tx) -> Result<std::size_t> {
      tx.db.run("DELETE FROM web_session WHERE account = ? AND hash <> ?", account, Blob{but});
      return static_cast<std::size_t>(tx.db.changes());
    });
  }
  Task<Result<std::vector<WebSession>>> list_sessions(Id account) override {
    return core_.read(
        [account](Db& db) -> Result<std::vector<WebSession>> { return sqlite::list_sessions(db, account); });
  }

  Task<Result<>> add_link(OnceLink link) override {
    return core_.write([link = std::move(link)](Tx& tx) { return sqlite::add_link(tx, link); });
  }
  Task<Result<OnceLink>> find_link(std::string hash, OnceLink::Purpose purpose) override {
    return core_.read([hash = std::move(hash), purpose, now = core_.wall()](Db& db) {
      return sqlite::find_link(db, hash, purpose, now);
    });
  }
  Task<Result<OnceLink>> take_link(std::string hash, OnceLink::Purpose purpose) override {
    return core_.write([hash = std::move(hash), purpose](Tx& tx) { return sqlite::take_link(tx, hash, purpose); });
  }

  Task<Result<SecondFactor>> get_factor(Id account) override {
    return core_.read([account](Db& db) { return sqlite::get_factor(db, account); });
  }
  Task<Result<>> begin_factor(Id account, std::string secret) override {
    return core_.write(
        [account, secret = std::move(secret)](Tx& tx) { return sqlite::begin_factor(tx, account, secret); });
  }
  // Whether an account has one is read with it (Account::second_factor), and kept in caches.
  Task<Result<>> confirm_factor(Id account, std::string secret, std::int64_t step,
                                std::vector<std::string> codes) override {
    auto job = core_.change_directory([account, secret = std::move(secret), step, codes = std::move(codes)](Tx& tx) {
      return sqlite::confirm_factor(tx, account, secret, step, codes);
    });
    const Result<> done = co_await std::move(job);
    // Programs that are in with the password alone could not get in any more.
    if (done) core_.tell({.kind = Change::Kind::account_ended, .id = account});
    co_return done;
  }
  Task<Result<>> use_factor(Id account, std::int64_t step) override {
    return core_.write([account, step](Tx& tx) { return sqlite::use_factor(tx, account, step); });
  }
  Task<Result<>> use_recovery(Id account, std::string hash) override {
    return core_.write([account, hash = std::move(hash)](Tx& tx) { return sqlite::use_recovery(tx, account, hash); });
  }
  Task<Result<>> remove_factor(Id account) override {
    return core_.change_directory([account](Tx& tx) { return sqlite::remove_factor(tx, account); });
  }

private:
  Core& core_;
};

} // namespace

void end_access(Tx& tx, Id account) {
  tx.db.run("DELETE FROM web_session WHERE account = ?", account);
  tx.db.run("DELETE FROM once_link WHERE account = ?", account);
}

void drop_access(Tx& tx, Id account) {
  end_access(tx, account);
  tx.db.run("DELETE FROM recovery_code WHERE account = ?", account);
  tx.db.run("DELETE FROM second_factor WHERE account = ?", account);
}

bool drop_old_access(Tx& tx, std::int64_t now) {
  tx.db.run("DELETE FROM once_link WHERE expires <= ?", now);
  tx.db.run(
      "DELETE FROM web_session WHERE hash IN (SELECT hash FROM web_session WHERE used < ? OR created < ? LIMIT ?)",
      now - kSessionIdle, now - kSessionLife, kAccessSlice);
  return tx.db.changes() == kAccessSlice;
}

std::unique_ptr<Access> make_access(Core& core) { return std::make_unique<SqliteAccess>(core); }

} // namespace paquebot::store::sqlite
