#include "store/sqlite/slice.h"

#include "base/encoding.h"

#include <bit>
#include <charconv>

namespace paquebot::store::sqlite {
namespace {

constexpr int kFirstGiven = 11;
constexpr std::string_view kDigits = "0123456789abcdef";

std::uint64_t number_of(std::string_view digits) {
  std::uint64_t value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}

std::string octets_of(std::string_view hex) {
  std::string out;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    out += static_cast<char>(kDigits.find(hex[i]) << 4 | (kDigits.find(hex[i + 1]) & 15));
  return out;
}

/// A column of a key as text: its type and its value, so that rows with values that should not be there are walked over
/// like any others.
std::string cell_text(sqlite3_stmt* row, int column) {
  const int type = sqlite3_column_type(row, column);
  if (type == SQLITE_NULL) return "n";
  if (type == SQLITE_INTEGER)
    return "i" + std::to_string(static_cast<std::uint64_t>(sqlite3_column_int64(row, column)));
  if (type == SQLITE_FLOAT)
    return "f" + std::to_string(std::bit_cast<std::uint64_t>(sqlite3_column_double(row, column)));
  const auto* data = static_cast<const char*>(sqlite3_column_blob(row, column));
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(row, column));
  return (type == SQLITE_BLOB ? "b" : "t") +
         hex_encode(data == nullptr ? std::string_view() : std::string_view(data, size));
}

/// What is not as cell_text() writes it is bound as NULL, after which nothing comes.
void bind_cell(sqlite3_stmt* statement, int index, std::string_view cell) {
  if (cell.empty()) return;
  const char type = cell.front();
  cell.remove_prefix(1);
  if (type == 'i') sqlite3_bind_int64(statement, index, static_cast<sqlite3_int64>(number_of(cell)));
  if (type == 'f') sqlite3_bind_double(statement, index, std::bit_cast<double>(number_of(cell)));
  if (type != 'b' && type != 't') return;
  const std::string octets = octets_of(cell);
  if (type == 'b') sqlite3_bind_blob64(statement, index, octets.c_str(), octets.size(), SQLITE_TRANSIENT);
  if (type == 't') sqlite3_bind_text64(statement, index, octets.c_str(), octets.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
}

} // namespace

int Ordered::columns() const {
  int count = 0;
  while (count < static_cast<int>(key.size()) && key[static_cast<std::size_t>(count)] != nullptr) ++count;
  return count;
}

std::string key_text(const Ulid& id) {
  return "b" + hex_encode(std::string_view(reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size()));
}

std::string walk_statement(const Ordered& table, const std::string& columns, bool after) {
  std::string key;
  std::string given;
  for (int i = 0; i < table.columns(); ++i) {
    key += std::string(i == 0 ? "" : ", ") + table.key[static_cast<std::size_t>(i)];
    given += (i == 0 ? "?" : ", ?") + std::to_string(i + 1);
  }
  std::string where;
  if (table.condition != nullptr) where = std::string(" WHERE ") + table.condition;
  if (after) where += std::string(where.empty() ? " WHERE " : " AND ") + "(" + key + ") > (" + given + ")";
  return "SELECT " + key + (columns.empty() ? "" : ", " + columns) + " FROM " + table.from + where + " ORDER BY " + key;
}

sqlite3_stmt* Slice::prepare(Db& db, const std::string& sql) {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(db.raw(), sql.c_str(), -1, 0, &statement, nullptr);
  if (code != SQLITE_OK) db.raise(code, sql);
  return statement;
}

Slice::Slice(Db& db, const Ordered& table, const std::string& columns, const std::string& after,
             const std::vector<std::string>& given)
    : keys_(table.columns()), statement_(prepare(db, walk_statement(table, columns, !after.empty()))),
      query_(statement_.get()) {
  std::size_t at = 0;
  for (int i = 1; !after.empty() && i <= keys_ && at <= after.size(); ++i) {
    const std::size_t end = std::min(after.find('-', at), after.size());
    bind_cell(statement_.get(), i, std::string_view(after).substr(at, end - at));
    at = end + 1;
  }
  int number = kFirstGiven;
  for (const std::string& one : given) {
    sqlite3_bind_text64(statement_.get(), number++, one.c_str(), one.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  }
}

bool Slice::row() {
  if (ended_) return false;
  const bool enough =
      octets_ >= kSliceOctets || sqlite3_stmt_status(statement_.get(), SQLITE_STMTSTATUS_VM_STEP, 0) >= kSliceSteps;
  if (begun_ && enough) return false;
  begun_ = true;
  ended_ = !query_.row();
  return !ended_;
}

std::string Slice::next() const {
  if (ended_ || !begun_) return {};
  std::string text;
  for (int i = 0; i < keys_; ++i) text += (i == 0 ? "" : "-") + cell_text(statement_.get(), i);
  return text;
}

} // namespace paquebot::store::sqlite
