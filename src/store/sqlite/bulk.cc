#include "store/sqlite/bulk.h"

#include "store/checksum.h"
#include "store/sqlite/maintain.h"

#include <algorithm>
#include <cassert>

namespace paquebot::store::sqlite {
namespace {

constexpr int kDropChunks = 32; // 8 MiB a slice

Error not_staged(Id staged) {
  return {Errc::not_found, "there is no staged body " + std::to_string(staged) + " to go on with"};
}

void mark(Db& db, Id bulk) { db.run("UPDATE bulk SET state = 3 WHERE id = ?", bulk); }

/// Deletes a slice of the chunks of one dropped body, and its row with the last. True while there is more to delete.
bool delete_slice(Db& db) {
  const Id bulk = db.number("SELECT id FROM bulk WHERE state = 3 LIMIT 1", 0);
  if (bulk == 0) return false;
  const std::int64_t end =
      db.number("SELECT start FROM chunk WHERE bulk = ? ORDER BY start LIMIT 1 OFFSET ?", -1, bulk, kDropChunks);
  if (end >= 0) {
    db.run("DELETE FROM chunk WHERE bulk = ? AND start < ?", bulk, end);
    return true;
  }
  db.run("DELETE FROM chunk WHERE bulk = ?", bulk);
  db.run("DELETE FROM bulk WHERE id = ?", bulk);
  return db.number("SELECT 1 FROM bulk WHERE state = 3 LIMIT 1", 0) != 0;
}

} // namespace

BulkStore::BulkStore(std::unique_ptr<Lane> lane, Id epoch, std::uint64_t byte_budget,
                     std::chrono::milliseconds patience)
    : epoch_(epoch), budget_(byte_budget, patience), writer_(std::move(lane)) {}

Task<Result<Id>> BulkStore::begin() {
  const auto job = writer_->write<Id>(
      [epoch = epoch_](Db& db) -> Result<Id> {
        return db.number("INSERT INTO bulk(epoch, state, size) VALUES(?, 1, 0) RETURNING id", 0, epoch);
      },
      0, false);
  Result<Id> id = co_await job.take();
  if (id) {
    const std::lock_guard lock(mutex_);
    staged_.emplace(*id, Staged());
  }
  co_return id;
}

/// Where the next chunk begins.
Result<std::uint64_t> BulkStore::reserve(Id staged, std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  const auto known = staged_.find(staged);
  if (known == staged_.end() || known->second.finished || known->second.broken)
    return std::unexpected(not_staged(staged));
  const std::uint64_t start = known->second.size;
  known->second.size += bytes;
  return start;
}

void BulkStore::spoil(Id staged) {
  const std::lock_guard lock(mutex_);
  const auto known = staged_.find(staged);
  if (known != staged_.end()) known->second.broken = true;
}

Task<Result<>> BulkStore::append(Id staged, std::string chunk) {
  if (chunk.empty()) co_return Result<>();
  if (chunk.size() > kBodyChunk) co_return fail(Errc::invalid, "a chunk of a body is too large");
  const std::size_t size = chunk.size();
  std::shared_ptr<ByteBudget::Permit> permit = co_await budget_.take(size);
  if (!permit) co_return fail(Errc::no_space, "too much mail waits to be written to the disk");
  const Result<std::uint64_t> start = reserve(staged, size);
  if (!start) co_return std::unexpected(start.error());
  const auto sum = checksum(chunk); // before the chunk moves: captures have no order
  const auto job = writer_->write<void>(
      [staged, start = *start, sum, data = std::move(chunk), permit = std::move(permit)](Db& db) -> Result<> {
        db.run("INSERT INTO chunk(bulk, start, sum, data) VALUES(?, ?, ?, ?)", staged, start, sum, Blob{data});
        return {};
      },
      size, false);
  Result<> done = co_await job.take();
  if (!done) spoil(staged);
  co_return done;
}

Task<Result<>> BulkStore::finish(Id staged) {
  const Result<std::uint64_t> size = reserve(staged, 0);
  if (!size) co_return std::unexpected(size.error());
  const auto job = writer_->write<void>([staged, size = *size](Db& db) -> Result<> {
    db.run("UPDATE bulk SET state = 2, size = ? WHERE id = ? AND state = 1", size, staged);
    if (db.changes() == 0) return std::unexpected(not_staged(staged));
    // Chunks are not waited for: of a database that another one has taken over since, some may be missing.
    constexpr const char* kThere = "SELECT coalesce(sum(octet_length(data)), 0) FROM chunk WHERE bulk = ?";
    if (!db.is_sqlite() && db.number(kThere, 0, staged) != static_cast<std::int64_t>(size))
      return std::unexpected(not_staged(staged));
    return {};
  });
  Result<> done = co_await job.take();
  if (done) {
    const std::lock_guard lock(mutex_);
    const auto known = staged_.find(staged);
    if (known != staged_.end()) known->second.finished = true;
  }
  co_return done;
}

bool BulkStore::forget(Id staged) {
  const std::lock_guard lock(mutex_);
  const auto known = staged_.find(staged);
  if (known == staged_.end() || known->second.lent) return false;
  staged_.erase(known);
  return true;
}

void BulkStore::abandon(Id staged) {
  if (!forget(staged)) return;
  writer_->write<void>(
      [staged](Db& db) -> Result<> {
        mark(db, staged);
        return {};
      },
      0, false);
}

bool BulkStore::lend(Id staged, std::uint64_t size) {
  const std::lock_guard lock(mutex_);
  const auto known = staged_.find(staged);
  if (known == staged_.end()) return false;
  Staged& body = known->second;
  if (!body.finished || body.broken || body.lent || body.size != size) return false;
  body.lent = true;
  return true;
}

void BulkStore::lent(Id staged, bool keep) {
  const std::lock_guard lock(mutex_);
  assert(staged_.contains(staged) && staged_[staged].lent && "what is lent stays until it comes back");
  if (keep) {
    staged_[staged].lent = false;
  } else {
    staged_.erase(staged);
  }
}

Task<Result<>> BulkStore::mark_dropped(std::vector<Id> bulks) {
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(bulks, [this](Id bulk) { return staged_.contains(bulk); });
  }
  const auto job = writer_->write<void>([bulks = std::move(bulks)](Db& db) -> Result<> {
    for (const Id bulk : bulks) mark(db, bulk);
    return {};
  });
  co_return co_await job.take();
}

Task<Result<bool>> BulkStore::drop_slice(bool short_of_room) {
  if (short_of_room) writer_->cut_log_soon();
  const auto job = writer_->write<bool>(
      [short_of_room](Db& db) -> Result<bool> { return delete_slice(db) || shrink(db, short_of_room); }, 0, false);
  co_return co_await job.take();
}

Result<std::string> load_bulk_body(Db& bulk, Id id, std::uint64_t offset, std::size_t most) {
  std::string out;
  const std::int64_t first =
      bulk.number("SELECT start FROM chunk WHERE bulk = ? AND start <= ? ORDER BY start DESC LIMIT 1", -1, id, offset);
  if (first < 0) return fail(Errc::not_found, "the body " + std::to_string(id) + " in bulk.db is gone");
  Query q = bulk.query("SELECT start, sum, data FROM chunk WHERE bulk = ? AND start >= ? ORDER BY start", id, first);
  while (out.size() < most && q.row()) {
    const std::string_view data = q.view(2);
    if (checksum(data) != q.u32(1)) {
      return fail(
          Errc::io,
          "the body " + std::to_string(id) +
              " in bulk.db does not match its checksum: the disk or the file is damaged, restore it from a backup");
    }
    const std::uint64_t at = offset + out.size();
    const std::uint64_t start = q.u64(0);
    if (at < start)
      return fail(Errc::io, "the body " + std::to_string(id) + " in bulk.db has a gap: restore it from a backup");
    if (at >= start + data.size()) break; // beyond the end
    out += data.substr(at - start, most - out.size());
  }
  return out;
}

Id highest_bulk_id(Db& main) {
  return std::max(main.number("SELECT max(bulk) FROM body WHERE bulk <> 0", 0),
                  main.number("SELECT max(bulk) FROM bulk_garbage", 0));
}

bool begin_ids_above(Db& bulk, Id known) {
  const Id given = bulk.number("SELECT seq FROM sqlite_sequence WHERE name = 'bulk'", 0);
  const Id held = std::max(bulk.number("SELECT max(id) FROM bulk", 0), bulk.number("SELECT max(bulk) FROM chunk", 0));
  const Id highest = std::max(known, held);
  if (given >= highest) return false;
  bulk.run("BEGIN IMMEDIATE");
  bulk.run("DELETE FROM sqlite_sequence WHERE name = 'bulk'");
  bulk.run("INSERT INTO sqlite_sequence(name, seq) VALUES('bulk', ?)", highest);
  bulk.run("COMMIT");
  return true;
}

void sweep_staged(Db& main, Db& bulk, Id epoch) {
  const auto owned = [&main](Id id) {
    return main.number("SELECT 1 FROM body WHERE bulk = ? AND bulk <> 0", 0, id) != 0;
  };
  std::vector<Id> lost;
  {
    Query unfinished = bulk.query("SELECT id FROM bulk WHERE state = 1");
    while (unfinished.row()) {
      if (!owned(unfinished.i64(0))) lost.push_back(unfinished.i64(0));
    }
  }
  {
    // Ids rise with epochs, and every start has looked at the epochs before it: only the youngest can be without an
    // owner.
    Query finished = bulk.query("SELECT id, epoch FROM bulk WHERE state = 2 ORDER BY id DESC");
    while (finished.row() && finished.i64(1) >= epoch) {
      if (!owned(finished.i64(0))) lost.push_back(finished.i64(0));
    }
  }
  bulk.run("BEGIN IMMEDIATE");
  for (const Id id : lost) mark(bulk, id);
  bulk.run("COMMIT");
}

} // namespace paquebot::store::sqlite
