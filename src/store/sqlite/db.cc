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

bool Query::row() {
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  sqlite3* db = sqlite3_db_handle(statement_);
  DbError error{sqlite3_extended_errcode(db), std::string(sqlite3_errmsg(db)) + " in: " + sqlite3_sql(statement_)};
  throw error;
}

std::string_view Query::view(int column) const {
  const auto* data = static_cast<const char*>(sqlite3_column_blob(statement_, column));
  const int size = sqlite3_column_bytes(statement_, column);
  return data == nullptr ? std::string_view() : std::string_view(data, static_cast<std::size_t>(size));
}

Ulid Query::ulid(int column) const {
  Ulid id;
  const std::string_view bytes = view(column);
  if (bytes.size() == id.bytes.size()) std::ranges::copy(bytes, reinterpret_cast<char*>(id.bytes.data()));
  return id;
}

Db::Db(const std::string& path, int flags, const char* vfs) {
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

Db::Db(Db&& other) noexcept
    : db_(std::exchange(other.db_, nullptr)), statements_(std::exchange(other.statements_, {})) {}

Db& Db::operator=(Db&& other) noexcept {
  if (this != &other) {
    close();
    db_ = std::exchange(other.db_, nullptr);
    statements_ = std::exchange(other.statements_, {});
  }
  return *this;
}

Db::~Db() { close(); }

void Db::close() {
  for (const auto& [sql, statement] : statements_) sqlite3_finalize(statement);
  statements_.clear();
  sqlite3_close(db_);
  db_ = nullptr;
}

void Db::exec(const char* sql) {
  const int code = sqlite3_exec(db_, sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) raise(code, sql);
}

void Db::raise(int code, std::string_view what) const {
  DbError error{code, std::string(sqlite3_errmsg(db_)) + " in: " + std::string(what)};
  throw error;
}

sqlite3_stmt* Db::prepared(const char* sql) {
  sqlite3_stmt*& statement = statements_[sql];
  if (statement == nullptr) {
    const int code = sqlite3_prepare_v3(db_, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
    if (code != SQLITE_OK) raise(code, sql);
  }
  assert(sqlite3_stmt_busy(statement) == 0 && "a statement is used while its last query is still open");
  return statement;
}

void Db::check_count(sqlite3_stmt* statement, int count) {
  assert(sqlite3_bind_parameter_count(statement) == count);
  static_cast<void>(statement);
  static_cast<void>(count);
}

void Db::bind(sqlite3_stmt* statement, int index, sqlite3_destructor_type lifetime, std::string_view text) {
  // A null pointer would bind NULL, not the empty text.
  const char* data = text.data() == nullptr ? "" : text.data();
  sqlite3_bind_text64(statement, index, data, text.size(), lifetime, SQLITE_UTF8);
}

void Db::bind(sqlite3_stmt* statement, int index, sqlite3_destructor_type lifetime, const Blob& blob) {
  const char* data = blob.bytes.data() == nullptr ? "" : blob.bytes.data();
  sqlite3_bind_blob64(statement, index, data, blob.bytes.size(), lifetime);
}

void Db::bind(sqlite3_stmt* statement, int index, sqlite3_destructor_type lifetime, const Ulid& id) {
  sqlite3_bind_blob64(statement, index, id.bytes.data(), id.bytes.size(), lifetime);
}

} // namespace paquebot::store::sqlite
