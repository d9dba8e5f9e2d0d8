#include "store/postgres/statement.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <charconv>

namespace paquebot::store::postgres {
namespace {

// pg_type.dat: numbers of types, which never change.
constexpr Oid kBool = 16, kBytes = 17, kInt8 = 20, kInt2 = 21, kInt4 = 23, kNumeric = 1700, kFloat8 = 701;

std::uint64_t big_endian(std::string_view octets) {
  std::uint64_t value = 0;
  for (const char c : octets) value = value << 8 | static_cast<unsigned char>(c);
  return value;
}

std::string to_big_endian(std::int64_t value) {
  std::string out(8, '\0');
  for (std::size_t i = 0; i < 8; ++i) out[i] = static_cast<char>(static_cast<std::uint64_t>(value) >> (56 - 8 * i));
  return out;
}

/// The whole part of a numeric: sums are such. Groups of four digits behind a head of eight octets.
std::int64_t of_numeric(std::string_view octets) {
  if (octets.size() < 8) return 0;
  const auto groups = static_cast<int>(big_endian(octets.substr(0, 2)));
  const int weight = static_cast<std::int16_t>(big_endian(octets.substr(2, 2)));
  const bool negative = big_endian(octets.substr(4, 2)) == 0x4000;
  std::int64_t value = 0;
  for (int i = 0; i <= weight && i < 5; ++i) {
    const std::size_t at = 8 + 2 * static_cast<std::size_t>(i);
    value = value * 10000 +
            (i < groups && at + 2 <= octets.size() ? static_cast<std::int64_t>(big_endian(octets.substr(at, 2))) : 0);
  }
  return negative ? -value : value;
}

} // namespace

PgStatement::PgStatement(PgConnection& connection, Said said)
    : connection_(connection), said_(std::move(said)), values_(static_cast<std::size_t>(said_.parameters)) {}

PgStatement::~PgStatement() { connection_.forget(*this); }

PgStatement::Value& PgStatement::value(int index) {
  assert(index >= 1);
  if (values_.size() < static_cast<std::size_t>(index)) values_.resize(static_cast<std::size_t>(index));
  return values_[static_cast<std::size_t>(index) - 1];
}

void PgStatement::bind_octets(Value& value, std::string_view octets, bool stays) {
  value.null = false;
  value.stays = stays;
  if (stays)
    value.others = octets;
  else
    value.own = octets;
}

void PgStatement::bind_null(int index) {
  value(index) = {};
  value(index).type = 0;
}

void PgStatement::bind_number(int index, std::int64_t number) {
  Value& to = value(index);
  to.type = kInt8;
  bind_octets(to, to_big_endian(number), false);
}

void PgStatement::bind_real(int index, double number) {
  Value& to = value(index);
  to.type = kFloat8;
  bind_octets(to, to_big_endian(std::bit_cast<std::int64_t>(number)), false);
}

void PgStatement::bind_text(int index, std::string_view text, bool stays) {
  Value& to = value(index);
  to.type = 0;
  if (!text.contains('\0')) return bind_octets(to, text, stays);
  std::string clean(text);
  std::ranges::replace(clean, '\0', '?');
  bind_octets(to, clean, false);
}

void PgStatement::bind_blob(int index, std::string_view bytes, bool stays) {
  Value& to = value(index);
  to.type = kBytes;
  bind_octets(to, bytes, stays);
}

bool PgStatement::step() {
  if (!sent_) {
    sent_ = true;
    connection_.send(*this);
    if (said_.kind != Said::Kind::rows) return false;
    connection_.drain();
    assert(result_ != nullptr && "a result or an error comes of what was sent");
    shown_.clear();
  }
  if (result_ == nullptr) return false;
  return ++row_ < PQntuples(result_.get());
}

void PgStatement::reset() {
  if (sent_ && said_.kind == Said::Kind::rows && result_ == nullptr) connection_.forget(*this);
  result_.reset();
  row_ = -1;
  sent_ = false;
}

sqlite::Statement::Type PgStatement::type(int column) const {
  if (PQgetisnull(result_.get(), row_, column) != 0) return Type::null;
  switch (PQftype(result_.get(), column)) {
    case kBool:
    case kInt2:
    case kInt4:
    case kInt8:
    case kNumeric: return Type::integer;
    case kBytes: return Type::blob;
    default: return Type::text;
  }
}

std::int64_t PgStatement::number(int column) const {
  if (PQgetisnull(result_.get(), row_, column) != 0) return 0;
  const std::string_view octets(PQgetvalue(result_.get(), row_, column),
                                static_cast<std::size_t>(PQgetlength(result_.get(), row_, column)));
  switch (PQftype(result_.get(), column)) {
    case kBool: return octets == std::string_view("\1") ? 1 : 0;
    case kInt2: return static_cast<std::int16_t>(big_endian(octets));
    case kInt4: return static_cast<std::int32_t>(big_endian(octets));
    case kInt8: return static_cast<std::int64_t>(big_endian(octets));
    case kNumeric: return of_numeric(octets);
    default: break;
  }
  std::int64_t value = 0; // a text, as SQLite reads it
  std::from_chars(octets.data(), octets.data() + octets.size(), value);
  return value;
}

std::string_view PgStatement::octets(int column) const {
  switch (type(column)) {
    case Type::null: return {};
    case Type::integer: {
      const auto place = static_cast<std::size_t>(column);
      if (shown_.size() <= place) shown_.resize(static_cast<std::size_t>(PQnfields(result_.get())));
      return shown_[place] = std::to_string(number(column));
    }
    default: break;
  }
  return {PQgetvalue(result_.get(), row_, column), static_cast<std::size_t>(PQgetlength(result_.get(), row_, column))};
}

} // namespace paquebot::store::postgres
