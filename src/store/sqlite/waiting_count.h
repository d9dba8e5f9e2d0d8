#pragma once

#include "store/sqlite/db.h"
#include "store/types.h"

#include <cstdint>
#include <map>

namespace paquebot::store::sqlite {

/// How many more recipients wait for each destination after a job, for destination.waiting: its figure is exact, and
/// read without a look at them. Mail that is delivered at once never waits and is not counted. On PostgreSQL nothing is
/// kept: nodes would wait for each other at these rows.
class WaitingCount {
public:
  /// `by` more wait for it.
  void add(Id destination, std::int64_t by) { by_[destination] += by; }
  /// In the job's transaction; once, when all is counted.
  void write(Db& db) const {
    if (!db.is_sqlite()) return;
    for (const auto& [destination, by] : by_)
      if (by != 0) db.run("UPDATE destination SET waiting = waiting + ? WHERE id = ?", by, destination);
  }

private:
  std::map<Id, std::int64_t> by_;
};

} // namespace paquebot::store::sqlite
