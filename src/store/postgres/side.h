#pragma once

#include "base/result.h"
#include "store/lock_file.h"
#include "store/postgres/target.h"
#include "store/sqlite/db.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace paquebot::store::postgres {

/// What a column holds, as PostgreSQL keeps it.
enum class Held : std::uint8_t { number, text, octets };

struct Column {
  std::string name;
  Held held = Held::text;
};

/// One end of a copy: a store that no server uses, as tables.
class Side {
public:
  /// A store that is made when there is none; conflict while somebody works on it. Throws DbError.
  static Result<std::unique_ptr<Side>> open(const std::string& place, bool writes);

  bool is_database() const { return !bulk_; }
  /// Where a table is.
  sqlite::Db& of(const std::string& table);
  sqlite::Db& main() { return *main_; }
  /// What belongs to a store wherever it is, with its columns; of a database also what they hold.
  std::map<std::string, std::vector<Column>> tables();
  /// Goes through the rows of a table; `row` may not use this side.
  void read(const std::string& table, const std::vector<Column>& columns,
            const std::function<void(const sqlite::Statement&)>& row);
  std::uint64_t count(const std::string& table);
  void clear(const std::string& table);
  /// Ids that were given of a table, which are not given again.
  std::map<std::string, std::int64_t> given();
  void give_behind(const std::string& table, std::int64_t id);

private:
  std::optional<LockFile> lock_;
  std::optional<sqlite::Db> main_;
  std::optional<sqlite::Db> bulk_; ///< of a directory
};

/// Whether the store holds nothing yet.
bool is_empty(sqlite::Db& main);

} // namespace paquebot::store::postgres
