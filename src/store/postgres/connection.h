#pragma once

#include "store/postgres/dialect.h"
#include "store/postgres/target.h"
#include "store/sqlite/db.h"

#include <deque>
#include <functional>
#include <libpq-fe.h>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace paquebot::store::postgres {

using sqlite::DbError;

/// The name by which the database knows the connections of an epoch.
std::string application_of(std::int64_t epoch);

struct ResultDeleter {
  void operator()(PGresult* result) const { PQclear(result); }
};
using ResultPtr = std::unique_ptr<PGresult, ResultDeleter>;

class PgStatement;

/// One connection to PostgreSQL, in pipeline mode: within a transaction, what gives no rows is sent and not waited for;
/// whatever asks for rows, for changes() or ends the transaction waits for all that was sent. So a statement that
/// failed may be told of by a later one of the same transaction, which can't be committed any more. One thread at a
/// time.
///
/// Errors are DbError in SQLite's terms: SQLITE_FULL (no room), SQLITE_IOERR (the connection, or the server, is gone,
/// or a commit is in doubt), SQLITE_BUSY (to be done again: deadlock, serialization), SQLITE_ERROR. What they say holds
/// statements of ours and what the server says, never a value or how it is reached.
class PgConnection final : public sqlite::Connection {
public:
  enum class Use { writing, reading };
  /// Waits at most ten seconds for the server. `epoch`: whose it is, and the name of that node; 0: nobody's yet. Throws
  /// DbError.
  PgConnection(const Target& target, Use use, std::int64_t epoch = 0, std::string node = {});
  ~PgConnection() override;

  std::unique_ptr<sqlite::Statement> prepare(const char* sql) override;
  void exec(const char* sql) override;
  std::int64_t changes() override;
  /// Statements that were sent and may have changed something.
  std::int64_t total_changes() override { return total_changes_; }
  bool in_transaction() const override { return in_transaction_; }
  int walk_rows() const override { return 2000; }
  std::string_view node() const override { return node_; }

  int server_version() const { return PQserverVersion(connection_.get()); }

private:
  friend class PgStatement;
  struct Finish {
    void operator()(PGconn* connection) const { PQfinish(connection); }
  };
  struct Pending {
    PgStatement* statement; ///< waits for the result; null: nobody does
    std::string sql;
  };

  void send(PgStatement& statement);
  void begin();
  void end(bool commit, const std::string& sql);
  void forget(const PgStatement& statement);
  /// Waits for all that was sent; throws what went wrong first.
  void drain();
  void take(Pending pending, std::optional<DbError>& error);
  void synchronise();
  void note(PGresult* result, Pending& pending);
  DbError error_of(const PGresult* result, const std::string& sql) const;
  DbError lost(const std::string& sql) const;

  std::unique_ptr<PGconn, Finish> connection_;
  const std::string node_;
  std::deque<Pending> pending_;
  std::uint64_t names_ = 0; ///< of prepared statements
  std::int64_t changes_ = 0;
  std::int64_t total_changes_ = 0;
  bool in_transaction_ = false;
  bool warned_ = false;     ///< by the server, since the transaction began
  std::string command_tag_; ///< of the last command that was done
};

} // namespace paquebot::store::postgres
