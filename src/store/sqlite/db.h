#pragma once

#include "base/ulid.h"

#include <concepts>
#include <cstdint>
#include <memory>
#include <sqlite3.h>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <utility>

/// A thin layer over a database: one connection used by one thread at a time, and its prepared statements. Statements
/// are written as SQLite reads them, and in what PostgreSQL understands as well (store/postgres/dialect.h says what is
/// said otherwise there).
namespace paquebot::store::sqlite {

/// Thrown by Db and Query when the database fails. It never leaves the writer or reader thread that runs the job: both
/// turn it into an Error there.
struct DbError {
  int code;            ///< extended result code of SQLite, or what another database says in these terms
  std::string message; ///< what failed and what the database says

  /// No room on the disk.
  bool full() const { return (code & 0xFF) == SQLITE_FULL; }
  /// Reading, writing or syncing failed: nothing is known of what reached the disk.
  bool io() const;
  /// The file is not what it should be.
  bool damaged() const { return (code & 0xFF) == SQLITE_CORRUPT || (code & 0xFF) == SQLITE_NOTADB; }
};

/// SQLite's settings that hold for the whole process, made once; to be called before anything else of SQLite. Db does
/// it.
void set_up_sqlite();

/// Marks bytes to be bound as a BLOB rather than TEXT.
struct Blob {
  std::string_view bytes;
};

/// A prepared statement of a connection, and the row that it stands on.
class Statement {
public:
  enum class Type : std::uint8_t { null, integer, real, text, blob };

  Statement() = default;
  virtual ~Statement() = default;
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  // Parameters count from 1. `stays`: the octets are there until reset().
  virtual int parameters() const = 0;
  virtual void bind_null(int index) = 0;
  virtual void bind_number(int index, std::int64_t value) = 0;
  virtual void bind_real(int index, double value) = 0;
  virtual void bind_text(int index, std::string_view text, bool stays) = 0;
  virtual void bind_blob(int index, std::string_view bytes, bool stays) = 0;

  /// Steps to the next row, by the first call the first; false after the last. Throws DbError.
  virtual bool step() = 0;
  /// Ends what was begun; it can be used anew, with what was bound.
  virtual void reset() = 0;
  virtual bool busy() const = 0;
  /// What it has done, in steps of SQLite's machine; 0 where the rows of a walk are bounded instead.
  virtual int cost() const { return 0; }

  virtual Type type(int column) const = 0;
  virtual std::int64_t number(int column) const = 0;
  virtual double real(int column) const = 0;
  /// The octets of a text or blob, of anything else what it looks like; valid until the next step.
  virtual std::string_view octets(int column) const = 0;
};

/// A connection to a database that speaks SQL as SQLite does, or is spoken for so (store/postgres).
class Connection {
public:
  Connection() = default;
  virtual ~Connection() = default;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  virtual std::unique_ptr<Statement> prepare(const char* sql) = 0;
  virtual void exec(const char* sql) = 0;
  virtual std::int64_t changes() = 0;
  virtual std::int64_t total_changes() = 0;
  virtual bool in_transaction() const = 0;
  /// Rows that one statement of a walk over a table asks for; 0: it is left when it has cost enough.
  virtual int walk_rows() const { return 0; }
  virtual sqlite3* raw() { return nullptr; }           ///< null: it is not SQLite's
  virtual std::string_view node() const { return {}; } ///< whose it is; empty: there are not several
};

/// A statement in use. Goes back to the connection's cache when it ends, so keep it short-lived and never nest two of
/// the same text.
class Query {
public:
  explicit Query(Statement* statement) : statement_(statement) {}
  Query(Query&& other) noexcept : statement_(std::exchange(other.statement_, nullptr)) {}
  Query& operator=(Query&&) = delete;
  ~Query() {
    if (statement_ != nullptr) statement_->reset();
  }

  /// Steps to the next row; false after the last.
  bool row() { return statement_->step(); }

  std::int64_t i64(int column) const { return statement_->number(column); }
  std::uint64_t u64(int column) const { return static_cast<std::uint64_t>(i64(column)); }
  std::uint32_t u32(int column) const { return static_cast<std::uint32_t>(i64(column)); }
  bool flag(int column) const { return i64(column) != 0; }
  bool is_text(int column) const { return statement_->type(column) == Statement::Type::text; }
  bool blob(int column) const { return statement_->type(column) == Statement::Type::blob; }
  bool null(int column) const { return statement_->type(column) == Statement::Type::null; }
  template <class E>
  E as(int column) const {
    return static_cast<E>(i64(column));
  }
  /// The octets of a TEXT or BLOB, valid until the next row().
  std::string_view view(int column) const { return statement_->octets(column); }
  std::string text(int column) const { return std::string(view(column)); }
  Ulid ulid(int column) const;

private:
  Statement* statement_;
};

/// One connection and its prepared statements. Not thread-safe; may move between threads that take turns.
class Db {
public:
  /// Of SQLite; `flags` and `vfs` as for sqlite3_open_v2.
  Db(const std::string& path, int flags, const char* vfs = nullptr);
  /// May be shared by what one thread uses.
  explicit Db(std::shared_ptr<Connection> connection);
  Db(Db&& other) noexcept = default;
  Db& operator=(Db&& other) noexcept;
  ~Db() = default;

  /// Runs statements that return nothing of interest; for settings and the schema.
  void exec(const char* sql) { connection_->exec(sql); }
  /// `sql` must be a literal: the statement is prepared once and kept under the address of its text. The arguments are
  /// bound in order; all of the statement's parameters must be given.
  template <class... A>
  Query query(const char* sql, const A&... arguments) {
    Statement& statement = prepared(sql);
    bind_all(statement, false, arguments...);
    return Query(&statement);
  }
  /// Runs it to its end.
  template <class... A>
  void run(const char* sql, const A&... arguments) {
    Statement& statement = prepared(sql);
    bind_all(statement, true, arguments...);
    Query query(&statement);
    while (query.row()) {
    }
  }
  /// The first column of the first row; `otherwise` when there is none.
  template <class... A>
  std::int64_t number(const char* sql, std::int64_t otherwise, const A&... arguments) {
    Query q = query(sql, arguments...);
    return q.row() ? q.i64(0) : otherwise;
  }
  /// A statement of its own, which is not kept.
  std::unique_ptr<Statement> prepare(const std::string& sql) { return connection_->prepare(sql.c_str()); }

  /// Rows changed by the last statement, and since the connection was opened.
  std::int64_t changes() const { return connection_->changes(); }
  std::int64_t total_changes() const { return connection_->total_changes(); }
  bool in_transaction() const { return connection_->in_transaction(); }
  int walk_rows() const { return connection_->walk_rows(); }
  bool is_sqlite() const { return raw() != nullptr; }
  std::string_view node() const { return connection_->node(); }
  sqlite3* raw() const { return connection_ == nullptr ? nullptr : connection_->raw(); }
  /// Throws what SQLite says of the last failure. `what` names the thing that failed.
  [[noreturn]] void raise(int code, std::string_view what) const;

private:
  Statement& prepared(const char* sql);

  template <class... A>
  void bind_all(Statement& statement, [[maybe_unused]] bool stays, const A&... arguments) {
    check_count(statement, static_cast<int>(sizeof...(arguments)));
    int index = 0;
    (bind(statement, ++index, stays, arguments), ...);
  }
  static void check_count(const Statement& statement, int count);
  template <class T>
    requires std::integral<T> || std::is_enum_v<T>
  static void bind(Statement& statement, int index, bool, T value) {
    statement.bind_number(index, static_cast<std::int64_t>(value));
  }
  static void bind(Statement& statement, int index, bool, std::nullptr_t) { statement.bind_null(index); }
  static void bind(Statement& statement, int index, bool stays, std::string_view text) {
    statement.bind_text(index, text, stays);
  }
  static void bind(Statement& statement, int index, bool stays, const Blob& blob) {
    statement.bind_blob(index, blob.bytes, stays);
  }
  static void bind(Statement& statement, int index, bool stays, const Ulid& id) {
    statement.bind_blob(index, {reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size()}, stays);
  }

  std::shared_ptr<Connection> connection_;
  std::unordered_map<const char*, std::unique_ptr<Statement>> statements_; ///< they end before it does
};

} // namespace paquebot::store::sqlite
