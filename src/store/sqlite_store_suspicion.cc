#include "store/sqlite_store.h"
#include "store/sqlite_suspicion.h"

namespace paquebot::store {

/// Only the writer's thread looks at the rules. Nobody waits: what is written later comes later.
void SqliteStore::watch_accounts(TakeoverRules rules) {
  write<void>([rules](Tx& tx) -> Result<> {
    tx.memory.takeover = rules;
    return {};
  });
}

Task<Result<bool>> SqliteStore::suspect(Id account, Signal signal, std::string reason) {
  const auto job = write<bool>([account, signal, reason = std::move(reason)](Tx& tx) -> Result<bool> {
    return store::suspect(tx, account, signal, reason);
  });
  co_return co_await job.take();
}

Task<Result<std::vector<Suspicion>>> SqliteStore::list_suspicions(bool with_counts) {
  using List = std::vector<Suspicion>;
  const auto job = readers_.read<List>(
      [with_counts](ReadDbs& dbs) -> Result<List> { return store::list_suspicions(dbs.main, with_counts); });
  co_return co_await job.take();
}

Task<Result<>> SqliteStore::suspicion_told(Id account) {
  const auto job = write<void>([account](Tx& tx) -> Result<> {
    store::suspicion_told(tx, account);
    return {};
  });
  co_return co_await job.take();
}

Task<Result<std::size_t>> SqliteStore::note_bounces(LateBounces bounces) {
  const auto job = write<std::size_t>(
      [bounces = std::move(bounces)](Tx& tx) -> Result<std::size_t> { return store::note_bounces(tx, bounces); });
  co_return co_await job.take();
}

Task<Result<bool>> SqliteStore::clear_suspicion(Id account) {
  const auto job = write<bool>([account](Tx& tx) -> Result<bool> { return store::clear_suspicion(tx, account); });
  co_return co_await job.take();
}

} // namespace paquebot::store
