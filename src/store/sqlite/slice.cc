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
std::string cell_text(const Statement& row, int column) {
  switch (row.type(column)) {
    case Statement::Type::null: return "n";
    case Statement::Type::integer: return "i" + std::to_string(static_cast<std::uint64_t>(row.number(column)));
    case Statement::Type::real: return "f" + std::to_string(std::bit_cast<std::uint64_t>(row.real(column)));
    case Statement::Type::text: return "t" + hex_encode(row.octets(column));
    case Statement::Type::blob: break;
  }
  return "b" + hex_encode(row.octets(column));
}

/// What is not as cell_text() writes it is bound as NULL, after which nothing comes.
void bind_cell(Statement& statement, int index, std::string_view cell) {
  const char type = cell.empty() ? 'n' : cell.front();
  if (!cell.empty()) cell.remove_prefix(1);
  switch (type) {
    case 'i': return statement.bind_number(index, static_cast<std::int64_t>(number_of(cell)));
    case 'f': return statement.bind_real(index, std::bit_cast<double>(number_of(cell)));
    case 'b': return statement.bind_blob(index, octets_of(cell), false);
    case 't': return statement.bind_text(index, octets_of(cell), false);
    default: return statement.bind_null(index);
  }
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

std::string Slice::bounded(const Db& db, std::string sql) {
  if (db.walk_rows() == 0) return sql;
  return sql + " LIMIT " + std::to_string(db.walk_rows());
}

Slice::Slice(Db& db, const Ordered& table, const std::string& columns, const std::string& after,
             const std::vector<std::string>& given)
    : keys_(table.columns()), most_(db.walk_rows()),
      statement_(db.prepare(bounded(db, walk_statement(table, columns, !after.empty())))), query_(statement_.get()) {
  std::size_t at = 0;
  for (int i = 1; !after.empty() && i <= keys_ && at <= after.size(); ++i) {
    const std::size_t end = std::min(after.find('-', at), after.size());
    bind_cell(*statement_, i, std::string_view(after).substr(at, end - at));
    at = end + 1;
  }
  int number = kFirstGiven;
  for (const std::string& one : given) statement_->bind_text(number++, one, false);
}

bool Slice::row() {
  if (ended_) return false;
  const bool enough = octets_ >= kSliceOctets || statement_->cost() >= kSliceSteps || (most_ != 0 && rows_ == most_);
  if (begun_ && enough) return false;
  begun_ = true;
  ++rows_;
  ended_ = !query_.row();
  return !ended_;
}

std::string Slice::next() const {
  if (ended_ || !begun_) return {};
  std::string text;
  for (int i = 0; i < keys_; ++i) text += (i == 0 ? "" : "-") + cell_text(*statement_, i);
  return text;
}

} // namespace paquebot::store::sqlite
