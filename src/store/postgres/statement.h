#pragma once

#include "store/postgres/connection.h"

#include <string>
#include <vector>

namespace paquebot::store::postgres {

/// Values go as parameters beside the text: numbers as int8, octets as bytea, texts as whatever their place wants.
/// Prepared in the server from its second use on.
class PgStatement final : public sqlite::Statement {
public:
  PgStatement(PgConnection& connection, Said said);
  ~PgStatement() override;

  int parameters() const override { return said_.parameters; }
  void bind_null(int index) override;
  void bind_number(int index, std::int64_t value) override;
  void bind_real(int index, double value) override;
  /// PostgreSQL has no text with a NUL in it: it is kept as a question mark.
  void bind_text(int index, std::string_view text, bool stays) override;
  void bind_blob(int index, std::string_view bytes, bool stays) override;

  bool step() override;
  void reset() override;
  bool busy() const override { return sent_; }

  Type type(int column) const override;
  std::int64_t number(int column) const override;
  double real(int column) const override { return static_cast<double>(number(column)); }
  std::string_view octets(int column) const override;

private:
  friend class PgConnection;
  struct Value {
    std::string own;
    std::string_view others; ///< octets that stay, in place of its own
    bool null = true;
    bool stays = false;
    Oid type = 25; ///< text, so that one which the statement does not name has a type
    std::string_view octets() const { return stays ? others : std::string_view(own); }
  };
  Value& value(int index);
  void bind_octets(Value& value, std::string_view octets, bool stays);

  PgConnection& connection_;
  const Said said_;
  std::vector<Value> values_;
  std::string name_;       ///< under which the server knows it; empty: it does not
  std::vector<Oid> types_; ///< with which it was prepared
  int uses_ = 0;
  bool sent_ = false;
  ResultPtr result_;
  int row_ = -1;
  mutable std::vector<std::string> shown_; ///< numbers as text, by column
};

} // namespace paquebot::store::postgres
