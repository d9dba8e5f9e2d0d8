#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "base/task.h"
#include "store/lock_file.h"
#include "store/network_counts.h"
#include "store/reserve.h"
#include "store/sqlite/bulk.h"
#include "store/sqlite/lane.h"
#include "store/sqlite/open.h"
#include "store/sqlite/readers.h"
#include "store/sqlite/subscribers.h"
#include "store/sqlite/tx.h"

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace paquebot::store::sqlite {

/// What a store needs that several nodes work on.
struct Shared {
  std::function<void(const Change&)> tell_others; ///< of any thread; quick
  std::function<void(Tx&)> end_epoch;             ///< in the last transaction
};

/// What a backend has made ready for a store.
struct CoreParts {
  StoreOptions options;
  Carrier carrier{};              ///< of readers, in place of threads
  std::optional<LockFile> lock{}; ///< of the data directory, where there is one
  std::string disk{};             ///< a place on the disk on which a reserve is kept free; empty: on none
  std::optional<Shared> shared{}; ///< none: it is this node's alone
  Id epoch = 0;
  Db& main; ///< what the writer remembers is read with it, once
  Readers::Open open_readers;
  /// Where mail is written; what it is given is called after each opening and each rollback, and where another node has
  /// written since.
  std::function<std::unique_ptr<Lane>(std::function<void(Db&)>)> main_lane;
  std::function<std::unique_ptr<Lane>()> bulk_lane;
};

/// The T of a function that gives T or Result<T>.
template <class R>
struct ValueOf {
  using type = R;
};
template <class T>
struct ValueOf<Result<T>> {
  using type = T;
};
template <class F, class Argument>
using Value = ValueOf<std::invoke_result_t<const F&, Argument>>::type;

/// What all cores of one store share: the threads that use the database, and this run's epoch.
struct CoreState {
  /// Throws DbError when a reader cannot be opened.
  explicit CoreState(CoreParts parts);

  const StoreOptions options;
  const Clock& clock;
  const std::optional<LockFile> lock;
  const std::optional<Reserve> reserve;
  const std::optional<Shared> shared;
  const Id epoch;
  WriterMemory memory; ///< the writer's thread's
  std::atomic<std::uint64_t> directory_generation = 1;
  std::atomic<std::uint64_t> told_marks = 1; ///< of WriterMemory::marks
  NetworkCounts networks{clock};
  Subscribers subscribers;
  Readers readers;
  Readers long_readers;
  const std::shared_ptr<BulkStore> bulk;
  const std::unique_ptr<Lane> lane; ///< last: its jobs use all of the above
};

/// What the parts of the store work with. Every call of a part is a function that is carried to one of the threads; who
/// awaits what these give must keep the core.
class Core {
  std::unique_ptr<CoreState> own_; ///< of the core that a store stands on
  CoreState& all_;

public:
  /// Throws DbError when a reader cannot be opened.
  explicit Core(CoreParts parts);
  /// The same store, which is changed by way of another lane. Both must outlive it.
  Core(Core& whole, Lane& by) : all_(whole.all_), writer(by) {}
  /// Of a store: ends the epoch, after all that waits.
  ~Core();
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  /// Runs T(Db&) or Result<T>(Db&) on paquebot.db, for what mail and sessions wait for.
  template <class F>
  Task<Result<Value<F, Db&>>> read(F function) {
    return read_by(readers, std::move(function));
  }
  /// The same for what takes long, or goes through a table.
  template <class F>
  Task<Result<Value<F, Db&>>> read_long(F function) {
    return read_by(long_readers, std::move(function));
  }
  /// Runs T(Tx&) or Result<T>(Tx&) in the writer's transaction, perhaps more than once: it must not use up what it was
  /// given. An error undoes what it changed. Begun at once; the job is done even if nobody waits for it.
  template <class F>
  Promised<Result<Value<F, Tx&>>> submit(F function, std::size_t bytes = 0) {
    using T = Value<F, Tx&>;
    return writer.write<T>(
        [all = &all_, function = std::move(function)](Db& db) -> Result<T> {
          Tx own{db, all->memory, all->epoch, millis(all->clock.wall()), all->memory.least(all->clock.now())};
          return result_of<T>(function, own);
        },
        bytes);
  }
  /// The same, and waits for it.
  template <class F>
  Task<Result<Value<F, Tx&>>> write(F function) {
    const auto job = submit(std::move(function));
    co_return co_await job.take();
  }

  /// A write that changes who or what is ours: caches notice it by the generation, which rises after the commit, so
  /// that nobody keeps old rows under the new number, and before the caller hears of it.
  template <class F>
  Task<Result<Value<F, Tx&>>> change_directory(F function) {
    const auto job = submit(std::move(function));
    auto result = co_await job.take();
    directory_changed();
    co_return result;
  }
  /// Also after an error: the commit may have happened all the same.
  void directory_changed() {
    ++directory_generation;
    tell({.kind = Change::Kind::directory});
  }
  /// Of what was done here.
  void tell(const Change& change) {
    subscribers.tell(change);
    if (shared) shared->tell_others(change);
  }
  /// Of what another node has done.
  void hear(const Change& change);
  /// Tells of accounts that were marked since the last time.
  void tell_marks() {
    const std::uint64_t now = memory.marks;
    if (told_marks.exchange(now) != now) tell({.kind = Change::Kind::suspicion});
  }

  std::int64_t wall() const { return millis(clock.wall()); }
  /// False while what is left of the disk is kept for deleting and delivering.
  bool room_is_left() const { return !reserve || reserve->spared(); }
  /// Whether the store is files of ours, which we look after and copy.
  bool keeps_files() const { return lock.has_value(); }

  const StoreOptions& options = all_.options;
  const Clock& clock = all_.clock;
  const std::optional<LockFile>& lock = all_.lock;
  const std::optional<Reserve>& reserve = all_.reserve;
  const std::optional<Shared>& shared = all_.shared;
  const Id epoch = all_.epoch;
  WriterMemory& memory = all_.memory;
  std::atomic<std::uint64_t>& directory_generation = all_.directory_generation;
  std::atomic<std::uint64_t>& told_marks = all_.told_marks;
  NetworkCounts& networks = all_.networks;
  Subscribers& subscribers = all_.subscribers;
  Readers& readers = all_.readers;
  Readers& long_readers = all_.long_readers;
  const std::shared_ptr<BulkStore>& bulk = all_.bulk;
  Lane& writer;

private:
  template <class T, class F, class Argument>
  static Result<T> result_of(const F& function, Argument& argument) {
    if constexpr (std::is_void_v<std::invoke_result_t<const F&, Argument&>>) {
      function(argument);
      return {};
    } else {
      return function(argument);
    }
  }
  template <class F>
  static Task<Result<Value<F, Db&>>> read_by(Readers& by, F function) {
    using T = Value<F, Db&>;
    const auto job = by.read<T>(
        [function = std::move(function)](ReadDbs& dbs) -> Result<T> { return result_of<T>(function, dbs.main); });
    co_return co_await job.take();
  }
};

} // namespace paquebot::store::sqlite
