#pragma once

#include <string>
#include <string_view>

namespace paquebot::store::postgres {

/// A statement as PostgreSQL reads it.
struct Said {
  enum class Kind { rows, changes, begin, commit, rollback, savepoint };
  std::string sql;
  int parameters = 0;     ///< the highest number of one
  Kind kind = Kind::rows; ///< `changes`: gives no rows
};

/// Statements are written as SQLite reads them (store/sqlite/db.h). Most of it both read alike; said otherwise are
/// - parameters: ?, ?3 -> $1, $3;
/// - octets: x'00' -> '\x00'::bytea;
/// - INSERT OR IGNORE -> ON CONFLICT DO NOTHING;
/// - GLOB with a pattern in the statement -> ~ with a regular expression;
/// - functions: ifnull, instr, char, iif, and max and min of more than one value;
/// - CAST(… AS INTEGER) -> AS BIGINT; a text AS BLOB is a text (its encoding counts octets);
/// - hints for SQLite's planner: INDEXED BY, unlikely().
/// `sql` is a literal of ours: nothing from outside is ever in it.
Said say(std::string_view sql);

} // namespace paquebot::store::postgres
