#pragma once

#include "store/change.h"
#include "store/sqlite/db.h"

#include <functional>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

namespace paquebot::store::postgres {

/// Writes what the other nodes are to be told; nothing: anything may have changed. Within a transaction, which others
/// that do so wait for: the rows are in the order of their commits. Throws DbError.
void write_changes(sqlite::Db& db, Id epoch, const std::vector<std::optional<Change>>& changes);

/// Tells of whatever there may be; but who is to be put out is not known, and stays.
void tell_all(const std::function<void(const Change&)>& told);

/// What this node tells others, and hears of them, by the table `change`: what it tells is written behind the change
/// itself, so a node that dies between has told nobody; whoever ends its epoch therefore tells of everything. put() of
/// any thread, the rest of one.
class Exchange {
public:
  void put(const Change& change);
  bool waits() const;
  /// Writes what waits. Throws DbError, and it waits on.
  void send(sqlite::Db& db, Id own);
  /// Begins behind what is there.
  void begin(sqlite::Db& db);
  /// Tells of what others wrote since.
  void receive(sqlite::Db& db, Id own, std::int64_t newest, const std::function<void(const Change&)>& told);
  /// Forgets what every node that lives has read.
  static void prune(sqlite::Db& db);

private:
  using Key = std::tuple<Change::Kind, std::string, Id>; ///< a directory comes before who was in it
  static constexpr std::size_t kMost = 2000;             ///< that wait; more than that are "anything"

  mutable std::mutex mutex_;
  std::set<Key> waiting_;
  bool all_ = false;
  std::int64_t last_ = 0; ///< row that was read
};

} // namespace paquebot::store::postgres
