#pragma once

#include "base/ulid.h"

#include <concepts>
#include <cstdint>
#include <sqlite3.h>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <utility>

/// A thin layer over SQLite: one connection used by one thread at a time, and its prepared statements.
namespace paquebot::store::sqlite {

/// Thrown by Db and Query when SQLite fails. It never leaves the writer or reader thread that runs the job: both turn
/// it into an Error there.
struct DbError {
  int code;            ///< extended result code
  std::string message; ///< what failed and what SQLite says

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

/// A statement in use. Goes back to the connection's cache when it ends, so keep it short-lived and never nest two of
/// the same text.
class Query {
public:
  explicit Query(sqlite3_stmt* statement) : statement_(statement) {}
  Query(Query&& other) noexcept : statement_(std::exchange(other.statement_, nullptr)) {}
  Query& operator=(Query&&) = delete;
  ~Query() {
    if (statement_ != nullptr) sqlite3_reset(statement_);
  }

  /// Steps to the next row; false after the last.
  bool row();

  std::int64_t i64(int column) const { return sqlite3_column_int64(statement_, column); }
  std::uint64_t u64(int column) const { return static_cast<std::uint64_t>(i64(column)); }
  std::uint32_t u32(int column) const { return static_cast<std::uint32_t>(i64(column)); }
  bool flag(int column) const { return i64(column) != 0; }
  bool is_text(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_TEXT; }
  bool blob(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_BLOB; }
  bool null(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }
  template <class E>
  E as(int column) const {
    return static_cast<E>(i64(column));
  }
  /// The octets of a TEXT or BLOB, valid until the next row().
  std::string_view view(int column) const;
  std::string text(int column) const { return std::string(view(column)); }
  Ulid ulid(int column) const;

private:
  sqlite3_stmt* statement_;
};

/// One connection. Not thread-safe (OPEN_NOMUTEX); may move between threads that take turns.
class Db {
public:
  /// `flags` and `vfs` as for sqlite3_open_v2.
  Db(const std::string& path, int flags, const char* vfs = nullptr);
  Db(Db&& other) noexcept;
  Db& operator=(Db&& other) noexcept;
  ~Db();

  /// Runs statements that return nothing of interest; for settings and the schema.
  void exec(const char* sql);
  /// `sql` must be a literal: the statement is prepared once and kept under the address of its text. The arguments are
  /// bound in order; all of the statement's parameters must be given.
  template <class... A>
  Query query(const char* sql, const A&... arguments) {
    sqlite3_stmt* statement = prepared(sql);
    bind_all(statement, SQLITE_TRANSIENT, arguments...);
    return Query(statement);
  }
  /// Runs it to its end.
  template <class... A>
  void run(const char* sql, const A&... arguments) {
    sqlite3_stmt* statement = prepared(sql);
    bind_all(statement, SQLITE_STATIC, arguments...);
    Query query(statement);
    while (query.row()) {
    }
  }
  /// The first column of the first row; `otherwise` when there is none.
  template <class... A>
  std::int64_t number(const char* sql, std::int64_t otherwise, const A&... arguments) {
    Query q = query(sql, arguments...);
    return q.row() ? q.i64(0) : otherwise;
  }

  /// Rows changed by the last statement, and since the connection was opened.
  std::int64_t changes() const { return sqlite3_changes64(db_); }
  std::int64_t total_changes() const { return sqlite3_total_changes64(db_); }
  bool in_transaction() const { return sqlite3_get_autocommit(db_) == 0; }
  sqlite3* raw() const { return db_; }
  /// Throws what SQLite says of the last failure. `what` names the thing that failed.
  [[noreturn]] void raise(int code, std::string_view what) const;

private:
  sqlite3_stmt* prepared(const char* sql);
  void close();

  template <class... A>
  void bind_all(sqlite3_stmt* statement, [[maybe_unused]] sqlite3_destructor_type lifetime, const A&... arguments) {
    check_count(statement, static_cast<int>(sizeof...(arguments)));
    int index = 0;
    (bind(statement, ++index, lifetime, arguments), ...);
  }
  static void check_count(sqlite3_stmt* statement, int count);
  template <class T>
    requires std::integral<T> || std::is_enum_v<T>
  static void bind(sqlite3_stmt* statement, int index, sqlite3_destructor_type, T value) {
    sqlite3_bind_int64(statement, index, static_cast<sqlite3_int64>(value));
  }
  static void bind(sqlite3_stmt* statement, int index, sqlite3_destructor_type, std::nullptr_t) {
    sqlite3_bind_null(statement, index);
  }
  static void bind(sqlite3_stmt* statement, int index, sqlite3_destructor_type lifetime, std::string_view text);
  static void bind(sqlite3_stmt* statement, int index, sqlite3_destructor_type lifetime, const Blob& blob);
  static void bind(sqlite3_stmt* statement, int index, sqlite3_destructor_type lifetime, const Ulid& id);

  sqlite3* db_ = nullptr;
  std::unordered_map<const char*, sqlite3_stmt*> statements_;
};

} // namespace paquebot::store::sqlite
