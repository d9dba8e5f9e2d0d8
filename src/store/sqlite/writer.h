#pragma once

#include "store/sqlite/copy.h"
#include "store/sqlite/lane.h"
#include "store/sqlite/open.h"
#include "store/sync_pace.h"
#include "store/types.h"

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

namespace paquebot::store::sqlite {

/// The one thread that changes a database file. It takes everything that waits, up to a bound, as one transaction,
/// answers, and then moves the write-ahead log on. It never waits to fill a batch.
///
/// A batch goes through three stages, each tried when the one before failed for a reason other than I/O: all jobs in
/// one transaction without savepoints (nearly always); each in a savepoint of its own, so that one bad job spoils
/// nothing; each in its own transaction (the disk is full: the small ones may still fit). After a failed sync or commit
/// all jobs of the batch are answered with Errc::io, the connection is opened anew and the log moved wholly into the
/// database before anything else is answered with
/// success.
class Writer final : public Lane {
public:
  struct Options {
    std::function<Db()> open; ///< throws DbError
    std::function<void(Db&)> prepare = [](Db&) {
    }; ///< after each opening and each rollback: load or forget what is cached
    std::function<void(std::string)> on_fatal; ///< the store cannot be brought back: does not return in production
    std::string name;                          ///< of the file, for logs
    std::string thread;                        ///< its name among the process's threads: at most 15 octets
    Carrier carrier{};                         ///< in place of a thread (SqliteOptions)
    std::shared_ptr<SyncPace> pace{};          ///< measured here
    std::shared_ptr<const SyncPace>
        behind{};          ///< measured by the writer of small commits, which this one must not hold up: its
                           ///< thread has less of a processor that all want, its log moves in small steps
    int log_frames = 1024; ///< pages in the log from which on it is moved into the file; from four times as many on,
                           ///< readers that keep it from being begun anew are waited for, for a moment
  };
  /// Starts the thread, unless there is a carrier. `db` comes from options.open.
  Writer(Db db, Options options);
  /// Finishes everything that waits, then closes the connection.
  ~Writer() override;
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  void submit(std::unique_ptr<WriteJob> job) override;
  Promised<Result<BackupStep>> begin_copy(std::string path) override;
  Promised<Result<BackupStep>> go_on_with_copy(int pages) override;
  Promised<Result<>> end_copy() override;

  /// False after a commit failed for lack of room, until one works again. While false, asks for a small real write each
  /// second.
  bool has_room() override;
  /// After the next job the log is moved into the database and cut to nothing.
  void cut_log_soon() override { cut_log_ = true; }

private:
  using Batch = std::vector<std::unique_ptr<WriteJob>>;
  enum class Fate { committed, again, full, broken };

  template <class T, class F>
  Promised<Result<T>> between(F function) {
    auto job = std::make_unique<FunctionJob<T, F>>(std::move(function));
    job->between = true;
    Promised<Result<T>> promised = job->promised();
    submit(std::move(job));
    return promised;
  }
  void run_between(WriteJob& job, Batch& batch);

  void loop();
  void work();
  bool take(Batch& batch);
  void commit(Batch& batch);
  Fate together(std::span<const std::unique_ptr<WriteJob>> jobs);
  Fate in_savepoints(Batch& batch, std::vector<std::optional<Error>>& failures);
  Fate run_in_savepoint(WriteJob& job, std::optional<Error>& failure);
  void alone(std::unique_ptr<WriteJob>& job);
  void begin(std::span<const std::unique_ptr<WriteJob>> jobs);
  Fate failed(const DbError& error);
  void rollback();
  void answer(Batch& batch, const std::optional<Error>& failure);
  void answer(Batch& batch, const std::vector<std::optional<Error>>& failures);
  void end_transaction(bool measured);
  int log_bound() const;
  void checkpoint();
  void reopen();
  void watch_log();
  void probe();

  Options options_;
  std::optional<Db> db_;
  std::optional<FileCopy> copy_; ///< of db_, so it ends before db_ does
  Error last_;                   ///< what the last failed stage said
  int log_frames_ = 0;           ///< length of the write-ahead log after the last commit
  int insist_at_ = 0;            ///< readers did not let go of the log: not asked again before it has this length
  bool full_sync_ = true;
  std::atomic<bool> room_ = true;
  std::atomic<bool> cut_log_ = false;
  std::atomic<std::int64_t> probed_ms_ = 0;

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::unique_ptr<WriteJob>> waiting_;
  bool idle_ = false;
  bool stopping_ = false;
  std::shared_ptr<bool> alive_ =
      std::make_shared<bool>(true); ///< what a carrier was given looks whether there is still somebody
  std::jthread thread_;             ///< last: it uses all of the above
};

} // namespace paquebot::store::sqlite
