#include "store/sqlite/db.h"

#include <algorithm>
#include <cassert>

namespace paquebot::store::sqlite {

bool DbError::io() const {
  switch (code & 0xFF) {
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_PROTOCOL:
    case SQLITE_READONLY: return true;
    default: return false;
  }
}

void set_up_sqlite() {
  // The count of all memory that SQLite uses is kept under a lock, taken for every piece it gets or gives back; nobody
  // asks for it. SQLite refuses (SQLITE_MISUSE) when it is in use already, by a test for example: then all is as
  // before.
  [[maybe_unused]] static const int code = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

namespace {

class SqliteStatement final : public Statement {
public:
  explicit SqliteStatement(sqlite3_stmt* statement) : statement_(statement) {}
  ~SqliteStatement() override { sqlite3_finalize(statement_); }

  int parameters() const override { return sqlite3_bind_parameter_count(statement_); }
  void bind_null(int index) override { sqlite3_bind_null(statement_, index); }
  void bind_number(int index, std::int64_t value) override { sqlite3_bind_int64(statement_, index, value); }
  void bind_real(int index, double value) override { sqlite3_bind_double(statement_, index, value); }
  void bind_text(int index, std::string_view text, bool stays) override {
    sqlite3_bind_text64(statement_, index, data_of(text), text.size(), lifetime(stays), SQLITE_UTF8);
  }
  void bind_blob(int index, std::string_view bytes, bool stays) override {
    sqlite3_bind_blob64(statement_, index, data_of(bytes), bytes.size(), lifetime(stays));
  }

  bool step() override {
    const int code = sqlite3_step(statement_);
    if (code == SQLITE_ROW) return true;
    if (code == SQLITE_DONE) return false;
    sqlite3* db = sqlite3_db_handle(statement_);
    DbError error{sqlite3_extended_errcode(db), std::string(sqlite3_errmsg(db)) + " in: " + sqlite3_sql(statement_)};
    throw error;
  }
  void reset() override { sqlite3_reset(statement_); }
  bool busy() const override { return sqlite3_stmt_busy(statement_) != 0; }
  int cost() const override { return sqlite3_stmt_status(statement_, SQLITE_STMTSTATUS_VM_STEP, 0); }

  Type type(int column) const override {
    switch (sqlite3_column_type(statement_, column)) {
      case SQLITE_INTEGER: return Type::integer;
      case SQLITE_FLOAT: return Type::real;
      case SQLITE_TEXT: return Type::text;
      case SQLITE_BLOB: return Type::blob;
      default: return Type::null;
    }
  }
  std::int64_t number(int column) const override { return sqlite3_column_int64(statement_, column); }
  double real(int column) const override { return sqlite3_column_double(statement_, column); }
  std::string_view octets(int column) const override {
    const auto* data = static_cast<const char*>(sqlite3_column_blob(statement_, column));
    const int size = sqlite3_column_bytes(statement_, column);
    return data == nullptr ? std::string_view() : std::string_view(data, static_cast<std::size_t>(size));
  }

private:
  /// A null pointer would bind NULL, not the empty text.
  static const char* data_of(std::string_view text) { return text.data() == nullptr ? "" : text.data(); }
  static sqlite3_destructor_type lifetime(bool stays) { return stays ? SQLITE_STATIC : SQLITE_TRANSIENT; }

  sqlite3_stmt* const statement_;
};

[[noreturn]] void raise_last(sqlite3* db, int code, std::string_view what) {
  DbError error{code, std::string(sqlite3_errmsg(db)) + " in: " + std::string(what)};
  throw error;
}

/// OPEN_NOMUTEX.
class SqliteConnection final : public Connection {
public:
  SqliteConnection(const std::string& path, int flags, const char* vfs) {
    set_up_sqlite();
    const int code = sqlite3_open_v2(path.c_str(), &db_, flags, vfs);
    if (code == SQLITE_OK) {
      sqlite3_extended_result_codes(db_, 1);
      return;
    }
    DbError error{code, "cannot open " + path + ": " + (db_ != nullptr ? sqlite3_errmsg(db_) : "out of memory")};
    sqlite3_close(db_);
    throw error;
  }
  ~SqliteConnection() override { sqlite3_close(db_); }

  std::unique_ptr<Statement> prepare(const char* sql) override {
    sqlite3_stmt* statement = nullptr;
    const int code = sqlite3_prepare_v3(db_, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
    if (code != SQLITE_OK) raise_last(db_, code, sql);
    return std::make_unique<SqliteStatement>(statement);
  }
  void exec(const char* sql) override {
    const int code = sqlite3_exec(db_, sql, nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) raise_last(db_, code, sql);
  }
  std::int64_t changes() override { return sqlite3_changes64(db_); }
  std::int64_t total_changes() override { return sqlite3_total_changes64(db_); }
  bool in_transaction() const override { return sqlite3_get_autocommit(db_) == 0; }
  sqlite3* raw() override { return db_; }

private:
  sqlite3* db_ = nullptr;
};

} // namespace

Ulid Query::ulid(int column) const {
  Ulid id;
  const std::string_view bytes = view(column);
  if (bytes.size() == id.bytes.size()) std::ranges::copy(bytes, reinterpret_cast<char*>(id.bytes.data()));
  return id;
}

Db::Db(const std::string& path, int flags, const char* vfs)
    : Db(std::make_shared<SqliteConnection>(path, flags, vfs)) {}

Db::Db(std::shared_ptr<Connection> connection) : connection_(std::move(connection)) {}

/// Statements end before their connection.
Db& Db::operator=(Db&& other) noexcept {
  if (this != &other) {
    statements_ = std::exchange(other.statements_, {});
    connection_ = std::exchange(other.connection_, nullptr);
  }
  return *this;
}

void Db::raise(int code, std::string_view what) const { raise_last(raw(), code, what); }

Statement& Db::prepared(const char* sql) {
  std::unique_ptr<Statement>& statement = statements_[sql];
  if (statement == nullptr) statement = connection_->prepare(sql);
  assert(!statement->busy() && "a statement is used while its last query is still open");
  return *statement;
}

void Db::check_count(const Statement& statement, int count) {
  assert(statement.parameters() == count);
  static_cast<void>(statement);
  static_cast<void>(count);
}

} // namespace paquebot::store::sqlite
