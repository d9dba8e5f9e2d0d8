#include "store/sqlite/core.h"

namespace paquebot::store::sqlite {
namespace {

constexpr unsigned kLongReaders = 2; // one step of a check or a backup at a time, and an operator's question beside it

std::optional<Reserve> reserve_on(const std::string& disk) {
  if (disk.empty()) return std::nullopt;
  return std::optional<Reserve>(std::in_place, disk);
}

} // namespace

CoreState::CoreState(CoreParts parts)
    : options(std::move(parts.options)), clock(options.clock != nullptr ? *options.clock : system_clock()),
      lock(std::move(parts.lock)), reserve(reserve_on(parts.disk)), shared(std::move(parts.shared)), epoch(parts.epoch),
      memory(clock, parts.main), readers(parts.open_readers, options.readers, "store-reader", parts.carrier),
      long_readers(parts.open_readers, kLongReaders, "store-long", parts.carrier),
      bulk(std::make_shared<BulkStore>(parts.bulk_lane(), epoch, options.byte_budget,
                                       std::chrono::milliseconds(options.budget_patience_ms))),
      lane(parts.main_lane([this](Db& db) { memory.reload(db); })) {}

Core::Core(CoreParts parts) : own_(std::make_unique<CoreState>(std::move(parts))), all_(*own_), writer(*all_.lane) {}

Core::~Core() {
  if (!own_) return;
  submit([state = own_.get()](Tx& tx) {
    if (state->shared) return state->shared->end_epoch(tx);
    tx.db.run("UPDATE node SET ended = 1 WHERE id = 1");
  });
}

void Core::hear(const Change& change) {
  if (change.kind == Change::Kind::directory) ++directory_generation;
  if (change.kind == Change::Kind::suspicion) { // it is not told on
    ++memory.marks;
    ++told_marks;
  }
  subscribers.tell(change);
}

} // namespace paquebot::store::sqlite
