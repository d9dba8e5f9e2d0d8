#pragma once

#include "store/byte_budget.h"
#include "store/sqlite/lane.h"
#include "store/types.h"

#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

namespace paquebot::store::sqlite {

/// Large bodies, in bulk.db with a writer of its own: they stream in while they arrive, so that no acceptance waits
/// behind them. A body is staged, then finished (synced); who owns it is told by the other file alone. The two are
/// never in one transaction.
class BulkStore {
public:
  BulkStore(std::unique_ptr<Lane> lane, Id epoch, std::uint64_t byte_budget, std::chrono::milliseconds patience);

  Task<Result<Id>> begin();
  Task<Result<>> append(Id staged, std::string chunk);
  Task<Result<>> finish(Id staged);
  /// Marks it as dropped: the chunks go with the next upkeep.
  void abandon(Id staged);

  /// Lends a finished body of this size to an acceptance; false when there is none.
  bool lend(Id staged, std::uint64_t size);
  /// The end of it: `keep` gives it back to whoever staged it, otherwise it is no longer theirs to drop (owned, or in
  /// doubt until the next start looks).
  void lent(Id staged, bool keep);

  /// Marks bodies that lost their owner, durably. What is being staged is passed over.
  Task<Result<>> mark_dropped(std::vector<Id> bulks);
  /// Deletes a slice of what is marked, then gives free pages back (shrink()); true while there is more.
  Task<Result<bool>> drop_slice(bool short_of_room);
  bool has_room() { return writer_->has_room(); }

private:
  struct Staged {
    std::uint64_t size = 0;
    bool finished = false;
    bool broken = false; ///< a chunk was lost: it can only be dropped
    bool lent = false;
  };
  bool forget(Id staged);
  Result<std::uint64_t> reserve(Id staged, std::size_t bytes);
  void spoil(Id staged);

  const Id epoch_;
  ByteBudget budget_;
  std::mutex mutex_;
  std::unordered_map<Id, Staged> staged_;
  const std::unique_ptr<Lane> writer_; ///< last: its jobs hold permits of the budget
};

/// For readers of bulk.db: at most `most` octets from `offset`, the checksum of every chunk touched verified.
Result<std::string> load_bulk_body(Db& bulk, Id id, std::uint64_t offset, std::size_t most);
/// Marks as dropped what no body row of the other file owns. `epoch` is the last one that ended.
void sweep_staged(Db& main, Db& bulk, Id epoch);
/// The highest id of a body in bulk.db that paquebot.db (or a backup) knows of, given up or not; 0: it knows none.
Id highest_bulk_id(Db& main);
/// Lets ids of bulk.db begin above `known` and above all that it holds. False when they did already. Throws DbError.
bool begin_ids_above(Db& bulk, Id known);

} // namespace paquebot::store::sqlite
