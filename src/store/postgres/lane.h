#pragma once

#include "store/postgres/connection.h"
#include "store/sqlite/lane.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

namespace paquebot::store::postgres {

/// The fence: an epoch writes only while it has its rows in `writer`. Whoever ends an epoch deletes them, which waits
/// for what is being committed; from then on its transactions find no row and end.
struct Seat {
  Id epoch = 0;
  int lane = 0;
};

/// One thread that changes the database, with one connection. It takes everything that waits, up to a bound, as one
/// transaction, and answers. Of the lanes that change mail one works at a time (take_turn): rules that read before they
/// write hold as they do in SQLite's only writer. A batch that the database refuses is done again in savepoints, then
/// job by job, as SQLite's writer does.
///
/// A connection that is lost is made anew. What was not committed is done again; where nobody knows whether the last
/// commit happened, the number of it in the fence's row tells. Until the database is back, nothing is answered: for
/// four minutes, then with Errc::io; what is in doubt is answered when it is known.
class PgLane final : public sqlite::Lane {
public:
  struct Options {
    std::function<std::shared_ptr<PgConnection>()> open; ///< throws DbError
    /// Called after each opening and rollback, and when another node has written since.
    std::function<void(sqlite::Db&)> prepare = [](sqlite::Db&) {};
    std::function<void(std::string)> on_fatal; ///< the epoch has ended: does not return in production
    std::string thread;                        ///< its name: at most 15 octets
    Seat seat;
    bool bulk = false; ///< not mail: nodes write side by side
    std::chrono::milliseconds patience{240'000};
  };
  explicit PgLane(Options options);
  ~PgLane() override;

  void submit(std::unique_ptr<sqlite::WriteJob> job) override;
  Promised<Result<BackupStep>> begin_copy(std::string path) override;
  Promised<Result<BackupStep>> go_on_with_copy(int pages) override;
  Promised<Result<>> end_copy() override;
  bool has_room() override;
  void cut_log_soon() override {}

private:
  using Jobs = std::vector<std::unique_ptr<sqlite::WriteJob>>;
  using Failures = std::vector<std::optional<Error>>;
  /// `again`: nothing of it is done. `lost`: the connection is, perhaps behind the commit.
  enum class Fate { committed, again, full, lost, ended };

  void loop();
  bool take(Jobs& batch);
  void settle(Jobs& batch);
  bool settle_as(Jobs& batch, Fate (PgLane::*how)(Jobs&, Failures&));
  void alone(std::unique_ptr<sqlite::WriteJob> job);
  Fate together(Jobs& jobs, Failures& failures);
  Fate in_savepoints(Jobs& jobs, Failures& failures);
  void run_in_savepoint(sqlite::WriteJob& job, std::optional<Error>& failure);
  bool begin(const Jobs& jobs);
  void commit();
  Fate failed(const DbError& error);
  void rollback();
  bool connect();
  bool went_through();
  bool is_stopping();
  void end_epoch(Jobs& batch);
  void answer(Jobs& batch, const Failures& failures);
  void answer_all(Jobs& batch, const std::optional<Error>& failure);

  Options options_;
  std::optional<sqlite::Db> db_;
  std::int64_t seq_ = 0;  ///< of the last transaction
  bool in_doubt_ = false; ///< its commit was sent, and not answered
  bool undone_ = false;   ///< the job that ran alone asked for that
  Error last_{};
  std::atomic<bool> room_ = true;
  std::atomic<std::int64_t> probed_ms_ = 0;
  std::chrono::steady_clock::time_point down_since_{};

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::unique_ptr<sqlite::WriteJob>> waiting_;
  bool stopping_ = false;
  bool ended_ = false;  ///< the epoch
  std::jthread thread_; ///< last: it uses all of the above
};

} // namespace paquebot::store::postgres
