#include "store/sqlite/writer.h"

#include "base/clock.h"
#include "base/log.h"
#include "metrics/counters.h"
#include "store/sqlite/checkpoint.h"
#include "store/sqlite/schema.h"

#include <algorithm>
#include <cassert>
#include <pthread.h>
#include <unistd.h>

namespace paquebot::store::sqlite {
namespace {

/// The writer of bulk.db stands behind the other one.
metrics::StoreFile counted_file(const Writer::Options& options) {
  return options.behind != nullptr ? metrics::StoreFile::bulk : metrics::StoreFile::main;
}

constexpr std::size_t kBatchJobs = 1000;
constexpr std::size_t kBatchBytes = 4u << 20;
constexpr int kInsistTimes = 4; // of the usual length: then readers are made to wait so that the log can start anew
constexpr int kInsistMs = 20;
constexpr std::int64_t kProbeEvery = 1000;
constexpr int kGiveWay = 10; // nice: a tenth of the processor time that another thread gets, when both want it

std::int64_t monotonic_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(system_clock().now().time_since_epoch()).count();
}

void begin_thread(const Writer::Options& options) {
  pthread_setname_np(pthread_self(), options.thread.c_str());
  if (options.behind == nullptr) return;
  [[maybe_unused]] const int priority =
      ::nice(kGiveWay); // of this thread alone (nice(2)); who may not, goes on as before
}

} // namespace

Writer::Writer(Db db, Options options) : options_(std::move(options)), db_(std::move(db)) {
  watch_log();
  idle_ = options_.carrier != nullptr;
  if (!options_.carrier) thread_ = std::jthread([this] { loop(); });
}

Writer::~Writer() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (options_.carrier) work();
}

void Writer::submit(std::unique_ptr<WriteJob> job) {
  bool sleeping = false;
  {
    const std::lock_guard lock(mutex_);
    assert(!stopping_ && "the store is used while it is being closed");
    waiting_.push_back(std::move(job));
    sleeping = std::exchange(idle_, false);
  }
  if (!sleeping) return;
  if (!options_.carrier) return wake_.notify_one();
  options_.carrier([this, alive = std::weak_ptr(alive_)] {
    if (!alive.expired()) work();
  });
}

void Writer::loop() {
  begin_thread(options_);
  work();
}

/// Until the writer ends; by a carrier until nothing waits.
void Writer::work() {
  Batch batch;
  while (take(batch)) {
    commit(batch);
    batch.clear();
    // Who was answered goes on first, where it shares our core: its peers get their replies sooner, and bring more for
    // the next commit.
    if (!options_.carrier) std::this_thread::yield();
    checkpoint();
  }
}

/// Everything that waits, up to the bound of a batch; false when the writer ends, or nothing waits and a carrier comes
/// again.
bool Writer::take(Batch& batch) {
  assert(batch.empty() && "the one before is answered");
  std::unique_lock lock(mutex_);
  while (waiting_.empty() && !stopping_) {
    idle_ = true;
    if (options_.carrier) return false;
    wake_.wait(lock);
    // Nobody is waited for, but who has more to bring and shares our core brings it first: on a busy core the thread
    // that woke us would otherwise be stopped after its first job.
    lock.unlock();
    std::this_thread::yield();
    lock.lock();
  }
  idle_ = false;
  std::size_t bytes = 0;
  while (!waiting_.empty() && batch.size() < kBatchJobs && (batch.empty() || bytes < kBatchBytes)) {
    if (!batch.empty() && (batch.front()->between || waiting_.front()->between)) break;
    bytes += waiting_.front()->bytes;
    batch.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
  return !batch.empty();
}

void Writer::commit(Batch& batch) {
  if (!db_) return answer(batch, last_);
  if (batch.front()->between) return run_between(*batch.front(), batch);
  Fate fate = together(batch);
  if (fate == Fate::committed) return answer(batch, std::nullopt);
  if (fate == Fate::again && batch.size() > 1) {
    std::vector<std::optional<Error>> failures(batch.size());
    fate = in_savepoints(batch, failures);
    if (fate == Fate::committed) return answer(batch, failures);
  }
  if (fate == Fate::broken) {
    answer(batch, last_);
    return reopen();
  }
  for (auto& job : batch) alone(job);
}

void Writer::run_between(WriteJob& job, Batch& batch) {
  try {
    job.run(*db_);
    answer(batch, std::nullopt);
  } catch (const DbError& error) {
    answer(batch, Error{error.full() ? Errc::no_space : Errc::io, error.message});
  }
}

Promised<Result<BackupStep>> Writer::begin_copy(std::string path) {
  return between<BackupStep>([this, path = std::move(path)](Db& db) -> Result<BackupStep> {
    copy_.reset();
    copy_.emplace(db, path);
    return BackupStep{};
  });
}

Promised<Result<BackupStep>> Writer::go_on_with_copy(int pages) {
  return between<BackupStep>([this, pages](Db&) -> Result<BackupStep> {
    if (!copy_) return fail(Errc::closed, "the copy was broken off, since the store failed meanwhile: begin again");
    return copy_->step(pages);
  });
}

Promised<Result<>> Writer::end_copy() {
  return between<void>([this](Db&) -> Result<> {
    copy_.reset();
    return {};
  });
}

void Writer::begin(std::span<const std::unique_ptr<WriteJob>> jobs) {
  // In WAL mode, FULL syncs the log at this commit and with it every earlier one that was not synced.
  const bool sync = std::ranges::any_of(jobs, &WriteJob::durable);
  if (sync != full_sync_) db_->exec(sync ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
  full_sync_ = sync;
  db_->run("BEGIN IMMEDIATE");
}

Writer::Fate Writer::together(std::span<const std::unique_ptr<WriteJob>> jobs) {
  try {
    begin(jobs);
    for (const auto& job : jobs) {
      const std::int64_t before = db_->total_changes();
      if (!job->run(*db_) && db_->total_changes() != before) {
        rollback();
        return Fate::again;
      }
    }
    end_transaction(full_sync_);
    assert(!db_->in_transaction() && "what is answered is committed");
    return Fate::committed;
  } catch (const DbError& error) {
    return failed(error);
  }
}

void Writer::end_transaction(bool measured) {
  if (!measured) return db_->run("COMMIT");
  using Clock = std::chrono::steady_clock;
  const Clock::time_point start = system_clock().now();
  db_->run("COMMIT");
  const auto took = system_clock().now() - start;
  metrics::commits.observe(counted_file(options_), took);
  if (options_.pace != nullptr) options_.pace->took(std::chrono::duration_cast<std::chrono::microseconds>(took));
}

Writer::Fate Writer::in_savepoints(Batch& batch, std::vector<std::optional<Error>>& failures) {
  try {
    begin(batch);
    for (std::size_t i = 0; i < batch.size(); ++i) {
      const Fate fate = run_in_savepoint(*batch[i], failures[i]);
      if (fate != Fate::committed) return fate;
    }
    db_->run("COMMIT");
    assert(!db_->in_transaction());
    return Fate::committed;
  } catch (const DbError& error) {
    return failed(error);
  }
}

Writer::Fate Writer::run_in_savepoint(WriteJob& job, std::optional<Error>& failure) {
  db_->run("SAVEPOINT job");
  bool keep = false;
  try {
    keep = job.run(*db_);
  } catch (const DbError& error) {
    if (error.full() || error.io() || !db_->in_transaction()) return failed(error);
    failure = Error{Errc::io, "the store refused: " + error.message};
  }
  if (!keep) {
    db_->run("ROLLBACK TO job");
    options_.prepare(*db_);
  }
  db_->run("RELEASE job");
  return Fate::committed;
}

void Writer::alone(std::unique_ptr<WriteJob>& job) {
  Batch one;
  one.push_back(std::move(job));
  if (!db_) return answer(one, last_);
  last_ = {};
  switch (together(one)) {
    case Fate::committed: return answer(one, std::nullopt);
    case Fate::full: room_ = false; return answer(one, last_);
    case Fate::broken: answer(one, last_); return reopen();
    case Fate::again:
      // Undone because it asked for that (its own result stands), or because SQLite refused it.
      return last_.message.empty() ? answer(one, std::nullopt) : answer(one, last_);
  }
}

/// Rolls back and says what is to be done about the failure.
Writer::Fate Writer::failed(const DbError& error) {
  const bool full = error.full();
  metrics::commit_failures.add(counted_file(options_));
  last_ = full ? Error{Errc::no_space, "no room left for " + options_.name + ": free some disk space"}
               : Error{Errc::io, "the store failed: " + error.message};
  log::error(full ? "store-full" : "store-failed",
             {{"file", options_.name}, {"code", error.code}, {"error", error.message}});
  if (error.io()) return Fate::broken;
  try {
    rollback();
  } catch (const DbError&) {
    return Fate::broken;
  }
  return full ? Fate::full : Fate::again;
}

void Writer::rollback() {
  if (db_->in_transaction()) db_->run("ROLLBACK");
  options_.prepare(*db_);
}

void Writer::answer(Batch& batch, const std::optional<Error>& failure) {
  const std::vector<std::optional<Error>> failures(batch.size(), failure);
  answer(batch, failures);
}

void Writer::answer(Batch& batch, const std::vector<std::optional<Error>>& failures) {
  assert(failures.size() == batch.size() && "everybody hears what became of it");
  std::vector<OneShot> events;
  events.reserve(batch.size());
  for (std::size_t i = 0; i < batch.size(); ++i) {
    batch[i]->settle(failures[i]);
    events.push_back(batch[i]->event());
  }
  OneShot::fire_all(events);
}

/// Pages in the log from which on it is moved.
int Writer::log_bound() const {
  return options_.behind == nullptr ? options_.log_frames : log_step(options_.behind->quickest(), options_.log_frames);
}

/// Moves the log into the file once it has its length. A reader that stands in the log keeps it from being begun anew;
/// whoever reads for long is waited for, but only a moment, and not again before the log has grown by its length once
/// more: commits wait behind this.
void Writer::checkpoint() {
  const bool cut = cut_log_.exchange(false);
  if (!db_ || (!cut && log_frames_ < log_bound())) return;
  const bool insist = log_frames_ >= std::max(insist_at_, kInsistTimes * options_.log_frames);
  const int mode = cut ? SQLITE_CHECKPOINT_TRUNCATE : insist ? SQLITE_CHECKPOINT_RESTART : SQLITE_CHECKPOINT_PASSIVE;
  if (mode != SQLITE_CHECKPOINT_PASSIVE) sqlite3_busy_timeout(db_->raw(), kInsistMs);
  const int code = sqlite3_wal_checkpoint_v2(db_->raw(), nullptr, mode, nullptr, nullptr);
  if (mode != SQLITE_CHECKPOINT_PASSIVE) sqlite3_busy_timeout(db_->raw(), kBusyMs);
  if (insist) insist_at_ = code == SQLITE_BUSY ? log_frames_ + options_.log_frames : 0;
  const DbError error{code, "checkpoint"};
  if (!error.io()) return; // busy or full: the log stays as it is and the next commit tries again
  log::error("store-failed", {{"file", options_.name}, {"code", code}, {"error", "checkpoint failed"}});
  reopen();
}

/// After a failed sync nothing that SQLite holds for written may be trusted to be on the disk: all of the log is moved
/// into the database and synced before the next commit is answered (else mail acknowledged later could be lost in a
/// power cut).
void Writer::reopen() {
  try {
    copy_.reset();
    db_.reset();
    db_.emplace(options_.open());
    full_sync_ = true;
    watch_log();
    checkpoint_fully(*db_);
    options_.prepare(*db_);
    log::warning("store-reopened", {{"file", options_.name}});
  } catch (const DbError& error) {
    db_.reset();
    last_ = {Errc::closed, options_.name + " cannot be opened again after a failure: " + error.message};
    options_.on_fatal(last_.message);
  }
}

void Writer::watch_log() {
  log_frames_ = 0;
  insist_at_ = 0;
  const auto hook = [](void* self, sqlite3*, const char*, int frames) {
    auto& writer = *static_cast<Writer*>(self);
    writer.log_frames_ = frames;
    writer.room_ = true; // only called when a commit has written something
    return SQLITE_OK;
  };
  sqlite3_wal_hook(db_->raw(), hook, this);
}

bool Writer::has_room() {
  if (room_) return true;
  std::int64_t last = probed_ms_;
  const std::int64_t now = monotonic_ms();
  if (now - last >= kProbeEvery && probed_ms_.compare_exchange_strong(last, now)) probe();
  return false;
}

/// Overwrites one row of 64 KiB with other octets, which the log has to find room for; nobody waits for it.
void Writer::probe() {
  write<void>([](Db& db) -> Result<> {
    db.run("INSERT OR REPLACE INTO probe(id, data) VALUES(1, randomblob(65536))");
    return {};
  });
}

} // namespace paquebot::store::sqlite
