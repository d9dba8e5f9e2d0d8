#pragma once

#include "store/sqlite/rules.h"

#include <cstdint>
#include <string>
#include <vector>

namespace paquebot::store::sqlite {

/// Counts who holds heads or bodies, and compares it with their own count (refs), in slices and with bounded memory: as
/// many rows as kAtOnce in the order of their ids; a larger store is gone through several times.
///
/// While the slices go on others may let go of content, which only lowers both counts, and nobody ever takes hold of
/// content that is there already. So what was counted lies between the refs of before and those of after, or something
/// is wrong: a change meanwhile is no finding.
class HolderCount final : public VerifyMemory {
public:
  static constexpr std::size_t kAtOnce = 1'000'000; ///< 16 octets each

  enum class Of { heads, bodies };
  HolderCount(Of of, Id after, std::size_t at_once = kAtOnce);
  /// Does one slice and tells what is wrong. True while there is more to do for these rows.
  bool step(Check& check);
  /// Once they are through: go on after this id; 0 when they were the last ones.
  Id next() const { return full_ ? last_ : 0; }

private:
  enum class Phase { load, entries, queue, compare, done };

  void load(Check& check);
  void count(Check& check, const Ordered& table, const char* column, Phase then);
  void compare(Check& check);
  bool bodies() const { return of_ == Of::bodies; }

  const Of of_;
  const std::size_t at_once_;
  Phase phase_ = Phase::load;
  std::string cursor_;
  Id last_;
  bool full_ = false; ///< there may be more rows behind last_
  std::vector<Id> ids_;
  std::vector<std::uint32_t> refs_;  ///< as they were before
  std::vector<std::uint32_t> found_; ///< holders
  std::size_t compared_ = 0;
};

/// Parts of the check.
std::optional<CheckPlace> check_head_holders(Check& check, const CheckPlace& from);
std::optional<CheckPlace> check_body_holders(Check& check, const CheckPlace& from);
inline constexpr const char* kHeadHolders = "head.holders";
inline constexpr const char* kBodyHolders = "body.holders";

} // namespace paquebot::store::sqlite
