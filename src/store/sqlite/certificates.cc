#include "base/text.h"
#include "store/sqlite/core.h"
#include "store/sqlite/feed.h"
#include "store/sqlite/parts.h"

namespace paquebot::store::sqlite {
namespace {

constexpr std::int64_t kMostChallengeAnswers = 200;

std::unexpected<Error> no_certificate(const std::string& name) {
  return fail(Errc::not_found, "no certificate is kept for " + printable(name, 253));
}

bool is_kept(Db& db, const std::string& name) {
  return db.number("SELECT 1 FROM certificate WHERE name = ?", 0, name) != 0;
}

std::optional<AcmeAccount> find_acme_account(Db& db, const std::string& directory) {
  Query q = db.query("SELECT directory, private_key, url, created FROM acme_account WHERE directory = ?", directory);
  if (!q.row()) return {};
  return AcmeAccount{q.text(0), q.text(1), q.text(2), q.i64(3)};
}

Result<> save_account(Tx& tx, const AcmeAccount& account) {
  const auto known = find_acme_account(tx.db, account.directory);
  if (known && known->private_key != account.private_key)
    return fail(Errc::conflict, "there is an account with " + printable(account.directory) + " already");
  tx.db.run("INSERT INTO acme_account(directory, private_key, url, created) VALUES(?1, ?2, ?3, ?4) "
            "ON CONFLICT(directory) DO UPDATE SET url = ?3",
            account.directory, account.private_key, account.url, tx.now);
  return {};
}

std::vector<TlsKey> tls_keys_of(Db& db, const std::string& name) {
  Query q = db.query("SELECT id, name, state, created, private_key FROM tls_key WHERE ?1 = '' OR name = ?1 "
                     "ORDER BY name, state DESC",
                     name);
  std::vector<TlsKey> keys;
  while (q.row()) keys.push_back({q.i64(0), q.text(1), q.as<TlsKey::State>(2), q.i64(3), q.text(4)});
  return keys;
}

Result<> add_key(Tx& tx, const TlsKey& key) {
  if (key.name.empty() || key.private_key.empty()) return fail(Errc::invalid, "a key needs a name");
  const auto has = [&](TlsKey::State state) {
    return tx.db.number("SELECT 1 FROM tls_key WHERE name = ? AND state = ?", 0, key.name, state) != 0;
  };
  if (has(key.state)) return fail(Errc::conflict, printable(key.name, 253) + " has such a key already");
  if (key.state == TlsKey::State::next && !has(TlsKey::State::active))
    return fail(Errc::invalid, printable(key.name, 253) + " has no key yet");
  tx.db.run("INSERT INTO tls_key(name, state, created, private_key) VALUES(?, ?, ?, ?)", key.name, key.state, tx.now,
            key.private_key);
  tx.db.run("INSERT OR IGNORE INTO certificate(name) VALUES(?)", key.name);
  return {};
}

std::vector<Certificate> all_certificates(Db& db) {
  Query q = db.query("SELECT name, key, chain, authority, issued, wants_renewal, wants_rotation, renew_at, ask_at, "
                     "order_url, order_key, order_since, failures, wait_until, last_error, seen_since, seen_ttl "
                     "FROM certificate ORDER BY name");
  std::vector<Certificate> all;
  while (q.row())
    all.push_back({.name = q.text(0),
                   .key = q.i64(1),
                   .chain = q.text(2),
                   .authority = q.text(3),
                   .issued = q.i64(4),
                   .wants_renewal = q.i64(5),
                   .wants_rotation = q.i64(6),
                   .renew_at = q.i64(7),
                   .ask_at = q.i64(8),
                   .order = q.text(9),
                   .order_key = q.i64(10),
                   .order_since = q.i64(11),
                   .failures = q.u32(12),
                   .wait_until = q.i64(13),
                   .last_error = q.text(14),
                   .seen_since = q.i64(15),
                   .seen_ttl = q.u32(16)});
  return all;
}

Result<> note_one(Tx& tx, const Certificate& c) {
  // An attempt counts as failed when it begins; it is told of when it has.
  const bool same = tx.db.number("SELECT failures >= ? AND last_error = ? FROM certificate WHERE name = ?", 0,
                                 c.failures, c.last_error, c.name) != 0;
  const bool failed = c.failures > 0 && !c.last_error.empty() && c.last_error != kAttemptUnderWay;
  if (failed && !same) feed_word(tx, "certificate.failed", c.name, c.last_error);
  tx.db.run("UPDATE certificate SET renew_at = ?, ask_at = ?, order_url = ?, order_key = ?, order_since = ?, "
            "failures = ?, wait_until = ?, last_error = ?, seen_since = ?, seen_ttl = ? WHERE name = ?",
            c.renew_at, c.ask_at, c.order, c.order_key, c.order_since, c.failures, c.wait_until, c.last_error,
            c.seen_since, c.seen_ttl, c.name);
  return tx.db.changes() == 0 ? Result<>(no_certificate(c.name)) : Result<>();
}

Result<> install_one(Tx& tx, const std::string& name, Id key, const std::string& chain, const std::string& authority) {
  const auto state = tx.db.number("SELECT state FROM tls_key WHERE id = ? AND name = ?", 0, key, name);
  if (state == 0 || !is_kept(tx.db, name)) return no_certificate(name);
  const bool swaps = state == static_cast<std::int64_t>(TlsKey::State::next);
  if (swaps) {
    tx.db.run("DELETE FROM tls_key WHERE name = ? AND state = ?", name, TlsKey::State::active);
    tx.db.run("UPDATE tls_key SET state = ? WHERE id = ?", TlsKey::State::active, key);
  }
  tx.db.run("UPDATE certificate SET key = ?, chain = ?, authority = ?, issued = ?, wants_renewal = 0, renew_at = 0, "
            "ask_at = 0, order_url = '', order_key = 0, order_since = 0, failures = 0, wait_until = 0, last_error = '' "
            "WHERE name = ?",
            key, chain, authority, tx.now, name);
  feed_word(tx, "certificate.renewed", name, authority);
  if (swaps) tx.db.run("UPDATE certificate SET wants_rotation = 0, seen_since = 0, seen_ttl = 0 WHERE name = ?", name);
  return {};
}

Result<> note_wish(Tx& tx, const std::string& name, Certificates::Wish what, bool wanted) {
  const std::int64_t since = wanted ? tx.now : 0;
  if (what == Certificates::Wish::renewal) {
    tx.db.run("UPDATE certificate SET wants_renewal = ?1, wait_until = iif(?1 > 0, 0, wait_until) WHERE name = ?2",
              since, name);
  } else {
    if (wanted && is_kept(tx.db, name) &&
        tx.db.number("SELECT 1 FROM tls_key WHERE name = ? AND state = ?", 0, name, TlsKey::State::next) == 0)
      return fail(Errc::conflict, printable(name, 253) + " has no next key yet: it comes with the first certificate");
    tx.db.run("UPDATE certificate SET wants_rotation = ? WHERE name = ?", since, name);
  }
  return tx.db.changes() == 0 ? Result<>(no_certificate(name)) : Result<>();
}

Result<> remove_one(Tx& tx, const std::string& name) {
  tx.db.run("DELETE FROM certificate WHERE name = ?", name);
  if (tx.db.changes() == 0) return no_certificate(name);
  tx.db.run("DELETE FROM tls_key WHERE name = ?", name);
  return {};
}

Result<> publish_one(Tx& tx, const ChallengeAnswer& answer) {
  tx.db.run("DELETE FROM acme_challenge WHERE expires <= ?", tx.now);
  if (tx.db.number("SELECT count(*) FROM acme_challenge", 0) >= kMostChallengeAnswers)
    return fail(Errc::no_space, "too many challenges wait for their authorities");
  tx.db.run(
      "INSERT INTO acme_challenge(kind, name, token, answer, expires) VALUES(?, ?, ?, ?, ?) ON CONFLICT(kind, name, "
      "token) DO UPDATE SET answer = excluded.answer, expires = excluded.expires",
      answer.kind, answer.name, answer.token, answer.answer, answer.expires);
  return {};
}

std::vector<ChallengeAnswer> challenges_of(Db& db, std::int64_t now) {
  Query q = db.query("SELECT kind, name, token, answer, expires FROM acme_challenge WHERE expires > ? "
                     "ORDER BY kind, name, token",
                     now);
  std::vector<ChallengeAnswer> all;
  while (q.row()) all.push_back({q.as<ChallengeAnswer::Kind>(0), q.text(1), q.text(2), q.text(3), q.i64(4)});
  return all;
}

class SqliteCertificates final : public Certificates {
public:
  explicit SqliteCertificates(Core& core) : core_(core) {}

  Task<Result<std::optional<AcmeAccount>>> acme_account(std::string directory) override {
    return core_.read([directory = std::move(directory)](Db& db) { return find_acme_account(db, directory); });
  }
  Task<Result<>> save_acme_account(AcmeAccount account) override {
    return core_.write([account = std::move(account)](Tx& tx) { return save_account(tx, account); });
  }
  Task<Result<std::vector<TlsKey>>> list_tls_keys(std::string name) override {
    return core_.read([name = std::move(name)](Db& db) { return tls_keys_of(db, name); });
  }
  Task<Result<>> add_tls_key(TlsKey key) override {
    std::string name = key.name;
    return change(std::move(name), [key = std::move(key)](Tx& tx) { return add_key(tx, key); });
  }
  Task<Result<std::vector<Certificate>>> list_certificates() override {
    return core_.read([](Db& db) { return all_certificates(db); });
  }
  Task<Result<>> note_progress(Certificate certificate) override {
    std::string name = certificate.name;
    return change(std::move(name), [one = std::move(certificate)](Tx& tx) { return note_one(tx, one); });
  }
  Task<Result<>> install_certificate(std::string name, Id key, std::string chain, std::string authority) override {
    std::string of = name;
    return change(std::move(of),
                  [name = std::move(name), key, chain = std::move(chain), authority = std::move(authority)](Tx& tx) {
                    return install_one(tx, name, key, chain, authority);
                  });
  }
  Task<Result<>> wish(std::string name, Wish what, bool wanted) override {
    std::string of = name;
    return change(std::move(of),
                  [name = std::move(name), what, wanted](Tx& tx) { return note_wish(tx, name, what, wanted); });
  }
  Task<Result<>> remove_certificate(std::string name) override {
    std::string of = name;
    return change(std::move(of), [name = std::move(name)](Tx& tx) { return remove_one(tx, name); });
  }
  Task<Result<>> publish_challenge(ChallengeAnswer answer) override {
    std::string name = answer.name;
    return change(std::move(name), [answer = std::move(answer)](Tx& tx) { return publish_one(tx, answer); });
  }
  Task<Result<>> withdraw_challenge(ChallengeAnswer answer) override {
    std::string name = answer.name;
    return change(std::move(name), [answer = std::move(answer)](Tx& tx) {
      tx.db.run("DELETE FROM acme_challenge WHERE kind = ? AND name = ? AND token = ?", answer.kind, answer.name,
                answer.token);
      return Result<>();
    });
  }
  Task<Result<std::vector<ChallengeAnswer>>> list_challenges() override {
    return core_.read([now = core_.wall()](Db& db) { return challenges_of(db, now); });
  }

private:
  template <class F>
  Task<Result<>> change(std::string name, F function) {
    auto job = core_.write(std::move(function));
    const Result<> done = co_await std::move(job);
    Change told{.kind = Change::Kind::certificate, .key = std::move(name)};
    if (done) core_.tell(told);
    co_return done;
  }

  Core& core_;
};

} // namespace

std::unique_ptr<Certificates> make_certificates(Core& core) { return std::make_unique<SqliteCertificates>(core); }

} // namespace paquebot::store::sqlite
