#pragma once

#include "base/task.h"
#include "policy/grey_table.h"
#include "policy/listed_book.h"
#include "store/books.h"
#include "store/upkeep.h"

namespace paquebot::service {

/// Keeps the table of greylisting in the store, behind the mail: a crash may lose seconds of it.
class GreyKeeper {
public:
  /// Both must outlive it.
  GreyKeeper(store::Books& store, policy::GreyTable& table) : store_(store), table_(table) {}

  /// What waited, what has passed, and which networks are known.
  Task<void> load();
  /// What has changed, at most a thousand rows: called every five seconds, whatever strangers do.
  Task<void> save();
  /// load() ends after the page that it is at.
  void stop() { stopping_ = true; }

private:
  store::Books& store_;
  policy::GreyTable& table_;
  bool stopping_ = false; ///< on the context of the others only
};

/// Puts what operators have listed into the book; both must outlive it. A store that can't be read leaves it empty,
/// with a line in the log.
Task<void> load_listed_book(store::Upkeep& store, policy::ListedBook& book);
/// After a change of that setting, perhaps by another node; empty: of some.
Task<void> refresh_listed(store::Upkeep& store, policy::ListedBook& book, std::string key);

} // namespace paquebot::service
