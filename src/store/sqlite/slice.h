#pragma once

#include "store/sqlite/db.h"

#include <array>
#include <memory>
#include <string>
#include <vector>

/// Walks over whole tables in short reads.
namespace paquebot::store::sqlite {

/// A table and the columns that its rows are ordered by: all of a primary key, so that no two rows are alike in them
/// and a walk needs no sorting.
struct Ordered {
  const char* from;                ///< "message m", perhaps with WHERE-less joins that keep one row a row
  std::array<const char*, 4> key;  ///< "m.id"; null behind the last
  const char* condition = nullptr; ///< only these rows: "m.pending > 0"
  int columns() const;
};

/// The statement of a walk: the key's columns, then `columns`; from the start, or after a key given by parameters.
std::string walk_statement(const Ordered& table, const std::string& columns, bool after);

/// One read of rows in the order of their key. It ends when the table does, or when it has cost enough: a slice costs
/// about as many steps of SQLite's machine as take 10 ms, whatever the table holds, but always gives a row.
class Slice {
public:
  /// `after` is what next() of the slice before said; empty: from the start. Throws DbError.
  /// `given` are the values of ?11, ?12, …, which `columns` may name.
  Slice(Db& db, const Ordered& table, const std::string& columns, const std::string& after,
        const std::vector<std::string>& given = {});

  /// Steps to the next row. Throws DbError.
  bool row();
  /// The row: the key's columns come first.
  const Query& at() const { return query_; }
  /// Work done for the row beside reading it, in octets.
  void add_cost(std::uint64_t octets) { octets_ += octets; }
  /// The table is through.
  bool ended() const { return ended_; }
  /// Where the next slice goes on, in letters, digits and "-"; empty when the table is through.
  std::string next() const;

private:
  static std::string bounded(const Db& db, std::string sql);

  const int keys_;
  const int most_; ///< rows of one statement; 0: as many as it may cost
  const std::unique_ptr<Statement> statement_;
  Query query_; ///< of statement_
  std::uint64_t octets_ = 0;
  int rows_ = 0;
  bool begun_ = false;
  bool ended_ = false;
};

/// What next() says behind a row whose key is this id alone.
std::string key_text(const Ulid& id);

/// Steps of SQLite's machine that a slice may cost before it ends.
inline constexpr int kSliceSteps = 400'000;
/// Octets of content looked at in a slice.
inline constexpr std::uint64_t kSliceOctets = 8u << 20;

} // namespace paquebot::store::sqlite
