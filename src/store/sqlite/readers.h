#pragma once

#include "base/result.h"
#include "base/task.h"
#include "store/sqlite/db.h"
#include "store/sqlite/open.h"

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace paquebot::store::sqlite {

/// One reader's connections to both files; where all is in one database they are the same.
struct ReadDbs {
  Db main;
  Db bulk;
};

/// A few threads that read. What takes long (checks, backups, walks) has other threads than what mail waits for. Every
/// job is one short read transaction of its own, begun and ended here: nothing stays open while a coroutine waits, so
/// no reader pins the write-ahead log.
class Readers {
public:
  /// Makes the connections of one thread. Throws DbError.
  using Open = std::function<ReadDbs()>;
  /// `name` is that of the threads, at most 15 octets. With a carrier (SqliteOptions) there are none. Throws DbError
  /// when the connections cannot be made.
  Readers(Open open, unsigned threads, const char* name, Carrier carrier = {});
  /// Finishes what waits.
  ~Readers();
  Readers(const Readers&) = delete;
  Readers& operator=(const Readers&) = delete;

  /// Runs Result<T>(ReadDbs&) on one of the threads.
  template <class T, class F>
  Promised<Result<T>> read(F function) {
    Promised<Result<T>> promised;
    submit([function = std::move(function), promised](ReadDbs& dbs, bool last) {
      try {
        Snapshot snapshot(dbs.main);
        Result<T> result = function(dbs);
        snapshot.end();
        promised.set(std::move(result));
      } catch (const DbError& error) {
        if (!last && error.io()) return false;
        promised.set(std::unexpected(Error{Errc::io, "the store cannot be read: " + error.message}));
      }
      return true;
    });
    return promised;
  }

private:
  /// False when reading failed and it is to be done again by new connections; never for the last time.
  using Job = std::move_only_function<bool(ReadDbs&, bool last)>;

  /// All that one job sees of paquebot.db is of one moment.
  class Snapshot {
  public:
    explicit Snapshot(Db& db) : db_(db) { db_.run("BEGIN"); }
    /// There is nothing to commit, and a COMMIT fails once a damaged page was met.
    void end() { db_.run("ROLLBACK"); }
    ~Snapshot();

  private:
    Db& db_;
  };

  void submit(Job job);
  void work();
  void loop(ReadDbs dbs, const char* name);
  void run(Job& job, ReadDbs& dbs);

  const Open open_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Job> waiting_;
  bool stopping_ = false;
  const Carrier carrier_;
  std::optional<ReadDbs> own_; ///< what a carrier reads with
  std::shared_ptr<bool> alive_ =
      std::make_shared<bool>(true);   ///< what a carrier was given looks whether there is still somebody
  std::vector<std::jthread> threads_; ///< last: they use all of the above
};

} // namespace paquebot::store::sqlite
