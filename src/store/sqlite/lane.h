#pragma once

#include "base/result.h"
#include "base/task.h"
#include "store/long_work.h"
#include "store/sqlite/db.h"
#include "store/types.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace paquebot::store::sqlite {

/// A piece of work for the writer. It runs inside the writer's transaction, perhaps more than once (a batch that failed
/// is done again), so it must not use up what it was given.
class WriteJob {
public:
  virtual ~WriteJob() = default;
  /// False: whatever it changed must be undone; its result is told all the same. May throw DbError.
  virtual bool run(Db& db) = 0;
  /// Called once, after the commit, or with the error that stands instead of the job's own result. Does not wake the
  /// waiter.
  virtual void settle(const std::optional<Error>& failure) = 0;
  /// What wakes the waiter.
  virtual const OneShot& event() const = 0;

  std::size_t bytes = 0; ///< rough size, bounds a batch
  bool durable = true;   ///< false: may be lost in a power cut until a later durable job
  bool between = false;  ///< runs by itself, between two transactions, and changes nothing in the database
};

/// True when the job's changes are to be kept.
template <class T>
bool keeps(const Result<T>& result) {
  return result.has_value();
}

/// A refusal must leave nothing behind.
inline bool keeps(const Result<AcceptResult>& result) { return result && result->status == AcceptStatus::accepted; }

/// A job made of a function Result<T>(Db&).
template <class T, class F>
class FunctionJob final : public WriteJob {
public:
  explicit FunctionJob(F function) : function_(std::move(function)) {}
  const Promised<Result<T>>& promised() const { return promised_; }

  bool run(Db& db) override {
    result_.emplace(function_(db));
    return keeps(*result_);
  }
  void settle(const std::optional<Error>& failure) override {
    if (failure) {
      promised_.put(std::unexpected(*failure));
    } else {
      promised_.put(std::move(*result_));
    }
  }
  const OneShot& event() const override { return promised_.event(); }

private:
  F function_;
  std::optional<Result<T>> result_;
  Promised<Result<T>> promised_;
};

/// Where a database is changed: one thread with one connection, which takes everything that waits as one transaction.
class Lane {
public:
  Lane() = default;
  /// Finishes everything that waits.
  virtual ~Lane() = default;
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;

  /// Takes the job; it will be settled, whatever happens.
  virtual void submit(std::unique_ptr<WriteJob> job) = 0;
  template <class T, class F>
  Promised<Result<T>> write(F function, std::size_t bytes = 0, bool durable = true) {
    auto job = std::make_unique<FunctionJob<T, F>>(std::move(function));
    job->bytes = bytes;
    job->durable = durable;
    Promised<Result<T>> promised = job->promised();
    submit(std::move(job));
    return promised;
  }

  // ---- A copy of the file, for backups; `unsupported` where there is none ----
  /// Begins one in the (empty) file `path`, instead of one that is under way.
  virtual Promised<Result<BackupStep>> begin_copy(std::string path) = 0;
  /// Copies at most so many pages more. `closed` when none is under way, or the file had to be opened anew meanwhile.
  virtual Promised<Result<BackupStep>> go_on_with_copy(int pages) = 0;
  virtual Promised<Result<>> end_copy() = 0;

  /// Whether what is written finds room on the disk, as far as it is known.
  virtual bool has_room() = 0;
  /// For when the disk is short of room.
  virtual void cut_log_soon() = 0;
};

} // namespace paquebot::store::sqlite
