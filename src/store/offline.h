#pragma once

#include "base/result.h"
#include "base/rights.h"
#include "store/long_work.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

/// What is done with a store that no process has open.
namespace paquebot::store {

/// Looks at a store without changing anything in it, also at one that is too damaged to be opened.
class Inspection {
public:
  virtual ~Inspection() = default;
  /// A step that the damage makes impossible is a finding as well, and ends the check.
  virtual VerifyStep step(const VerifyPoint& from) = 0;
};
/// Under the directory's lock. not_found when there is no store, conflict when a process has it.
Result<std::unique_ptr<Inspection>> inspect_sqlite(const std::string& directory);

struct RestoreResult {
  std::int64_t made_at = 0;        ///< when the backup was made, milliseconds since 1970
  std::size_t held = 0;            ///< recipients that were waiting and are held now
  std::vector<Finding> findings{}; ///< what is wrong in it, at most 1000; none unless forced
};
/// Makes a store in `directory` (made when absent; conflict when it holds one already) from a backup file, which is
/// checked first (io when it is not sound, unsupported when it is none, or a newer program's) and only read: one of an
/// older schema is upgraded in the copy, which is checked as well before it becomes the store. A failure leaves no
/// store. What waited for delivery is held, since it may have been delivered after the backup was made; every mailbox
/// gets a new uidvalidity. `progress` is told octets. `force`: what is wrong is told and restored as it is, unless
/// pages are damaged; and `backup` may be the paquebot.db of a data directory that no process has open (conflict), with
/// the bulk.db beside it or without. As root with a `writer`: the backup is opened as root, and all that is written, is
/// so as he (ActAs): whoever owns the directory could lead root elsewhere by a link in it.
Result<RestoreResult> restore_sqlite(const std::string& backup, const std::string& directory,
                                     const std::function<void(std::uint64_t done, std::uint64_t total)>& progress,
                                     bool force = false, const std::optional<Owner>& writer = std::nullopt);

/// The setting that a restored store has until its queue is released: what to tell the operator.
inline constexpr const char* kRestoredSetting = "queue.restored";

} // namespace paquebot::store
