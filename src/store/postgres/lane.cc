#include "store/postgres/lane.h"

#include "base/clock.h"
#include "base/log.h"
#include "metrics/counters.h"
#include "store/postgres/nodes.h"

#include <algorithm>
#include <cassert>
#include <pthread.h>

namespace paquebot::store::postgres {
namespace {

constexpr std::size_t kMostJobs = 1000;
constexpr std::size_t kMostBytes = 4u << 20;
constexpr int kTries = 5;                              // of what the database wants to be done again
constexpr std::chrono::milliseconds kBetween{200};     // two tries to connect
constexpr std::chrono::milliseconds kWhenEnding{2000}; // a store that ends waits no longer for a database that is away
constexpr std::int64_t kProbeAfter = 1000;

metrics::StoreFile counted_as(bool bulk) { return bulk ? metrics::StoreFile::bulk : metrics::StoreFile::main; }

std::int64_t steady_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(system_clock().now().time_since_epoch()).count();
}

Error no_copy() {
  return {Errc::unsupported, "the database keeps this store: back it up by its own means (docs/cluster.md)"};
}

} // namespace

PgLane::PgLane(Options options) : options_(std::move(options)) {
  db_.emplace(options_.open());
  thread_ = std::jthread([this] { loop(); });
}

PgLane::~PgLane() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
}

void PgLane::submit(std::unique_ptr<sqlite::WriteJob> job) {
  {
    const std::lock_guard lock(mutex_);
    assert(!stopping_ && "the store is used while it is being closed");
    waiting_.push_back(std::move(job));
  }
  wake_.notify_one();
}

Promised<Result<BackupStep>> PgLane::begin_copy(std::string) {
  Promised<Result<BackupStep>> none;
  none.set(std::unexpected(no_copy()));
  return none;
}
Promised<Result<BackupStep>> PgLane::go_on_with_copy(int) { return begin_copy({}); }
Promised<Result<>> PgLane::end_copy() {
  Promised<Result<>> done;
  done.set(Result<>());
  return done;
}

/// After a commit found no room, a small one asks each second whether there is some again.
bool PgLane::has_room() {
  if (room_) return true;
  std::int64_t last = probed_ms_;
  const std::int64_t now = steady_ms();
  if (now - last >= kProbeAfter && probed_ms_.compare_exchange_strong(last, now)) {
    write<void>([](sqlite::Db& db) -> Result<> {
      const std::string octets(65536, 'x');
      db.run("INSERT INTO probe(id, data) VALUES(1, ?) ON CONFLICT(id) DO UPDATE SET data = excluded.data",
             sqlite::Blob{octets});
      return {};
    });
  }
  return false;
}

void PgLane::loop() {
  pthread_setname_np(pthread_self(), options_.thread.c_str());
  Jobs batch;
  while (take(batch)) {
    settle(batch);
    batch.clear();
  }
}

bool PgLane::take(Jobs& batch) {
  std::unique_lock lock(mutex_);
  wake_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
  std::size_t bytes = 0;
  while (!waiting_.empty() && batch.size() < kMostJobs && (batch.empty() || bytes < kMostBytes)) {
    bytes += waiting_.front()->bytes;
    batch.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
  return !batch.empty();
}

/// Together, then each in a savepoint, then each by itself.
void PgLane::settle(Jobs& batch) {
  if (settle_as(batch, &PgLane::together)) return;
  if (batch.size() > 1 && settle_as(batch, &PgLane::in_savepoints)) return;
  for (auto& job : batch) alone(std::move(job));
}

/// Until it is known what became of it, whatever happens to the connection. True when all are answered.
bool PgLane::settle_as(Jobs& batch, Fate (PgLane::*how)(Jobs&, Failures&)) {
  Failures failures(batch.size());
  for (;;) {
    if (ended_) {
      answer_all(batch, last_);
      return true;
    }
    if (!connect()) {
      answer_all(batch, last_);
      return true;
    }
    if (in_doubt_ && went_through()) {
      answer(batch, failures);
      return true;
    }
    if (ended_ || !db_) continue;
    failures.assign(batch.size(), std::nullopt);
    switch ((this->*how)(batch, failures)) {
      case Fate::committed: answer(batch, failures); return true;
      case Fate::lost: continue;
      case Fate::ended: end_epoch(batch); return true;
      case Fate::again:
      case Fate::full: return false;
    }
  }
}

void PgLane::alone(std::unique_ptr<sqlite::WriteJob> job) {
  Jobs one;
  one.push_back(std::move(job));
  for (int tries = 0; tries < kTries; ++tries) {
    last_ = {};
    undone_ = false;
    if (settle_as(one, &PgLane::together)) return;
    // Undone because it asked for that: its own result stands.
    if (undone_) return answer_all(one, std::nullopt);
    if (last_.code != Errc::temporary) break;
  }
  if (last_.code == Errc::no_space) room_ = false;
  if (last_.code == Errc::temporary) last_.code = Errc::io;
  answer_all(one, last_);
}

PgLane::Fate PgLane::together(Jobs& jobs, Failures&) {
  try {
    if (!begin(jobs)) return Fate::ended;
    for (const auto& job : jobs) {
      const std::int64_t before = db_->total_changes();
      if (!job->run(*db_) && db_->total_changes() != before) {
        rollback();
        undone_ = true;
        return Fate::again;
      }
    }
    commit();
    return Fate::committed;
  } catch (const DbError& error) {
    return failed(error);
  }
}

PgLane::Fate PgLane::in_savepoints(Jobs& jobs, Failures& failures) {
  try {
    if (!begin(jobs)) return Fate::ended;
    for (std::size_t i = 0; i < jobs.size(); ++i) run_in_savepoint(*jobs[i], failures[i]);
    commit();
    return Fate::committed;
  } catch (const DbError& error) {
    return failed(error);
  }
}

void PgLane::run_in_savepoint(sqlite::WriteJob& job, std::optional<Error>& failure) {
  db_->run("SAVEPOINT job");
  bool keep = false;
  try {
    keep = job.run(*db_);
    static_cast<void>(db_->changes()); // what failed is told of here at the latest
  } catch (const DbError& error) {
    if (error.full() || error.io() || error.code == SQLITE_BUSY) throw;
    keep = false;
    failure = Error{Errc::io, "the store refused: " + error.message};
  }
  if (!keep) {
    db_->run("ROLLBACK TO job");
    options_.prepare(*db_);
  }
  db_->run("RELEASE job");
}

/// False when the epoch has ended.
bool PgLane::begin(const Jobs& jobs) {
  db_->run("BEGIN");
  if (std::ranges::none_of(jobs, &sqlite::WriteJob::durable)) db_->run("SET LOCAL synchronous_commit TO off");
  ++seq_;
  db_->run("UPDATE writer SET seq = ? WHERE epoch = ? AND lane = ?", seq_, options_.seat.epoch, options_.seat.lane);
  const Id last = options_.bulk ? options_.seat.epoch : take_turn(*db_);
  if (db_->changes() != 1) return false;
  if (last == options_.seat.epoch) return true;
  db_->run("UPDATE turn SET holder = ? WHERE id = 1", options_.seat.epoch);
  options_.prepare(*db_);
  return true;
}

void PgLane::commit() {
  using Clock = std::chrono::steady_clock;
  static_cast<void>(db_->changes()); // from here on nothing but the commit can fail
  const Clock::time_point start = system_clock().now();
  in_doubt_ = true;
  db_->run("COMMIT");
  in_doubt_ = false;
  metrics::commits.observe(counted_as(options_.bulk), system_clock().now() - start);
  room_ = true;
}

/// What is to be done about it; the transaction is over.
PgLane::Fate PgLane::failed(const DbError& error) {
  metrics::commit_failures.add(counted_as(options_.bulk));
  if (error.full())
    last_ = {Errc::no_space, "no room left in the database: free some disk space there"};
  else
    last_ = {error.code == SQLITE_BUSY ? Errc::temporary : Errc::io, "the store failed: " + error.message};
  log::error(error.full() ? "store-full" : "store-failed",
             {{"file", "database"}, {"code", error.code}, {"error", error.message}});
  if (error.io()) {
    db_.reset();
    return Fate::lost;
  }
  in_doubt_ = false; // the server has answered the commit, and it was no
  try {
    rollback();
  } catch (const DbError&) {
    db_.reset();
    return Fate::lost;
  }
  return error.full() ? Fate::full : Fate::again;
}

void PgLane::rollback() {
  if (db_->in_transaction()) db_->run("ROLLBACK");
  options_.prepare(*db_);
}

/// Connects if need be, again and again. False when the database was away for too long and nothing is in doubt.
bool PgLane::connect() {
  while (!db_) {
    const auto now = system_clock().now();
    if (down_since_ == std::chrono::steady_clock::time_point{}) down_since_ = now;
    try {
      db_.emplace(options_.open());
      options_.prepare(*db_);
      down_since_ = {};
      log::warning("store-reopened", {{"file", "database"}});
      return true;
    } catch (const DbError& error) {
      db_.reset();
      last_ = {Errc::io, error.message};
    }
    std::unique_lock lock(mutex_);
    const auto away = system_clock().now() - down_since_;
    if (stopping_ ? away > kWhenEnding : !in_doubt_ && away > options_.patience) return false;
    wake_.wait_for(lock, kBetween, [this] { return stopping_; });
    if (stopping_ && away > kWhenEnding) return false;
  }
  return true;
}

/// Whether the commit happened that nobody answered: it left its number. The question changes the row, so the answer is
/// as durable as the commit.
bool PgLane::went_through() {
  try {
    std::int64_t seq = -1;
    db_->run("BEGIN");
    seq = db_->number("UPDATE writer SET seq = seq WHERE epoch = ? AND lane = ? RETURNING seq", -1, options_.seat.epoch,
                      options_.seat.lane);
    db_->run("COMMIT");
    in_doubt_ = false;
    if (seq < 0 && is_stopping()) return true; // it was the last one, which ends the epoch
    if (seq < 0) {
      ended_ = true;
      last_ = {Errc::epoch_ended, "another node took this one for dead and writes in its place"};
      options_.on_fatal(last_.message);
      return false;
    }
    if (seq != seq_) options_.prepare(*db_);
    return seq == seq_;
  } catch (const DbError& error) {
    last_ = {Errc::io, error.message};
    db_.reset();
    return false;
  }
}

bool PgLane::is_stopping() {
  const std::lock_guard lock(mutex_);
  return stopping_;
}

void PgLane::end_epoch(Jobs& batch) {
  ended_ = true;
  last_ = {Errc::epoch_ended, "another node took this one for dead and writes in its place"};
  db_.reset();
  options_.on_fatal(last_.message);
  answer_all(batch, last_);
}

void PgLane::answer_all(Jobs& batch, const std::optional<Error>& failure) {
  answer(batch, Failures(batch.size(), failure));
}

void PgLane::answer(Jobs& batch, const Failures& failures) {
  assert(failures.size() == batch.size() && "everybody hears what became of it");
  std::vector<OneShot> events;
  events.reserve(batch.size());
  for (std::size_t i = 0; i < batch.size(); ++i) {
    batch[i]->settle(failures[i]);
    events.push_back(batch[i]->event());
  }
  OneShot::fire_all(events);
}

} // namespace paquebot::store::postgres
