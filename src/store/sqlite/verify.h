#pragma once

#include "store/sqlite/check_place.h"
#include "store/sqlite/db.h"
#include "store/types.h"

#include <map>
#include <string>
#include <vector>

namespace paquebot::store::sqlite {

/// One step of checking every invariant of docs/durability.md that the two files show. `epoch` is the one that works
/// now or worked last: what it is staging is not yet owned. `main` must be in a transaction or in none at all; what
/// changes while the steps go on does not lead to findings.
CheckStep check_step(Db& main, Db& bulk, Id epoch, const CheckPlace& from);

/// Findings as lines, at most 100 of a rule.
class FindingLines {
public:
  void add(std::vector<Finding> findings);
  std::vector<std::string> lines;

private:
  std::map<std::string, std::size_t> told_;
};

} // namespace paquebot::store::sqlite
