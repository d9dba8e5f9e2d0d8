#include "store/rights.h"

#include "base/text.h"
#include "store/sqlite/core.h"
#include "store/sqlite/directory.h"
#include "store/sqlite/parts.h"

namespace paquebot::store::sqlite {
namespace {

constexpr std::int64_t kMostTokens = 100;

std::string in_lines(const std::vector<std::string>& texts) {
  std::string all;
  for (const std::string& text : texts) all += (all.empty() ? "" : "\n") + text;
  return all;
}

std::vector<std::string> of_lines(const std::string& text) {
  std::vector<std::string> all;
  if (text.empty()) return all;
  for (const std::string_view line : split(text, '\n')) all.emplace_back(line);
  return all;
}

bool account_exists(Db& db, Id account) { return db.number("SELECT 1 FROM account WHERE id = ?", 0, account) != 0; }

/// The row of the domain that a grant is about: 0 for the whole server.
Result<Id> granted_domain(Db& db, const std::string& name) {
  if (name.empty()) return Id{0};
  const auto domain = find_domain(db, name);
  if (!domain) return std::unexpected(no_domain(name));
  if (!domain->alias_of.empty())
    return fail(Errc::invalid,
                domain->name + " is an alias of " + domain->alias_of + ": who looks after that looks after it, too");
  return domain->id;
}

Result<> add_grant(Tx& tx, Id account, const std::string& name) {
  if (!account_exists(tx.db, account)) return fail(Errc::not_found, "there is no such account");
  const auto domain = granted_domain(tx.db, name);
  if (!domain) return std::unexpected(domain.error());
  tx.db.run("INSERT OR IGNORE INTO account_right(account, domain) VALUES(?, ?)", account, *domain);
  return {};
}

Result<> remove_grant(Tx& tx, Id account, const std::string& name) {
  const auto domain = granted_domain(tx.db, name);
  if (!domain) return std::unexpected(domain.error());
  tx.db.run("DELETE FROM account_right WHERE account = ? AND domain = ?", account, *domain);
  if (tx.db.changes() == 0) return fail(Errc::not_found, "the account has no such right");
  return {};
}

std::vector<Grant> read_grants(Db& db, Id account) {
  Query q = db.query("SELECT r.account, a.login, ifnull(d.name, '') FROM account_right r "
                     "JOIN account a ON a.id = r.account LEFT JOIN domain d ON d.id = r.domain "
                     "WHERE ?1 = 0 OR r.account = ?1 ORDER BY r.domain <> 0, a.login, d.name",
                     account);
  std::vector<Grant> out;
  while (q.row()) out.push_back({q.i64(0), q.text(1), q.text(2)});
  return out;
}

std::vector<Grant> page_of_grants(Db& db, const Within& within, const Grant& after, std::size_t most) {
  Query q = db.query("SELECT r.account, a.login, ifnull(d.name, '') FROM account_right r "
                     "JOIN account a ON a.id = r.account JOIN domain h ON h.id = a.domain "
                     "LEFT JOIN domain d ON d.id = r.domain WHERE (a.login, ifnull(d.name, '')) > (?1, ?2) AND "
                     "(?3 <> 0 OR a.login = ?5 OR instr(?4, char(10) || h.name || char(10)) > 0) "
                     "ORDER BY a.login, ifnull(d.name, '') LIMIT ?6",
                     after.login, after.domain, within.all, fenced(within.domains), within.login, most);
  std::vector<Grant> out;
  while (q.row()) out.push_back({q.i64(0), q.text(1), q.text(2)});
  return out;
}

Result<Token> add_token(Tx& tx, const Token& token) {
  if (token.account != 0 && !account_exists(tx.db, token.account))
    return fail(Errc::not_found, "there is no such account");
  if (tx.db.number("SELECT 1 FROM token WHERE account = ? AND label = ?", 0, token.account, token.label) != 0)
    return fail(Errc::conflict, "there is a token called " + printable(token.label) + " already");
  if (tx.db.number("SELECT count(*) FROM token WHERE account = ?", 0, token.account) >= kMostTokens)
    return fail(Errc::no_space, "there are 100 tokens already: remove one that is not used any more");
  Token made = token;
  made.created = token.created != 0 ? token.created : tx.now;
  made.used = 0;
  made.used_from.clear();
  made.id = tx.db.number("INSERT INTO token(account, label, hash, scopes, domains, networks, created, expires) "
                         "VALUES(?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
                         0, made.account, made.label, Blob{made.hash}, in_lines(made.scopes), in_lines(made.domains),
                         in_lines(made.networks), made.created, made.expires);
  return made;
}

// What read_token() reads. A macro, since statements are literals (Db::query).
#define TOKEN_QUERY                                                                                                    \
  "SELECT t.id, t.account, ifnull(a.login, ''), t.label, t.hash, t.scopes, t.domains, t.networks, t.created, "         \
  "t.expires, t.used, t.used_from FROM token t LEFT JOIN account a ON a.id = t.account "

Token read_token(const Query& q) {
  Token token;
  token.id = q.i64(0);
  token.account = q.i64(1);
  token.login = q.text(2);
  token.label = q.text(3);
  token.hash = q.text(4);
  token.scopes = of_lines(q.text(5));
  token.domains = of_lines(q.text(6));
  token.networks = of_lines(q.text(7));
  token.created = q.i64(8);
  token.expires = q.i64(9);
  token.used = q.i64(10);
  token.used_from = q.text(11);
  return token;
}

std::vector<Token> read_tokens(Db& db, std::optional<Id> account) {
  Query q = db.query(TOKEN_QUERY "WHERE ?1 < 0 OR t.account = ?1 ORDER BY a.login, t.label", account.value_or(-1));
  std::vector<Token> out;
  while (q.row()) out.push_back(read_token(q));
  return out;
}

Result<Token> token_of(Db& db, const std::string& hash) {
  Query q = db.query(TOKEN_QUERY "WHERE t.hash = ?", Blob{hash});
  if (!q.row()) return fail(Errc::not_found, "there is no such token");
  return read_token(q);
}

Result<Token> token_by_id(Db& db, Id id) {
  Query q = db.query(TOKEN_QUERY "WHERE t.id = ?", id);
  if (!q.row()) return fail(Errc::not_found, "there is no such token");
  return read_token(q);
}

std::vector<Token> page_of_tokens(Db& db, std::optional<Id> account, const Within& within, Id after, std::size_t most) {
  Query q = db.query(TOKEN_QUERY "LEFT JOIN domain d ON d.id = a.domain WHERE t.id > ?1 AND (?2 < 0 OR t.account = ?2) "
                                 "AND (?3 <> 0 OR a.login = ?5 OR instr(?4, char(10) || d.name || char(10)) > 0) "
                                 "ORDER BY t.id LIMIT ?6",
                     after, account.value_or(-1), within.all, fenced(within.domains), within.login, most);
  std::vector<Token> out;
  while (q.row()) out.push_back(read_token(q));
  return out;
}

class SqliteRights final : public Rights {
public:
  explicit SqliteRights(Core& core) : core_(core) {}

  Task<Result<>> grant(Id account, std::string domain) override {
    return core_.write(
        [account, domain = std::move(domain)](Tx& tx) { return add_grant(tx, account, to_lower(domain)); });
  }
  Task<Result<>> revoke(Id account, std::string domain) override {
    return core_.write(
        [account, domain = std::move(domain)](Tx& tx) { return remove_grant(tx, account, to_lower(domain)); });
  }
  Task<Result<std::vector<Grant>>> list_grants(Id account) override {
    return core_.read([account](Db& db) { return read_grants(db, account); });
  }
  Task<Result<std::vector<Grant>>> page_grants(Within within, Grant after, std::size_t most) override {
    return core_.read([within = std::move(within), after = std::move(after), most](Db& db) {
      return page_of_grants(db, within, after, most);
    });
  }
  Task<Result<Token>> add_token(Token token) override {
    return core_.write([token = std::move(token)](Tx& tx) { return sqlite::add_token(tx, token); });
  }
  Task<Result<>> remove_token(Id id) override {
    return core_.write([id](Tx& tx) -> Result<> {
      tx.db.run("DELETE FROM token WHERE id = ?", id);
      if (tx.db.changes() == 0) return fail(Errc::not_found, "there is no such token");
      return {};
    });
  }
  Task<Result<std::vector<Token>>> list_tokens(std::optional<Id> account) override {
    return core_.read([account](Db& db) { return read_tokens(db, account); });
  }
  Task<Result<std::vector<Token>>> page_tokens(std::optional<Id> account, Within within, Id after,
                                               std::size_t most) override {
    return core_.read([account, within = std::move(within), after, most](Db& db) {
      return page_of_tokens(db, account, within, after, most);
    });
  }
  Task<Result<Token>> get_token(Id id) override {
    return core_.read([id](Db& db) { return token_by_id(db, id); });
  }
  Task<Result<Token>> find_token(std::string hash) override {
    return core_.read([hash = std::move(hash)](Db& db) { return token_of(db, hash); });
  }
  Task<Result<>> use_token(Id id, std::int64_t when, std::string from) override {
    return core_.write([id, when, from = std::move(from)](Tx& tx) {
      tx.db.run("UPDATE token SET used = ?, used_from = ? WHERE id = ? AND used <= ?", when, from, id, when);
    });
  }

private:
  Core& core_;
};

} // namespace

std::unique_ptr<Rights> make_rights(Core& core) { return std::make_unique<SqliteRights>(core); }

} // namespace paquebot::store::sqlite
