#pragma once

#include "base/result.h"
#include "store/long_work.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace paquebot::store::sqlite {

class HolderCount;

/// Where a check goes on: what a VerifyPoint of ours says.
struct CheckPlace {
  unsigned part = 0; ///< number of the table or invariant
  std::string after; ///< within it: after this row, in letters, digits and "-"; empty: from its start
  /// What the step before has counted, bounded; without it that count begins again.
  std::shared_ptr<HolderCount> counted;
};

/// VerifyStep, with its place spelled out.
struct CheckStep {
  std::vector<Finding> findings;
  std::optional<CheckPlace> next;
  std::uint64_t done = 0;
  std::uint64_t total = 0;
};

/// "PART.AFTER", or nothing for the beginning; `invalid` for anything else.
Result<CheckPlace> place_of(const VerifyPoint& point);
VerifyPoint point_of(CheckPlace place);
VerifyStep told(CheckStep step);

} // namespace paquebot::store::sqlite
